"""counters: what was passed over in silence, counted once and exactly."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import BINARY_TRACE, frame_bytes, growth, refused, registered_keys
from tracewire.codec.counters import counters
from tracewire.codec.value import RawItem

NAMES = registered_keys()


def test_every_known_key_is_counted() -> None:
    shed = {f"shed_{NAMES[key]}" for key in (1, 3, 5, 11, 13)}
    unusable = {f"unusable_{name}" for name in NAMES.values()}
    assert set(counters()) == shed | unusable
    assert {type(count) for count in counters().values()} == {int}


def test_a_snapshot_is_the_callers_own() -> None:
    before = counters()
    snapshot = counters()
    snapshot["shed_trace"] += 1
    snapshot.clear()
    assert counters() == before


@pytest.mark.parametrize("key", NAMES)
def test_an_unusable_value_is_counted_once_a_frame(codec: ModuleType, key: int) -> None:
    data = frame_bytes(extensions={key: None, 21: None})
    with growth() as grown:
        frame = codec.decode(data)
        for _ in range(3):
            assert frame.trace is None
            assert set(frame.extensions) == {21}
            assert set(frame.raw_extensions) == {key, 21}
    assert grown == {f"unusable_{NAMES[key]}": 1}
    with growth() as again:
        for _ in range(2):
            other = codec.decode(data)
            assert (other.trace, len(other.extensions)) == (None, 1)
    assert again == {f"unusable_{NAMES[key]}": 2}


def test_what_was_not_read_is_not_counted(codec: ModuleType) -> None:
    with growth() as grown:
        frame = codec.decode(frame_bytes(extensions=dict.fromkeys(NAMES)))
        assert (frame.kind, frame.id, frame.method, frame.payload) == (0, 1, "m", b"")
        assert len(frame.raw_extensions) == len(NAMES)
        assert codec.encode(frame) == codec.encode(codec.decode(codec.encode(frame)))
        assert repr(frame)
        assert frame == codec.decode(codec.encode(frame))
    assert grown == {}


def test_trace_and_extensions_are_counted_when_each_is_read(codec: ModuleType) -> None:
    frame = codec.decode(frame_bytes(extensions=dict.fromkeys(NAMES)))
    with growth() as trace:
        assert frame.trace is None
    with growth() as extensions:
        assert not frame.extensions
    assert trace == {"unusable_trace": 1, "unusable_tracestate": 1}
    assert extensions == {f"unusable_{NAMES[key]}": 1 for key in NAMES if key > 3}


TRACESTATE = "unusable_tracestate"


@pytest.mark.parametrize(
    ("extensions", "unusable"),
    [
        ({1: BINARY_TRACE, 3: "a=1"}, []),
        ({1: False}, []),
        ({1: False, 3: "a=1"}, [TRACESTATE]),
        ({3: "a=1"}, [TRACESTATE]),
        ({1: None, 3: "a=1"}, ["unusable_trace", TRACESTATE]),
        ({1: BINARY_TRACE, 3: ""}, [TRACESTATE]),
        ({1: BINARY_TRACE, 3: "é"}, [TRACESTATE]),
        ({1: BINARY_TRACE, 3: "a\n"}, [TRACESTATE]),
        ({1: BINARY_TRACE, 3: "a" * 513}, [TRACESTATE]),
        ({1: BINARY_TRACE, 3: "a" * 512}, []),
        ({1: BINARY_TRACE, 3: "," * 32}, [TRACESTATE]),
        ({1: BINARY_TRACE, 3: "," * 31}, []),
        ({1: BINARY_TRACE, 3: 5}, [TRACESTATE]),
        ({5: {"a": 1}}, ["unusable_baggage"]),
        ({5: {1: "a"}}, ["unusable_baggage"]),
        ({5: {"": "a"}}, ["unusable_baggage"]),
        ({5: {f"{n}": "" for n in range(65)}}, ["unusable_baggage"]),
        ({5: {f"{n}": "" for n in range(64)}}, []),
        ({5: {"a": "x" * 8192}}, ["unusable_baggage"]),
        ({5: {"a": "x" * 8191}}, []),
        ({5: {}}, []),
        ({7: 1 << 60, 9: 65535, 11: [1, 1], 13: BINARY_TRACE}, []),
    ],
    ids=lambda value: str(value)[:60],
)
def test_only_what_is_unusable_is_counted(
    codec: ModuleType, extensions: dict[Any, object], unusable: list[str]
) -> None:
    with growth() as grown:
        frame = codec.decode(frame_bytes(extensions=extensions))
        assert (frame.trace is None) is (extensions.get(1) is None)
        assert len(frame.extensions) <= len(extensions)
    assert grown == dict.fromkeys(unusable, 1)


def test_a_key_that_occurs_twice_in_a_baggage_makes_it_unusable(codec: ModuleType) -> None:
    twice = bytes.fromhex("a105a2 616b6161 616b6162")
    data = bytes.fromhex("d9d4f7850001616d40") + twice
    with growth() as grown:
        assert not codec.decode(data).extensions
    assert grown == {"unusable_baggage": 1}


def test_a_frame_made_from_fields_counts_like_one_that_was_read(codec: ModuleType) -> None:
    raw = codec.decode(frame_bytes(extensions={1: None, 7: None})).raw_extensions
    with growth() as grown:
        frame = codec.Frame(0, 1, "m", raw_extensions=raw)
        assert (frame.trace, dict(frame.extensions)) == (None, {})
    assert grown == {"unusable_trace": 1, "unusable_timeout": 1}


def together(work: Callable[[], None], threads: int) -> None:
    """Runs the work in this many threads that start at once."""
    barrier = Barrier(threads)

    def run() -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run) for _ in range(threads)]:
            done.result()


def test_no_count_is_lost_between_threads(codec: ModuleType) -> None:
    def shed() -> None:
        for _ in range(500):
            codec.encode_request(1, "m", extensions={5: None, 13: None})

    with growth() as grown:
        together(shed, 4)
    assert grown == {"shed_baggage": 2000, "shed_creation": 2000}


def overfull(codec: ModuleType) -> Any:
    return codec.TraceContext(1, 1, 1, "x" * 513)


def test_context_that_raw_extensions_replace_is_not_counted(codec: ModuleType) -> None:
    raw = {1: RawItem(b"\xf4"), 3: RawItem(b"\x63a=1"), 5: RawItem(b"\xa0"), 13: RawItem(b"\xf6")}
    with growth() as grown:
        frame = codec.Frame(0, 1, "m", b"", overfull(codec), {5: None, 13: None}, raw)
    assert frame.raw_extensions == raw
    assert grown == {}


@pytest.mark.parametrize(
    ("rule", "id", "extensions"),
    [
        ("F-9", 0, {}),
        ("X-8", 1, {"k": 1 << 64}),
        ("X-2", 1, {f"k{n}": n for n in range(65)}),
    ],
    ids=["base", "value", "map"],
)
def test_a_refused_frame_counts_nothing(
    codec: ModuleType, rule: str, id: int, extensions: dict[Any, object]
) -> None:
    with growth() as grown, refused(rule):
        codec.encode_request(id, "m", b"", overfull(codec), {5: None, 13: None, **extensions})
    assert grown == {}
