"""Bodies: what values become on the wire, what payloads become in Python, and what is refused."""

import datetime
import decimal
import enum
import ipaddress
import uuid
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracewire.codec import Status
from tracewire.protocol.body.body import CBOR, OCTET_STREAM, Body, check_type, read_body, write_body
from tracewire.protocol.body.cbor import DEPTH
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError

NOW = datetime.datetime(2024, 2, 29, 12, 30, 1, 5, datetime.UTC)
ID = uuid.UUID(int=7)


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


class Member(msgspec.Struct, omit_defaults=True):
    id: int = msgspec.field(name="member")
    tags: set[str] = set()


@dataclass
class Room:
    members: list[Member]
    names: dict[int, str] = field(default_factory=dict)
    key: bytes = b""


def refusal(payload: bytes, content_format: int | None = None, type: Any = object) -> str:
    """The message of the RpcError that reading raises."""
    with pytest.raises(RpcError) as raised:
        read_body(payload, content_format, type)
    assert raised.value.status is Status.INVALID_ARGUMENT
    assert raised.value.executed is Executed.NO
    return raised.value.message


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


# Raw bodies


def test_body_is_written_as_its_bytes_and_format() -> None:
    assert write_body(Body(b"abc", 50)) == (b"abc", 50)
    assert write_body(Body(b"abc")) == (b"abc", OCTET_STREAM)


def test_body_of_cbor_is_written_without_a_format() -> None:
    assert write_body(Body(b"\x01", CBOR)) == (b"\x01", None)


def test_body_cannot_be_changed() -> None:
    body = Body(b"")
    with pytest.raises(AttributeError):
        body.data = b"other"  # type: ignore[misc]


def test_body_of_something_else_than_bytes_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not str"):
        write_body(Body("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("payload", [b"", b"\xff", b"abc"])
@pytest.mark.parametrize("content_format", [None, CBOR, OCTET_STREAM])
def test_asked_for_a_body_any_payload_comes_as_it_is(
    payload: bytes, content_format: int | None
) -> None:
    body = Body(payload, CBOR if content_format is None else content_format)
    assert read_body(payload, content_format, Body) == body


@pytest.mark.parametrize("type", [object, Any])
def test_payload_of_another_format_is_a_body_where_any_type_will_do(type: Any) -> None:
    assert read_body(b"abc", OCTET_STREAM, type) == Body(b"abc", OCTET_STREAM)


@pytest.mark.parametrize("payload", [b"abc", b""])
def test_payload_of_another_format_is_bytes_where_bytes_are_asked_for(payload: bytes) -> None:
    assert read_body(payload, OCTET_STREAM, bytes) == payload


def test_payload_of_another_format_is_refused_for_other_types() -> None:
    assert "content format 42" in refusal(b"\x01", OCTET_STREAM, int)


# No value


def test_none_is_an_empty_payload() -> None:
    assert write_body(None) == (b"", None)


@pytest.mark.parametrize("content_format", [None, CBOR, OCTET_STREAM])
@pytest.mark.parametrize("type", [object, Any, None, int | None])
def test_empty_payload_is_none(content_format: int | None, type: Any) -> None:
    assert read_body(b"", content_format, type) is None


def test_empty_payload_is_refused_where_a_value_is_needed() -> None:
    assert refusal(b"", None, int) == "Expected `int`, got `null` - at `$`"


# Values, and what they are written as


@pytest.mark.parametrize(
    ("value", "item"),
    [
        (2**64, cbor2.CBORTag(2, b"\x01" + bytes(8))),
        (bytearray(b"\x00"), b"\x00"),
        ([1, (2,)], [1, [2]]),
        ({1: "a", "b": None, b"c": 1.5, False: 0}, {1: "a", "b": None, b"c": 1.5, False: 0}),
        (NOW, cbor2.CBORTag(0, "2024-02-29T12:30:01.000005Z")),
        (decimal.Decimal("1.5"), cbor2.CBORTag(4, [-1, 15])),
        ({3}, [3]),
        (frozenset([3]), [3]),
        (NOW.date(), "2024-02-29"),
        (datetime.timedelta(seconds=1), "PT1S"),
        (ID, str(ID)),
        ({ID: 1}, {str(ID): 1}),
        (Colour.RED, "red"),
        (Point(1, 2), [1, 2]),
        (Member(1), {"member": 1}),
        ([Room([], {1: "a"})], [{"members": [], "names": {1: "a"}, "key": b""}]),
    ],
)
def test_value_is_written_as_documented(value: object, item: object) -> None:
    assert write_body(value) == (cbor2.dumps(item), None)


@pytest.mark.parametrize(
    ("value", "type"),
    [
        (42, int),
        (-(2**200), int),
        (b"\x00", bytes),
        (NOW, datetime.datetime),
        (NOW.date(), datetime.date),
        (NOW.time(), datetime.time),
        (datetime.timedelta(days=1, microseconds=1), datetime.timedelta),
        (decimal.Decimal("-1.50"), decimal.Decimal),
        (ID, uuid.UUID),
        ({ID: [NOW]}, dict[uuid.UUID, list[datetime.datetime]]),
        ({1, 2}, set[int]),
        (frozenset("ab"), frozenset[str]),
        ({1: {2: "a"}}, dict[int, dict[int, str]]),
        (Colour.RED, Colour),
        (Point(1, 2), Point),
        ((1, "a"), tuple[int, str]),
        (Member(1, {"a"}), Member),
        (Room([Member(1)], {5: "five"}, b"\xff"), Room),
        (None, None),
        (nested(DEPTH), object),
        (1, float),
    ],
)
def test_value_comes_back_as_its_type(value: object, type: Any) -> None:
    payload, content_format = write_body(value)
    assert read_body(payload, content_format, type) == value


def test_without_a_type_a_value_comes_as_decoded() -> None:
    value = {"at": NOW, 1: [decimal.Decimal(1), b"\x00", None]}
    assert read_body(*write_body(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        NOW,
        NOW.date(),
        ID,
        decimal.Decimal("1.5"),
        Fraction(1, 3),
        ipaddress.ip_address("::1"),
        2 + 1j,
    ],
)
def test_tags_that_other_writers_use_are_read(value: object) -> None:
    assert read_body(cbor2.dumps(value), CBOR) == value


def test_set_of_another_writer_is_a_list_until_asked_for() -> None:
    payload = cbor2.dumps({5})
    assert read_body(payload, None) == [5]
    assert read_body(payload, None, set[int]) == {5}


def test_tag_that_is_not_known_is_kept() -> None:
    assert read_body(bytes.fromhex("d9ffff01"), None) == cbor2.CBORTag(0xFFFF, 1)


class Unwritable:
    """Has no form in CBOR."""


def cycle() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Unwritable(), "of type Unwritable"),
        ([Unwritable()], "Unwritable"),
        (NOW.replace(tzinfo=None), "of type datetime"),
        ("\ud800", "of type str"),
        (memoryview(b"abc"), "memoryview"),
        ({(1, 2): 3}, "not tuple"),
        ([{NOW: 3}], "not datetime"),
        (nested(DEPTH + 1), f"more than {DEPTH} deep"),
        (nested(900), f"more than {DEPTH} deep"),
        (nested(100_000), "of type list"),
        (cycle(), "of type list"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isprintable() else "",
)
def test_value_that_cannot_be_written_is_a_type_error_that_names_it(
    value: object, named: str
) -> None:
    with pytest.raises(TypeError, match=named):
        write_body(value)


# Wrong arguments


@pytest.mark.parametrize(
    ("value", "type", "said"),
    [
        ("1", int, "Expected `int`, got `str` - at `$`"),
        ([1, "a"], list[int], "Expected `int`, got `str` - at `$[1]`"),
        ([{"member": "x"}], list[Member], "Expected `int`, got `str` - at `$[0].member`"),
        ({"members": [{}]}, Room, "Object missing required field `member` - at `$.members[0]`"),
        ({"a": 1}, dict[int, int], "Expected `int`, got `str` - at `key` in `$`"),
        ("YWJj", bytes, "Expected `bytes`, got `str` - at `$`"),
        (True, int, "Expected `int`, got `bool` - at `$`"),
    ],
)  # fmt: skip
def test_wrong_argument_is_named_by_its_path(value: object, type: Any, said: str) -> None:
    assert refusal(cbor2.dumps(value), None, type) == said


@pytest.mark.parametrize(
    ("item", "type", "said"),
    [
        ("d9ffff80", list, "Expected `array`, got `tag` - at `$`"),
        ("a10180", dict[int, dict[str, int]], "Expected `map`, got `array` - at `$[...]`"),
        ("81f0", list[int], "Expected `int`, got `simple value` - at `$[0]`"),
        ("81f7", list[int], "Expected `int`, got `undefined` - at `$[0]`"),
        ("c100", int, "Expected `int`, got `time` - at `$`"),
        ("d81e820103", int, "Expected `int`, got `rational number` - at `$`"),
        ("f93e00", int | None, "Expected `int | null`, got `float` - at `$`"),
        ("f93c00", bool, "Expected `bool`, got `float` - at `$`"),
        ("82f93c00f93e00", list[int], "Expected `int`, got `float` - at `$[1]`"),
        ("82f93c00" + "6161", list[int], "Expected `int`, got `str` - at `$[1]`"),
    ],
)  # fmt: skip
def test_wrong_argument_is_named_by_types_of_cbor(item: str, type: Any, said: str) -> None:
    assert refusal(bytes.fromhex(item), None, type) == said


# Numbers, and nothing, of languages that have other types


@pytest.mark.parametrize(
    ("number", "type", "read"),
    [
        (3.0, int, 3),
        (-3.0, int | None, -3),
        (2.0**53 - 1, int, 2**53 - 1),
        (1 - 2.0**53, int, 1 - 2**53),
        ([1, 2.0**40], list[int], [1, 2**40]),
        ({2.0**40: 1}, dict[int, int], {2**40: 1}),
        ([{"member": 2.0**40}], list[Member], [Member(2**40)]),
        (3.0, float, 3.0),
        (3.0, int | float, 3.0),
        (3.0, object, 3.0),
        (cbor2.undefined, int | None, None),
        ({"a": 1, "b": cbor2.undefined}, dict[str, int | None], {"a": 1, "b": None}),
    ],
)  # fmt: skip
def test_the_same_number_is_read_and_undefined_is_none(
    number: object, type: Any, read: object
) -> None:
    value = read_body(cbor2.dumps(number), None, type)
    assert (value, repr(value)) == (read, repr(read))


@pytest.mark.parametrize("number", [2.0**53, -(2.0**53), 1e300, 0.5, float("inf"), float("nan")])
def test_a_float_that_may_be_another_number_is_no_int(number: float) -> None:
    assert refusal(cbor2.dumps(number), None, int) == "Expected `int`, got `float` - at `$`"


@pytest.mark.parametrize("type", [Room | Member, "Room", Body | None, list[Body], [int]])
def test_types_that_can_never_be_read_are_type_errors(type: Any) -> None:
    check_type(Room | None)  # while others pass
    with pytest.raises(TypeError):
        check_type(type)


# Payloads from strangers


@pytest.mark.parametrize("payload", ["ff", "0000", "a18001", "d81c00"])
def test_payload_that_is_no_readable_item_is_refused(payload: str) -> None:
    assert "the body is not CBOR that can be read: " in refusal(bytes.fromhex(payload))


TYPES = [
    *(object, int, float, decimal.Decimal, datetime.datetime, datetime.timedelta, bytes, str),
    *(list[int], set[str], dict[int, object], Room, Member, Point, Colour, uuid.UUID, int | str),
]
#: Tags that cbor2 knows, and what leads to the slow path.
HEADS = [
    *(b"", b"\xc0", b"\xc1", b"\xc2", b"\xc4\x82", b"\xc5\x82", b"\xd8\x1c", b"\xd8\x1d"),
    *(b"\xd8\x1e\x82", b"\xd8\x25\x50", b"\xd8\x34", b"\xd8\x64", b"\xd9\x01\x02", b"\xd9\x01\x04"),
    *(b"\xd9\x03\xec", b"\xd9\xd9\xf7", b"\xd9\xa7\xf8\x82", b"\xa2\x00\x00", b"\x9f", b"\x5f"),
]


@given(st.sampled_from(HEADS), st.binary(), st.sampled_from(TYPES))
def test_any_bytes_give_a_value_or_an_rpc_error(head: bytes, data: bytes, type: Any) -> None:
    try:
        value = read_body(head + data, None, type)
    except RpcError as error:
        assert error.status is Status.INVALID_ARGUMENT
        return
    assert type is object or value is not None
    write_body(value)  # what was read can be sent on
