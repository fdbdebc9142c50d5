"""CBOR from strangers: what is read, what is refused, and that nothing hangs or crashes."""

import datetime
import decimal
import struct
import uuid
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.checks import memory
from tracewire.protocol.body.cbor import CborError, read_item, write_item

MERSENNE = 2**61 - 1  # what Python's hash of numbers counts modulo


def refusal(data: bytes) -> str:
    """The message of the CborError that reading raises."""
    with pytest.raises(CborError) as raised:
        read_item(data)
    return str(raised.value)


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def map_of(keys: list[bytes]) -> bytes:
    return b"\xba" + struct.pack(">I", len(keys)) + b"".join(key + b"\x00" for key in keys)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("0000", "the item ends at byte 1 of 2"),
        ("a1010200", "the item ends at byte 3 of 4"),
        ("01ff", "the item ends at byte 1 of 2"),
        ("9f01ff00", "the item ends at byte 3 of 4"),
        ("5f4101ff00", "the item ends at byte 4 of 5"),
        ("bf0102ff00", "the item ends at byte 4 of 5"),
        ("c1190000f6", "the item ends at byte 4 of 5"),
        ("8201", "premature end"),
        ("4261", "premature end"),
        ("9f", "premature end"),
        ("a101", "premature end"),
        ("1b00", "premature end"),
        ("ff", "break"),
        ("1c", "0x1c"),
        ("f800", "invalid two-byte sequence"),
        ("61ff", "utf-8"),
        ("c001", "expected string"),
        ("c06161", "Invalid isoformat"),
        ("9bffffffffffffffff", "premature end"),
        ("bbffffffffffffffff", "premature end"),
        ("5bffffffffffffffff", "premature end"),
        ("7b7fffffffffffffff", "premature end"),
        ("c25bffffffffffffffff", "premature end"),
        ("d81c81d81d00", "tag 29 is not read here"),
        ("d81c00", "tag 28 is not read here"),
        ("d9010000", "tag 256 is not read here"),
        ("d81900", "tag 25 is not read here"),
        ("d8236161", "tag 35 is not read here"),
        ("d8246161", "tag 36 is not read here"),
        ("c26161", "a bignum is"),
        ("a18001", "the key at byte 1 is not"),
        ("a1a001", "the key at byte 1 is not"),
        ("a1c2410101", "the key at byte 1 is not"),
        ("81a2010203a18001", "the key at byte 6 is not"),
        ("bf01029fff01ff", "the key at byte 3 is not"),
        ("a1d8255000000000000000000000000000000000" + "01", "the key at byte 1 is not"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_readable_item_are_refused(payload: str, said: str) -> None:
    assert said in refusal(bytes.fromhex(payload))


CONTAINERS: dict[str, bytes] = {
    "array": b"\x81",
    "indefinite array": b"\x9f",
    "map": b"\xa1\x00",
    "tag": b"\xd9\xff\xff",
    "set": b"\xd9\x01\x02\x81",
}


@pytest.mark.parametrize("head", CONTAINERS.values(), ids=CONTAINERS.keys())
@pytest.mark.parametrize("before", [b"", b"\xa2\x00\x00\x01"], ids=["alone", "beside an int key"])
def test_deep_nesting_is_refused(head: bytes, before: bytes) -> None:
    assert "depth" in refusal(before + head * 1_000_000)


def test_nesting_is_read_up_to_the_limit() -> None:
    assert read_item(b"\x81" * 128 + b"\x00") == nested(128)
    assert "(128) exceeded" in refusal(b"\x81" * 129 + b"\x00")


def test_nesting_is_read_up_to_the_limit_beside_numbers_as_keys() -> None:
    assert read_item(b"\xa1\x00" + b"\x81" * 127 + b"\x00") == {0: nested(127)}
    assert "(128) exceeded" in refusal(b"\xa1\x00" + b"\x81" * 128 + b"\x00")


def test_deep_nesting_takes_no_memory() -> None:
    data = b"\xa2\x00\x00\x01" + b"\x81" * 1_000_000
    with memory() as taken:
        refusal(data)
    assert taken["peak"] < 3 * len(data)


def bignum(length: int) -> bytes:
    return b"\x59" + struct.pack(">H", length) + b"\xff" * length


@pytest.mark.parametrize(("head", "sign"), [(b"\xc2", 1), (b"\xc3", -1)])
def test_bignum_is_read_up_to_the_limit(head: bytes, sign: int) -> None:
    value = 256**1_024 - 1
    assert read_item(head + bignum(1_024)) == (value if sign > 0 else -1 - value)
    with pytest.raises(CborError, match="at most 1024 bytes"):
        read_item(head + bignum(1_025))


def test_huge_mantissa_of_a_decimal_is_refused() -> None:
    assert "bignum" in refusal(b"\xc4\x82\x01\xc2" + bignum(10_000))


@pytest.mark.parametrize(
    "key",
    [
        lambda i: cbor2.dumps(2**64 * MERSENNE + MERSENNE * i),
        lambda i: cbor2.dumps(uuid.UUID(int=MERSENNE * i)),
        lambda i: cbor2.dumps(decimal.Decimal(MERSENNE * i)),
        lambda i: cbor2.dumps((i, i)),
    ],
    ids=["bignum", "uuid", "decimal", "array"],
)
def test_keys_that_can_be_made_to_collide_are_refused(key: Callable[[int], bytes]) -> None:
    assert "key at byte 5" in refusal(map_of([key(i) for i in range(1, 1_000)]))


@pytest.mark.parametrize("key", [1, -1, 1.5, "a", b"a", True, None])
def test_plain_keys_are_read(key: object) -> None:
    assert read_item(cbor2.dumps({key: {key: 1}})) == {key: {key: 1}}


def test_large_map_with_numbers_as_keys_is_read() -> None:
    value = dict.fromkeys(range(0, 50_000 << 40, 1 << 40), 0)
    assert read_item(cbor2.dumps(value)) == value


items = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text() | st.floats(), inner)
    ),
)


def assert_plain_keys(value: object) -> None:
    inner = list(value.values()) if isinstance(value, dict) else value
    if isinstance(value, dict):
        assert {type(key) for key in value} <= {str, bytes, int, float, bool, type(None)}
    if isinstance(inner, list):
        for each in inner:
            assert_plain_keys(each)


@given(items, st.data())
def test_broken_items_give_a_value_or_a_cbor_error(value: object, data: st.DataObject) -> None:
    payload = bytearray(cbor2.dumps(value))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] = data.draw(st.integers(0, 255))
    try:
        value = read_item(bytes(payload))
    except CborError as error:
        assert str(error)
    else:
        assert_plain_keys(value)


@given(items)
def test_every_value_comes_back_and_nothing_may_follow_it(value: object) -> None:
    payload = write_item([value])
    assert repr(read_item(payload)) == repr([value])
    with pytest.raises(CborError, match=f"ends at byte {len(payload)} of {len(payload) + 1}"):
        read_item(payload + b"\x00")


@given(items, st.data())
def test_item_that_is_cut_short_is_refused(value: object, data: st.DataObject) -> None:
    payload = cbor2.dumps([value])
    cut = data.draw(st.integers(1, len(payload) - 1))
    with pytest.raises(CborError, match="premature end"):
        read_item(payload[:cut])


# Tags.


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ("d9d9f7a1616101", {"a": 1}),
        ("d9d9f7820102", [1, 2]),
        ("d9d9f7d9d9f7a10102", {1: 2}),
        ("81d9d9f7a1616181d9d9f7f6", [{"a": [None]}]),
        ("a1d9d9f76161d9d9f701", {"a": 1}),
        ("a1d9d9f701d9d9f702", {1: 2}),
        ("c1d9d9f700", datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)),
        ("d8404301ff03", b"\x01\xff\x03"),
        ("d840d9d9f740", b""),
        ("a2d840416101" + "0102", {b"a": 1, 1: 2}),
        ("d90103a1616181a0", {"a": [{}]}),
        ("d90103a10102", {1: 2}),
        ("d90102a0", {}),
        ("d9ffffa16161820102", cbor2.CBORTag(65535, {"a": [1, 2]})),
        ("d9ffffd9fffe81a0", cbor2.CBORTag(65535, cbor2.CBORTag(65534, [{}]))),
    ],
)
def test_what_stands_in_tags_is_read_as_all_else(item: str, read: object) -> None:
    value = read_item(bytes.fromhex(item))
    assert (value, repr(value)) == (read, repr(read))  # a frozendict is equal to a dict


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("d84080", "tag 64 stands before a byte string"),
        ("d9010380", "tag 259 stands before a map"),
        ("a1d9d9f7c2410101", "the key at byte 4 is not"),
        ("a1d9d9f7d9d9f78001", "the key at byte 7 is not"),
        ("a1d9ffff6161" + "01", "the key at byte 1 is not"),
        ("a1d840f601", "tag 64 stands before a byte string"),
        ("c001", "expected string for tag, got int instead"),
    ],
)
def test_tags_in_wrong_places_are_told(item: str, said: str) -> None:
    assert said in refusal(bytes.fromhex(item))


def test_a_head_of_55799_as_long_as_the_limit_is_read_and_a_longer_one_is_not() -> None:
    head = bytes.fromhex("d9d9f7")
    assert read_item(head * 127 + b"\xa0") == {}
    assert "depth" in refusal(head * 1_000_000 + b"\xa0")


#: An item of each type that the decoder may give.
READABLE = [
    *("f7", "f0", "f820", "d9ffff820102", "d9ffffd9fffea1616101"),
    *("d81e820103", "d9a7f882f93c00f93e00", "d83444c0a80001", "d83650" + "01" * 16),
    *("d903ec6a323032302d30312d3031", "c100", "c48221196ab3", "c249010000000000000000"),
    *("d82550" + "02" * 16, "d90102820102"),
]  # fmt: skip


@pytest.mark.parametrize("item", READABLE)
def test_what_is_read_can_be_sent_back(item: str) -> None:
    value = read_item(bytes.fromhex(item))
    for each in (value, [value], {"a": value}):
        assert write_item(each)


def test_tags_that_would_be_refused_are_not_written() -> None:
    with pytest.raises(TypeError, match="tag 28 is not read here"):
        write_item([cbor2.CBORTag(28, [])])
    deep: object = 0
    for _ in range(200):
        deep = cbor2.CBORTag(65535, deep)
    with pytest.raises(TypeError, match="nested more than 128 deep"):
        write_item(deep)


def test_tags_that_cbor2_reads_itself_stay_with_it() -> None:
    for item in ("c074323032302d30312d30315430303a30303a30305a", "d86400", *READABLE[5:]):
        assert not isinstance(read_item(bytes.fromhex(item)), cbor2.CBORTag)
