"""What encoders leave out of context, in which order, and that they count exactly that."""

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import cbor2
import pytest

from tests.unit.checks import BINARY_TRACE, SPAN_ID, TRACE_ID, frame_bytes, growth, refused
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

MAP_BYTES = 16_384
BASE = len(frame_bytes())


class View(Mapping[str, object]):
    """A mapping that is no dict."""

    def __init__(self, entries: dict[str, object]) -> None:
        self.entries = entries

    def __getitem__(self, key: str) -> object:
        return self.entries[key]

    def __iter__(self) -> Any:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def numbered(count: int) -> str:
    return ",".join(f"m{number}=1" for number in range(count))


def lengths(*sizes: int) -> str:
    """A state of members of these lengths: a…, b…, c…"""
    return ",".join(chr(ord("a") + at) * size for at, size in enumerate(sizes))


def without(state: str, *places: int) -> str:
    members = state.split(",")
    return ",".join(member for at, member in enumerate(members) if at not in places)


def shed(**amounts: int) -> dict[str, int]:
    return {f"shed_{name}": amount for name, amount in amounts.items() if amount}


# Tracestate, E-2.


@pytest.mark.parametrize(
    ("state", "kept", "amount"),
    [
        ("", "", 0),
        ("a=1", "a=1", 0),
        (numbered(32), numbered(32), 0),
        (numbered(33), numbered(32), 1),
        (numbered(40), numbered(32), 8),
        (lengths(512), lengths(512), 0),
        (lengths(513), "", 1),
        (lengths(128, 128, 127, 126), lengths(128, 128, 127, 126), 0),
        (lengths(128, 128, 127, 127), lengths(128, 128, 127), 1),
        (lengths(129, 128, 127, 125), lengths(129, 128, 127, 125), 0),
        (lengths(129, 128, 127, 126), without(lengths(129, 128, 127, 126), 0), 1),
        (lengths(129, 200, 100, 100), without(lengths(129, 200, 100, 100), 1), 1),
        (lengths(200, 300, 400, 100), without(lengths(200, 300, 400, 100), 1, 2), 2),
        (lengths(500, 600, 1), lengths(500) + ",c", 1),
        ("a" * 129 + "," + numbered(32), numbered(32), 1),
        ("a" * 128 + "," + numbered(32), "a" * 128 + "," + numbered(31), 1),
        ("a=1,,b=2,", "a=1,b=2", 2),
        (",", "", 2),
        (" ,~", " ,~", 0),
        *((f"a=1,b={char},c=3", "a=1,c=3", 1) for char in "\0\t\n\x1f\x7f\x80é\u2028\ud800😀"),
        ("\t" + "a" * 600 + "," + numbered(31) + ",,b=2", numbered(31) + ",b=2", 2),
    ],
)
def test_a_state_is_brought_to_its_limits(
    codec: ModuleType, state: str, kept: str, amount: int
) -> None:
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, state)
    with growth() as grown:
        data = codec.encode_request(1, "m", trace=trace)
    assert codec.decode(data).trace == codec.TraceContext(TRACE_ID, SPAN_ID, 1, kept)
    assert (3 in codec.decode(data).raw_extensions) is (kept != "")
    assert grown == shed(tracestate=amount)


def calls(work: Callable[[], object]) -> int:
    """How many functions the work calls."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event.endswith("call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("member", ["a=1", "x" * 200, ""])
def test_the_work_for_a_state_grows_as_its_members_do(codec: ModuleType, member: str) -> None:
    def encode(count: int) -> Callable[[], bytes]:
        trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, ",".join([member] * count))
        return lambda: codec.encode_request(1, "m", trace=trace)

    assert calls(encode(1000)) < 2.2 * calls(encode(500))


# Baggage and creation, E-3 and E-4.

NO_TEXTS: dict[object, str] = {"a": "1", 5: "v", None: "v", b"b": "v", True: "v"}
FULL = {f"k{number:02}": "v" for number in range(64)}


@pytest.mark.parametrize(
    ("baggage", "kept", "amount"),
    [
        ({}, None, 0),
        ({"b": "2", "a": "1", "aa": "3"}, {"a": "1", "b": "2", "aa": "3"}, 0),
        (FULL, FULL, 0),
        ({**FULL, "k99": "v"}, FULL, 1),
        ({"longer": "v", **FULL}, FULL, 1),
        ({**FULL, "a": "v"}, {"a": "v", **{k: v for k, v in FULL.items() if k != "k63"}}, 1),
        ({"a": "x" * 8191}, {"a": "x" * 8191}, 0),
        ({"a": "x" * 8192}, None, 1),
        ({"b": "x" * 4095, "a": "x" * 4095}, {"a": "x" * 4095, "b": "x" * 4095}, 0),
        ({"b": "x" * 4096, "a": "x" * 4095}, {"a": "x" * 4095}, 1),
        ({"a": "é" * 4095, "b": "y"}, {"b": "y"}, 1),
        ({"é": "é" * 4095}, {"é": "é" * 4095}, 0),
        ({"é": "é" * 4095 + "y"}, None, 1),
        ({"a": "x" * 8192, "bb": "y"}, {"bb": "y"}, 1),
        ({"a": "1", "m": "x" * 9000, "z": "2"}, {"a": "1", "z": "2"}, 1),
        ({"a": "x" * 4100, "b": "x" * 4100, "c": "1"}, {"a": "x" * 4100, "c": "1"}, 1),
        ({**FULL, "k99": "x" * 9000}, FULL, 1),
        ({"": "v", "a": "1"}, {"a": "1"}, 1),
        (NO_TEXTS, {"a": "1"}, 4),
        ({"a": "1", "b": 5, "c": None, "d": b"v", "e": ["v"], "f": 1.5}, {"a": "1"}, 5),
        ({"a": "1", "\ud800": "v", "b": "\udfff"}, {"a": "1"}, 2),
        ({"a": 1}, None, 1),
        ({**FULL, "": "v", "a": 1}, FULL, 2),
        (View({"b": "2", "a": "1", "": "3"}), {"a": "1", "b": "2"}, 1),
    ],
)
def test_a_baggage_is_brought_to_its_limits(
    codec: ModuleType, baggage: Mapping[Any, object], kept: dict[str, str] | None, amount: int
) -> None:
    with growth() as grown:
        data = codec.encode_request(1, "m", extensions={5: baggage})
    assert data == frame_bytes(extensions=kept and {5: kept})
    assert grown == shed(baggage=amount)


@pytest.mark.parametrize("wrong", [None, "k=v", b"", 5, 1.5, [("k", "v")], True, object], ids=repr)
def test_a_baggage_that_is_no_mapping_is_left_out(codec: ModuleType, wrong: object) -> None:
    with growth() as grown:
        data = codec.encode_request(1, "m", extensions={5: wrong, 7: 1})
    assert data == frame_bytes(extensions={7: 1})
    assert grown == shed(baggage=1)


@pytest.mark.parametrize(
    "wrong", [None, NOT_SAMPLED, False, BINARY_TRACE, "00-", 5, {}, object], ids=repr
)
def test_a_creation_that_is_no_context_is_left_out(codec: ModuleType, wrong: object) -> None:
    with growth() as grown:
        data = codec.encode_request(1, "m", extensions={13: wrong, 7: 1})
    assert data == frame_bytes(extensions={7: 1})
    assert grown == shed(creation=1)


# The map, E-5 and E-6.

LONG = "long=" + "x" * 124
CONTEXT = {5: {"bb": "2", "a": "1"}}
#: What is left of the state, the baggage, the creation and the trace after each step.
STEPS: list[tuple[str, dict[str, str], bool, bool]] = [
    (f"{LONG},m=1,n=2", {"a": "1", "bb": "2"}, True, True),
    ("m=1,n=2", {"a": "1", "bb": "2"}, True, True),
    ("m=1", {"a": "1", "bb": "2"}, True, True),
    ("", {"a": "1", "bb": "2"}, True, True),
    ("", {"a": "1"}, True, True),
    ("", {}, True, True),
    ("", {}, False, True),
    ("", {}, False, False),
]
SHED = [
    shed(
        tracestate=min(step, 3), baggage=min(max(step - 3, 0), 2), creation=step > 5, trace=step > 6
    )
    for step in range(len(STEPS))
]


def crowded(codec: ModuleType, others: dict[Any, object]) -> bytes:
    """A request with all the context of the first step beside other extensions."""
    creation = codec.TraceContext(TRACE_ID, SPAN_ID, 0)
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, STEPS[0][0])
    extensions = {**others, **CONTEXT, 13: creation}
    data: bytes = codec.encode_request(1, "m", trace=trace, extensions=extensions)
    return data


def left(codec: ModuleType, data: bytes) -> tuple[str, dict[str, str], bool, bool]:
    """What a frame holds, as STEPS says it."""
    frame = codec.decode(data)
    state = frame.trace.state if frame.trace is not None else ""
    return state, dict(frame.extensions.get(5, {})), 13 in frame.extensions, frame.trace is not None


def test_context_leaves_a_map_of_too_many_bytes_part_by_part(codec: ModuleType) -> None:
    largest: dict[int, int] = {}
    for filler in range(MAP_BYTES - 300, MAP_BYTES - 5):
        with growth() as grown:
            data = crowded(codec, {"z": b"f" * filler})
        step = STEPS.index(left(codec, data))
        assert grown == SHED[step]
        largest[step] = len(data) - BASE
    assert largest == dict.fromkeys(range(len(STEPS)), MAP_BYTES)
    with refused("X-3"):
        crowded(codec, {"z": b"f" * (MAP_BYTES - 5)})


@pytest.mark.parametrize(("others", "step"), [(60, 0), (61, 3), (62, 5), (63, 6), (64, 7)])
def test_context_leaves_a_map_of_too_many_entries_key_by_key(
    codec: ModuleType, others: int, step: int
) -> None:
    with growth() as grown:
        data = crowded(codec, {f"k{number}": number for number in range(others)})
    assert left(codec, data) == STEPS[step]
    assert grown == SHED[step]


def test_not_sampled_leaves_a_full_map_too(codec: ModuleType) -> None:
    others = {f"k{number}": number for number in range(64)}
    with growth() as grown:
        data = codec.encode_request(1, "m", trace=NOT_SAMPLED, extensions=others)
    assert data == frame_bytes(extensions=others)
    assert grown == shed(trace=1)


@pytest.mark.parametrize(
    ("rule", "others"),
    [
        ("X-2", {f"k{number}": number for number in range(65)}),
        ("X-3", {"z": b"f" * (MAP_BYTES - 5)}),
        ("X-3", {7: 1, 9: 1, 11: (1, 1), 21: RawItem(b"\x59\x40\x00" + bytes(MAP_BYTES))}),
    ],
    ids=["entries", "bytes", "raw"],
)
def test_what_is_not_context_is_never_left_out(
    codec: ModuleType, rule: str, others: dict[int | str, object]
) -> None:
    with refused(rule):
        codec.encode_request(1, "m", extensions=others)
    with refused(rule):
        codec.encode_request(1, "m", trace=NOT_SAMPLED, extensions=others)
    with refused(rule):
        crowded(codec, others)


@pytest.mark.parametrize(("others", "kept"), [(60, 4), (61, 3), (62, 2), (63, 1), (64, 0)])
def test_context_as_encoded_leaves_whole(codec: ModuleType, others: int, kept: int) -> None:
    order = (1, 13, 5, 3)
    values = {1: BINARY_TRACE, 3: "a=1,b=2", 5: {"a": "1", "b": "2"}, 13: BINARY_TRACE}
    raw = {key: RawItem(cbor2.dumps(value)) for key, value in values.items()}
    plain = {f"k{number}": number for number in range(others)}
    with growth() as grown:
        frame = codec.Frame(0, 1, "m", extensions=plain, raw_extensions=raw)
    assert {key for key in frame.raw_extensions if isinstance(key, int)} == set(order[:kept])
    names = {1: "trace", 3: "tracestate", 5: "baggage", 13: "creation"}
    assert grown == shed(**{names[key]: 1 for key in order[kept:]})


def test_a_key_of_context_that_never_fits_leaves_an_empty_map_out(codec: ModuleType) -> None:
    with growth() as grown:
        data = codec.encode_request(1, "m", extensions={5: RawItem(cbor2.dumps(bytes(MAP_BYTES)))})
    assert data == frame_bytes()
    assert grown == shed(baggage=1)


#: Fanouts, and whether each goes with its trace.
FANOUTS: list[tuple[object, bool]] = [
    ([9, 3], True),
    ([9, 3, 5], False),
    ([9, 3, 5, None], False),
    ([9, 3, None], False),
    ([3, 9], False),
    (None, False),
]


@pytest.mark.parametrize("trace", ["context", "not sampled", "encoded"])
@pytest.mark.parametrize(("fanout", "goes"), FANOUTS, ids=repr)
def test_a_fanout_leaves_with_its_trace(  # E-13
    codec: ModuleType, trace: str, fanout: object, goes: bool
) -> None:
    others = {f"k{number}": number for number in range(63)}
    raw = {11: RawItem(cbor2.dumps(fanout))}
    stamp = NOT_SAMPLED if trace == "not sampled" else None
    if trace == "context":
        stamp = codec.TraceContext(TRACE_ID, SPAN_ID, 1)
    if trace == "encoded":
        raw[1] = RawItem(cbor2.dumps(BINARY_TRACE))
    with growth() as grown:
        frame = codec.Frame(0, 1, "m", trace=stamp, extensions=others, raw_extensions=raw)
    kept: dict[Any, object] = {} if goes else {11: fanout}
    assert codec.encode(frame) == frame_bytes(extensions={**kept, **others})
    assert grown == shed(trace=1, fanout=goes)


def test_a_fanout_stays_where_only_other_context_leaves(codec: ModuleType) -> None:  # E-13
    others: dict[Any, object] = {f"k{number}": number for number in range(62)}
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, "a=1")
    with growth() as grown:
        data = codec.encode_request(1, "m", trace=trace, extensions={11: (9, 3), **others})
    assert data == frame_bytes(extensions={1: BINARY_TRACE, 11: [9, 3], **others})
    assert grown == shed(tracestate=1)


def test_a_map_of_too_many_bytes_loses_the_largest_entries_of_baggage(codec: ModuleType) -> None:
    others: dict[Any, object] = {"z": b"f" * (MAP_BYTES - 300)}
    baggage = {"a": "x" * 500, "b": "2", "c": "3"}
    with growth() as grown:
        data = codec.encode_request(1, "m", extensions={5: baggage, **others})
    assert data == frame_bytes(extensions={5: {"b": "2", "c": "3"}, **others})
    assert grown == shed(baggage=1)


def test_context_that_fits_counts_nothing(codec: ModuleType) -> None:
    with growth() as grown:
        data = crowded(codec, {7: 5})
    assert left(codec, data) == STEPS[0]
    assert grown == {}
