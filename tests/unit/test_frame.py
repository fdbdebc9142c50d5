"""Frame: what its fields are, what they may be made from, and that they stay as they are."""

from collections.abc import MutableMapping
from enum import IntEnum
from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import frame_bytes, refused
from tracewire.codec.constants import Kind, Status
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

#: One valid (kind, id, target) for each known kind.
EACH_KIND = [
    (Kind.REQUEST, 1, "m"),
    (Kind.RESPONSE, 1, 0),
    (Kind.NOTIFICATION, 0, "m"),
    (Kind.HELLO, 0, 0),
    (Kind.GOAWAY, 0, 0),
    (Kind.CANCEL, 1, 0),
    (Kind.PING, 1, 0),
    (Kind.PONG, 1, 0),
]


class Number(int):
    pass


class Text(str):
    pass


class Octets(bytes):
    pass


class Indexable:
    def __index__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "Indexable()"


@pytest.mark.parametrize(("kind", "id", "target"), EACH_KIND)
def test_a_known_kind_is_a_member_of_kind(
    codec: ModuleType, kind: Kind, id: int, target: str | int
) -> None:
    made = codec.Frame(int(kind), id, target)
    read = codec.decode(frame_bytes(kind, id, target))
    assert made.kind is kind
    assert read.kind is kind


@pytest.mark.parametrize("kind", [32768, 65535])
def test_an_unknown_kind_is_a_plain_int(codec: ModuleType, kind: int) -> None:
    frame = codec.decode(frame_bytes(kind, 0, "anything"))
    assert (type(frame.kind), frame.kind, frame.target) == (int, kind, "anything")
    assert frame == codec.Frame(kind, 0, "anything")


@pytest.mark.parametrize(("kind", "id", "target"), [*EACH_KIND, (32768, 3, "x"), (32768, 3, 7)])
def test_only_requests_and_notifications_have_a_method(
    codec: ModuleType, kind: int, id: int, target: str | int
) -> None:
    expected = target if kind in (Kind.REQUEST, Kind.NOTIFICATION) else None
    assert codec.Frame(kind, id, target).method == expected


@pytest.mark.parametrize(("kind", "id", "target"), [*EACH_KIND, (32768, 3, "x"), (32768, 3, 7)])
def test_only_responses_have_a_status(
    codec: ModuleType, kind: int, id: int, target: str | int
) -> None:
    expected = Status.OK if kind == Kind.RESPONSE else None
    assert codec.Frame(kind, id, target).status is expected


@pytest.mark.parametrize("target", [*Status, 17, 4294967295])
def test_a_status_that_is_not_assigned_reads_as_unknown_and_keeps_its_number(
    codec: ModuleType, target: int
) -> None:
    frame = codec.decode(codec.encode_response(1, status=target))
    assert frame.status is (target if isinstance(target, Status) else Status.UNKNOWN)
    assert (type(frame.target), frame.target) == (int, target)


def test_what_is_left_out_is_empty(codec: ModuleType) -> None:
    frame = codec.Frame(0, 1, "m")
    assert (frame.payload, frame.trace) == (b"", None)
    assert (dict(frame.extensions), dict(frame.raw_extensions)) == ({}, {})


def test_none_for_a_mapping_means_an_empty_one(codec: ModuleType) -> None:
    spelled = codec.Frame(0, 1, "m", b"", None, None, None)
    assert spelled == codec.Frame(0, 1, "m", b"", None, {}, {})


def test_every_field_may_be_given_by_its_name(codec: ModuleType, sampled: Any) -> None:
    frame = codec.Frame(
        raw_extensions={21: RawItem(b"\xf6")},
        extensions={7: 5},
        trace=sampled,
        payload=b"body",
        target="m",
        id=1,
        kind=0,
    )
    assert (frame.kind, frame.id, frame.target, frame.payload) == (Kind.REQUEST, 1, "m", b"body")
    assert (frame.trace, frame.extensions) == (sampled, {7: 5, 21: None})


@pytest.mark.parametrize(
    ("kind", "id", "target"),
    [
        (0, 1, "a" * 255),
        (0, 4294967295, "é" * 127 + "a"),
        (1, 4294967295, 4294967295),
        (2, 0, ""),
        (2, 0, "a" * 255),
        (65535, 4294967295, "a" * 255),
        (32768, 0, ""),
        (32768, 0, 4294967295),
    ],
)
def test_fields_may_reach_their_limits(
    codec: ModuleType, kind: int, id: int, target: str | int
) -> None:
    frame = codec.Frame(kind, id, target)
    assert codec.encode(frame) == frame_bytes(kind, id, target)
    assert (frame.kind, frame.id, frame.target) == (kind, id, target)


@pytest.mark.parametrize(
    ("rule", "kind", "id", "target"),
    [
        ("F-7", -1, 1, "m"),
        ("F-7", 65536, 1, "m"),
        ("F-7", 1 << 64, 1, "m"),
        pytest.param("F-7", 10**5000, 1, "m", id="huge-1"),
        pytest.param("F-7", -(10**5000), 1, "m", id="huge-2"),
        ("F-8", 0, -1, "m"),
        ("F-8", 0, 4294967296, "m"),
        ("F-8", 0, 1 << 64, "m"),
        pytest.param("F-8", 0, 10**5000, "m", id="huge-3"),
        *(("F-9", k, 0, t) for k, i, t in EACH_KIND if i),
        *(("F-10", k, 1, t) for k, i, t in EACH_KIND if not i),
        ("F-11", 0, 1, ""),
        ("F-11", 0, 1, 0),
        ("F-11", 0, 1, "a" * 256),
        ("F-11", 0, 1, "é" * 128),
        ("F-12", 2, 0, 0),
        ("F-12", 2, 0, "a" * 256),
        ("F-13", 1, 1, ""),
        ("F-13", 1, 1, -1),
        ("F-13", 1, 1, 4294967296),
        pytest.param("F-13", 1, 1, 10**5000, id="huge-4"),
        pytest.param("F-13", 1, 1, -(10**5000), id="huge-5"),
        *(("F-14", k, i, 1) for k, i, t in EACH_KIND if k >= Kind.HELLO),
        *(("F-14", k, i, "") for k, i, t in EACH_KIND if k >= Kind.HELLO),
        ("F-15", 32768, 0, "a" * 256),
        ("F-15", 32768, 0, 4294967296),
        ("F-15", 32768, 0, -1),
        ("F-16", 0, 1, "\ud800"),
        ("F-16", 2, 0, "a\udfff"),
        ("F-16", 32768, 0, "\ud83d\ude00"),
    ],
)
def test_fields_that_make_no_valid_frame_name_the_rule(
    codec: ModuleType, rule: str, kind: int, id: int, target: str | int
) -> None:
    with refused(rule):
        codec.Frame(kind, id, target)


@pytest.mark.parametrize(
    "field",
    [
        *({"kind": wrong} for wrong in (None, "0", 0.0, b"\0", Indexable())),
        *({"id": wrong} for wrong in (None, "1", 1.0, b"\1", Indexable())),
        *({"target": wrong} for wrong in (None, b"m", 1.0, ["m"], Indexable())),
        *({"payload": wrong} for wrong in (None, "text", 5, 1.0, [1, 2], Indexable())),
        *({"trace": wrong} for wrong in (False, True, 0, "", "00-1-1-01", b"\0", (1, 1, 1))),
        *({"extensions": wrong} for wrong in ([], [(7, 1)], "", 5, {7}, (), b"")),
        *({"raw_extensions": wrong} for wrong in ([], [(7, 1)], "", 5, {7}, (), b"")),
        *({"raw_extensions": {7: wrong}} for wrong in (b"\x01", 1, None, "x", bytearray(b"\x01"))),
    ],
    ids=repr,
)
def test_a_wrong_type_is_a_type_error(codec: ModuleType, field: dict[str, object]) -> None:
    (wrong,) = field.values()
    if isinstance(wrong, dict):
        (wrong,) = wrong.values()
    fields: dict[str, object] = {"kind": 0, "id": 1, "target": "m", **field}
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.Frame(**fields)


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), {}),
        ((0, 1), {}),
        ((0, 1, "m", b"", None, None, None, None), {}),
        ((0, 1, "m"), {"kind": 0}),
        ((0, 1, "m"), {"method": "m"}),
    ],
)
def test_arguments_that_do_not_fit_the_signature_are_a_type_error(
    codec: ModuleType, args: tuple[object, ...], names: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match="argument"):
        codec.Frame(*args, **names)


def test_fields_made_from_subclasses_are_of_the_plain_types(codec: ModuleType) -> None:
    class Method(IntEnum):
        REQUEST = 0

    frame = codec.Frame(Method.REQUEST, Number(7), Text("m"), Octets(b"body"), extensions={7: 1})
    assert frame == codec.Frame(0, 7, "m", b"body", extensions={7: 1})
    types = [type(field) for field in (frame.kind, frame.id, frame.target, frame.payload)]
    assert types == [Kind, int, str, bytes]
    assert type(codec.encode(frame)) is bytes


NAMES = ["kind", "id", "target", "method", "status", "payload", "trace", "extensions"]


@pytest.mark.parametrize("name", [*NAMES, "raw_extensions", "other"])
def test_a_frame_cannot_be_changed(codec: ModuleType, name: str) -> None:
    frame = codec.Frame(0, 1, "m", b"body", extensions={7: 1})
    before = codec.encode(frame)
    with pytest.raises(AttributeError):
        setattr(frame, name, None)
    with pytest.raises(AttributeError):
        delattr(frame, name)
    assert (codec.encode(frame), frame) == (before, codec.decode(before))


@pytest.mark.parametrize("name", ["extensions", "raw_extensions"])
def test_the_mappings_are_read_only(codec: ModuleType, name: str) -> None:
    mapping: Any = getattr(codec.Frame(0, 1, "m", extensions={7: 1, 5: {"k": "v"}}), name)
    assert not isinstance(mapping, MutableMapping)
    with pytest.raises(TypeError, match="item assignment"):
        mapping[7] = 2
    with pytest.raises(TypeError, match="item deletion"):
        del mapping[7]


def test_a_baggage_is_read_only(codec: ModuleType) -> None:
    frame = codec.Frame(0, 1, "m", extensions={5: {"k": "v"}})
    with pytest.raises(TypeError, match="item assignment"):
        frame.extensions[5]["k"] = "w"
    assert frame.extensions == {5: {"k": "v"}}


def test_context_is_read_once(codec: ModuleType, sampled: Any) -> None:
    frame = codec.decode(codec.encode_request(1, "m", b"", sampled, {5: {"k": "v"}, 13: sampled}))
    assert frame.trace is frame.trace
    assert frame.extensions is frame.extensions
    assert frame.raw_extensions == frame.raw_extensions


def test_what_was_given_may_change_without_changing_the_frame(codec: ModuleType) -> None:
    baggage = {"k": "v"}
    extensions: dict[int | str, object] = {5: baggage, "list": [1]}
    raw = {21: RawItem(b"\xf6")}
    frame = codec.Frame(0, 1, "m", extensions=extensions, raw_extensions=raw)
    baggage["k"] = "w"
    extensions.clear()
    raw.clear()
    assert frame.extensions == {5: {"k": "v"}, "list": [1], 21: None}


def test_equal_bytes_make_equal_frames(codec: ModuleType) -> None:
    data = frame_bytes(0, 1, "m", b"body", {7: 5, "k": [1]})
    frame, same = codec.decode(data), codec.Frame(0, 1, "m", b"body", None, {"k": [1], 7: 5})
    assert frame == same
    assert hash(frame) == hash(same)
    assert {frame: "found"}[same] == "found"


@pytest.mark.parametrize(
    "other",
    [
        {"kind": 32768},
        {"id": 2},
        {"target": "n"},
        {"payload": b"other"},
        {"trace": NOT_SAMPLED},
        {"extensions": {7: 5}},
        {"raw_extensions": {9: RawItem(b"\x01")}},
    ],
    ids=repr,
)
def test_a_frame_differs_from_one_with_any_other_field(
    codec: ModuleType, other: dict[str, object]
) -> None:
    fields = {"kind": 0, "id": 1, "target": "m", "payload": b"body"}
    assert codec.Frame(**fields) != codec.Frame(**{**fields, **other})


@pytest.mark.parametrize("other", [None, 0, "m", (0, 1, "m", b"")])
def test_a_frame_is_never_equal_to_what_is_no_frame(codec: ModuleType, other: object) -> None:
    frame = codec.Frame(0, 1, "m")
    assert frame != other
    assert frame != codec.encode(frame)
    assert frame.__eq__(other) is NotImplemented


def test_frames_have_no_order(codec: ModuleType) -> None:
    with pytest.raises(TypeError, match="not supported"):
        codec.Frame(0, 1, "m") < codec.Frame(0, 2, "m")  # noqa: B015


def test_a_bare_message_differs_from_the_envelope_with_the_same_bytes(codec: ModuleType) -> None:
    envelope = codec.wrap(b"message")
    bare = codec.unwrap(envelope, mode="bare")
    assert bare != codec.decode(envelope)
    assert bare == codec.unwrap(bytearray(envelope), mode="bare")


def test_raw_extensions_win_over_trace_and_extensions(codec: ModuleType, sampled: Any) -> None:
    raw = {
        1: RawItem(b"\xf4"),
        7: RawItem(b"\x18\x2a"),
        "t": RawItem(b"\x80"),
        13: RawItem(b"\x01"),
    }
    plain = {7: 5, "t": 1, 9: 3, 13: sampled}
    frame = codec.Frame(0, 1, "m", b"", sampled, plain, raw)
    assert frame.trace is NOT_SAMPLED
    assert frame.extensions == {7: 42, "t": [], 9: 3}
    assert frame.raw_extensions == {**raw, 9: RawItem(b"\x03")}


def test_a_plain_value_that_a_raw_one_replaces_is_not_looked_at(codec: ModuleType) -> None:
    frame = codec.Frame(0, 1, "m", extensions={7: -1}, raw_extensions={7: RawItem(b"\x05")})
    assert frame.extensions == {7: 5}


def test_raw_extensions_hold_every_key_in_the_order_of_the_frame(codec: ModuleType) -> None:
    values = {"b": 1, "aa": 2, 65537: 3, 9: 4, 3: "a=b", 1: False}
    raw = codec.decode(frame_bytes(extensions=values)).raw_extensions
    assert list(raw) == [1, 3, 9, 65537, "b", "aa"]
    assert {key: item.value for key, item in raw.items()} == values


def test_a_frame_rebuilt_from_what_was_read_is_the_same(codec: ModuleType, sampled: Any) -> None:
    trace = codec.TraceContext(sampled.trace_id, sampled.span_id, 3, "a=1,b=2")
    plain = {5: {"k": "v"}, 7: 9, 9: 60, 11: (3, 2, 1), 13: sampled, 21: [1], "key": {"n": None}}
    frame = codec.Frame(0, 1, "m", b"body", trace, plain)
    fields = frame.kind, frame.id, frame.target, frame.payload
    assert codec.Frame(*fields, frame.trace, frame.extensions) == frame
    assert codec.Frame(*fields, raw_extensions=frame.raw_extensions) == frame


def test_raw_extensions_make_the_same_frame_whatever_they_hold(codec: ModuleType) -> None:
    values: dict[int | str, object] = {
        1: None,
        3: 5,
        5: 1,
        7: -1,
        13: b"",
        65537: {},
        65538: [[]],
        "k": {"a": {}},
    }
    frame = codec.decode(frame_bytes(0, 1, "m", b"body", values))
    assert list(frame.raw_extensions) == list(values)
    fields = frame.kind, frame.id, frame.target, frame.payload
    rebuilt = codec.Frame(*fields, raw_extensions=frame.raw_extensions)
    assert codec.encode(rebuilt) == codec.encode(frame)
    again = codec.Frame(*fields, raw_extensions=rebuilt.raw_extensions)
    assert codec.encode(again) == codec.encode(frame)


@pytest.mark.parametrize("kind", [0, 3, 32768])
def test_what_was_in_a_frame_is_not_bare(codec: ModuleType, kind: int) -> None:
    frame = codec.Frame(kind, int(kind == 0), "m" if kind == 0 else 0)
    assert frame.is_bare is False
    assert codec.decode(codec.encode(frame)).is_bare is False


def test_a_message_without_a_frame_is_bare(codec: ModuleType) -> None:
    assert codec.unwrap(b"message").is_bare is True
    assert codec.unwrap(codec.wrap(b"message")).is_bare is False
    assert codec.unwrap(codec.wrap(b"message"), mode="bare").is_bare is True


def test_an_even_key_is_read_like_any_other(codec: ModuleType) -> None:
    frame = codec.decode(frame_bytes(extensions={2: 1, 65536: b"x"}))
    assert frame.extensions == {2: 1, 65536: b"x"}
