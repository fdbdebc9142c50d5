"""restamp and strip: what a relay does to one frame without reading it all."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import cbor2
import pytest

from tests.unit.checks import BINARY_TRACE, SPAN_ID, TRACE_ID, frame_bytes, growth, refused
from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

MAP_BYTES = 16_384
OTHER_TRACE = BINARY_TRACE[:-1] + b"\0"
RELAYED = [(0, 1, "m"), (1, 4294967295, 14), (2, 0, "m"), (2, 0, "")]
NOT_RELAYED = [
    (3, 0, 0),
    (4, 0, 0),
    (5, 1, 0),
    (6, 1, 0),
    (7, 1, 0),
    (32768, 0, "x"),
    (65535, 9, 7),
]

#: The even key that is not assigned, as encoded.
KEY = b"\x1a\x00\x01\x00\x02"

#: Extensions that no rule of usable values or of order inside values makes any neater.
UNTIDY: dict[Any, object] = {
    5: {"b": "1", "": "2"},
    7: None,
    11: [1],
    13: b"\0",
    65538: 1,
    "b": {"b": {}, "a": [], 1: None},
    "aa": b"\0",
}
TRACES: list[dict[Any, object]] = [
    {},
    {1: False},
    {1: OTHER_TRACE},
    {1: OTHER_TRACE, 3: "old=1"},
    {1: None, 3: 5},
    {3: "old=1"},
]


@pytest.fixture(params=["undecided", "not sampled", "sampled", "with a state"])
def stamp(request: pytest.FixtureRequest, codec: ModuleType) -> tuple[Any, dict[Any, object]]:
    """A trace, and keys 1 and 3 as it stands in them."""
    stamps: dict[str, tuple[Any, dict[Any, object]]] = {
        "undecided": (None, {}),
        "not sampled": (NOT_SAMPLED, {1: False}),
        "sampled": (codec.TraceContext(TRACE_ID, SPAN_ID, 1), {1: BINARY_TRACE}),
        "with a state": (
            codec.TraceContext(TRACE_ID, SPAN_ID, 1, "new=1,b=2"),
            {1: BINARY_TRACE, 3: "new=1,b=2"},
        ),
    }
    return stamps[request.param]


@pytest.mark.parametrize("fields", RELAYED)
@pytest.mark.parametrize("others", [{}, {21: 1}, UNTIDY], ids=["none", "one", "untidy"])
@pytest.mark.parametrize("old", TRACES, ids=str)
def test_restamp_changes_keys_1_and_3_only(
    codec: ModuleType,
    stamp: tuple[Any, dict[Any, object]],
    fields: tuple[int, int, Any],
    others: dict[Any, object],
    old: dict[Any, object],
) -> None:
    trace, new = stamp
    data = frame_bytes(*fields, b"\xd9\xd4\xf7 body", {**old, **others})
    with growth() as grown:
        restamped = codec.restamp(data, trace)
    assert restamped == frame_bytes(*fields, b"\xd9\xd4\xf7 body", {**new, **others})
    assert grown == {}


@pytest.mark.parametrize("fields", NOT_RELAYED)
@pytest.mark.parametrize("old", TRACES, ids=str)
def test_restamp_leaves_other_kinds_as_they_are(
    codec: ModuleType,
    stamp: tuple[Any, dict[Any, object]],
    fields: tuple[int, int, Any],
    old: dict[Any, object],
) -> None:
    data = frame_bytes(*fields, b"body", {**old, 21: 1})
    with growth() as grown:
        assert codec.restamp(data, stamp[0]) == data
    assert grown == {}


def test_restamp_of_another_kind_sheds_nothing(codec: ModuleType) -> None:
    ping = frame_bytes(6, 1, 0)
    with growth() as grown:
        assert codec.restamp(ping, codec.TraceContext(1, 1, 1, "x" * 513)) == ping
    assert grown == {}


def test_restamp_crosses_the_sizes_of_a_map_head(
    codec: ModuleType, stamp: tuple[Any, dict[Any, object]]
) -> None:
    trace, new = stamp
    for count in range(20, 26):
        others = {f"k{number:02}": number for number in range(count)}
        restamped = codec.restamp(frame_bytes(extensions={**others, 1: False}), trace)
        assert restamped == frame_bytes(extensions={**others, **new})


#: Key 1 before a restamp with TRACE_ID, and whether it holds that id then as well.
HELD: list[tuple[dict[Any, object], bool]] = [
    ({}, False),
    ({1: False}, False),
    ({1: BINARY_TRACE}, True),
    ({1: OTHER_TRACE}, True),  # other flags
    ({1: b"\1" + BINARY_TRACE[1:] + b"more"}, True),
    ({1: BINARY_TRACE[:-1]}, False),
    ({1: BINARY_TRACE[:17] + b"\1" + BINARY_TRACE[18:]}, False),
]


@pytest.mark.parametrize(("old", "held"), HELD, ids=str)
def test_a_fanout_stays_while_its_trace_does(  # L-6
    codec: ModuleType, old: dict[Any, object], held: bool
) -> None:
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 0)
    data = frame_bytes(extensions={**old, 7: 1, 11: [9, 3]})
    kept = {11: [9, 3]} if held else {}
    assert codec.restamp(data, trace) == frame_bytes(extensions={1: OTHER_TRACE, 7: 1, **kept})
    assert codec.restamp(data, NOT_SAMPLED) == frame_bytes(extensions={1: False, 7: 1})
    assert codec.restamp(data, None) == frame_bytes(extensions={7: 1})


@pytest.mark.parametrize("fanout", [[9, 3, 5], [3, 9], [9], None, [9, 3, 0]], ids=str)
def test_a_fanout_that_is_to_be_drawn_or_unusable_stays(  # L-6
    codec: ModuleType, stamp: tuple[Any, dict[Any, object]], fanout: object
) -> None:
    trace, new = stamp
    data = frame_bytes(extensions={1: OTHER_TRACE, 11: fanout})
    assert codec.restamp(data, trace) == frame_bytes(extensions={**new, 11: fanout})


def test_a_frame_without_room_for_a_trace_keeps_its_fanout(codec: ModuleType) -> None:  # L-5
    others = {f"k{number:02}": b"v" * 261 for number in range(61)}
    data = frame_bytes(extensions={11: [9, 3], "k": b"more", **others})
    with growth() as grown:
        assert codec.restamp(data, codec.TraceContext(TRACE_ID, SPAN_ID, 1)) == data
    assert grown == {"shed_trace": 1}


def test_restamp_brings_a_state_to_its_limits(codec: ModuleType) -> None:
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, f"a=1,,{'x' * 512},b=2")
    with growth() as grown:
        restamped = codec.restamp(frame_bytes(), trace)
    assert restamped == frame_bytes(extensions={1: BINARY_TRACE, 3: "a=1,b=2"})
    assert grown == {"shed_tracestate": 2}


UNCHANGED = {"shed_tracestate": 2, "shed_trace": 1}


@pytest.mark.parametrize("old", [{}, {1: False}], ids=str)
@pytest.mark.parametrize(
    ("room", "new", "amounts"),
    [
        (2, None, UNCHANGED),
        (31, None, UNCHANGED),
        (32, {1: BINARY_TRACE}, {"shed_tracestate": 2}),
        (36, {1: BINARY_TRACE}, {"shed_tracestate": 2}),
        (37, {1: BINARY_TRACE, 3: "a=1"}, {"shed_tracestate": 1}),
        (40, {1: BINARY_TRACE, 3: "a=1"}, {"shed_tracestate": 1}),
        (41, {1: BINARY_TRACE, 3: "a=1,b=2"}, {}),
    ],
)
def test_restamp_sheds_the_state_before_the_trace(
    codec: ModuleType,
    old: dict[Any, object],
    room: int,
    new: dict[Any, object] | None,
    amounts: dict[str, int],
) -> None:
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, "a=1,b=2")
    others = {"z": b"f" * (MAP_BYTES - 6 - room)}
    with growth() as grown:
        restamped = codec.restamp(frame_bytes(extensions={**old, **others}), trace)
    assert restamped == frame_bytes(extensions={**(old if new is None else new), **others})
    assert grown == amounts


def entries(count: int) -> dict[Any, object]:
    return {f"k{number}": number for number in range(count)}


@pytest.mark.parametrize("old", TRACES, ids=str)
@pytest.mark.parametrize(
    ("others", "new", "amounts"),
    [
        (62, {1: BINARY_TRACE, 3: "a=1"}, {}),
        (63, {1: BINARY_TRACE}, {"shed_tracestate": 1}),
    ],
)
def test_restamp_keeps_to_64_entries(
    codec: ModuleType,
    old: dict[Any, object],
    others: int,
    new: dict[Any, object],
    amounts: dict[str, int],
) -> None:
    old = dict(list(old.items())[: 64 - others])
    trace = codec.TraceContext(TRACE_ID, SPAN_ID, 1, "a=1")
    with growth() as grown:
        restamped = codec.restamp(frame_bytes(extensions={**old, **entries(others)}), trace)
    assert restamped == frame_bytes(extensions={**new, **entries(others)})
    assert grown == amounts


def test_a_full_map_without_a_trace_stays_as_it_is(codec: ModuleType) -> None:
    data = frame_bytes(extensions=entries(64))
    with growth() as grown:
        assert codec.restamp(data, NOT_SAMPLED) == data
        assert codec.restamp(data, None) == data
    assert grown == {"shed_trace": 1}


def test_restamp_never_sheds_what_it_did_not_write(codec: ModuleType, sampled: Any) -> None:
    full = {5: {"a": "x" * 8000}, 13: BINARY_TRACE, "z": b"f" * 8310}
    data = frame_bytes(extensions=full)
    assert len(data) - len(frame_bytes()) > MAP_BYTES - 32
    with growth() as grown:
        assert codec.restamp(data, sampled) == data
    assert grown == {"shed_trace": 1}


def test_restamp_may_be_undone(codec: ModuleType, sampled: Any) -> None:
    data = frame_bytes(payload=b"body", extensions=UNTIDY)
    assert codec.restamp(codec.restamp(data, sampled), None) == data


@pytest.mark.parametrize("wrong", [False, True, 0, "", b"\0", (1, 1, 1), object], ids=repr)
@pytest.mark.parametrize("fields", [RELAYED[0], NOT_RELAYED[0]])
def test_restamp_takes_a_context_not_sampled_or_none(
    codec: ModuleType, fields: tuple[int, int, Any], wrong: object
) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.restamp(frame_bytes(*fields), wrong)


@pytest.mark.parametrize("fields", [*RELAYED, *NOT_RELAYED])
@pytest.mark.parametrize("old", TRACES, ids=str)
def test_strip_returns_the_base_frame(
    codec: ModuleType, fields: tuple[int, int, Any], old: dict[Any, object]
) -> None:
    odd = {key: value for key, value in UNTIDY.items() if key != 65538}
    data = frame_bytes(*fields, b"\xd9\xd4\xf7 body", {**old, **odd})
    assert codec.strip(data) == frame_bytes(*fields, b"\xd9\xd4\xf7 body")
    assert codec.strip(codec.strip(data)) == codec.strip(data)


@pytest.mark.parametrize("fields", [*RELAYED, *NOT_RELAYED])
@pytest.mark.parametrize(
    ("others", "first"),
    [({65538: None}, KEY), ({1: False, 65537: 1, 65538: 1, 65540: 2, "k": 1}, KEY)],
)
def test_strip_refuses_an_even_key(
    codec: ModuleType,
    fields: tuple[int, int, Any],
    others: Mapping[int | str, object],
    first: bytes,
) -> None:
    data = frame_bytes(*fields, b"", others)
    with pytest.raises(FrameError) as caught:
        codec.strip(data)
    error = caught.value
    assert (error.rule, error.offset) == ("X-11", data.index(first, len(frame_bytes(*fields))))
    assert (error.kind, error.id) == fields[:2]
    for key in others:
        assert (str(key) in str(error).rpartition(":")[2]) is (key in (65538, 65540))


def test_what_restamp_and_strip_write_is_bytes(codec: ModuleType, sampled: Any) -> None:
    data = bytearray(frame_bytes(extensions={21: 1}))
    for written in (codec.restamp(data, sampled), codec.restamp(data, None), codec.strip(data)):
        assert type(written) is bytes


INVALID = [
    b"",
    b"\xd9",
    b"no frame",
    bytes.fromhex("d9d4f7840001616d"),
    bytes.fromhex("d9d4f7840000616d40"),
    bytes.fromhex("d9d4f7840001616d4000"),
    bytes.fromhex("d9d4f7850001616d40a0"),
    bytes.fromhex("d9d4f7850001616d40a201f401f4"),
    bytes.fromhex("d9d4f785060100 40a20200 15fb"),
    bytes.fromhex("d9d4f7850800 6161 40a10100ff"),
]


@pytest.mark.parametrize("operation", ["restamp", "strip"])
@pytest.mark.parametrize("data", INVALID, ids=bytes.hex)
def test_an_invalid_frame_is_the_error_of_decode(
    codec: ModuleType, operation: str, data: bytes
) -> None:
    operations: dict[str, Callable[[bytes], bytes]] = {
        "restamp": lambda frame: codec.restamp(frame, NOT_SAMPLED),
        "strip": codec.strip,
    }
    with pytest.raises(FrameError) as expected:
        codec.decode(data)
    with pytest.raises(FrameError) as caught:
        operations[operation](data)
    assert caught.value.args == expected.value.args


def test_a_raw_rebuild_of_a_restamped_frame_is_the_same(codec: ModuleType, sampled: Any) -> None:
    restamped = codec.restamp(frame_bytes(extensions=UNTIDY), sampled)
    raw = {key: RawItem(cbor2.dumps(value)) for key, value in {1: BINARY_TRACE, **UNTIDY}.items()}
    assert codec.encode(codec.Frame(0, 1, "m", raw_extensions=raw)) == restamped


def test_restamp_takes_its_arguments_by_name(codec: ModuleType) -> None:
    expected = frame_bytes(extensions={1: False})
    assert codec.restamp(trace=NOT_SAMPLED, data=frame_bytes()) == expected
    assert codec.strip(data=expected) == frame_bytes()
    with refused("F-1", 0):
        codec.strip(data=b"")
