"""RawItem: an extension value as encoded, what it means, and what an encoder makes of it."""

from types import ModuleType

import pytest

from tests.unit.checks import refused
from tracewire.codec.errors import FrameError
from tracewire.codec.value import RawItem

DEEP_16 = "81" * 16 + "01"
DEEP_17 = "81" * 17 + "01"


class Octets(bytes):
    pass


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("00", 0),
        ("1bffffffffffffffff", (1 << 64) - 1),
        ("20", -1),
        ("3bffffffffffffffff", -(1 << 64)),
        ("40", b""),
        ("426162", b"ab"),
        ("60", ""),
        ("62c3a9", "é"),
        ("f4", False),
        ("f5", True),
        ("f6", None),
        ("80", []),
        ("8301820203a0", [1, [2, 3], {}]),
        ("a0", {}),
        ("a2616202016161", {"b": 2, 1: "a"}),
        ("a3616101616102616103", {"a": 1}),
        ("a20a010a02", {10: 1}),
        (DEEP_16, [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]),
    ],
)
def test_the_value_is_in_python(encoded: str, value: object) -> None:
    item = RawItem(bytes.fromhex(encoded))
    assert item.value == value
    assert type(item.value) is type(value)
    assert item.data == bytes.fromhex(encoded)


INVALID = [
    ("F-1", 0, ""),
    ("F-1", 1, "18"),
    ("F-1", 3, "4461 62"),
    ("F-1", 1, "81"),
    ("F-1", 1, "9bffffffffffffffff"[:2]),
    ("F-1", 9, "9bffffffffffffffff"),
    ("F-1", 9, "5bffffffffffffffff"),
    ("F-1", 2, "a101"),
    ("F-2", 0, "1c"),
    ("F-2", 1, "81ff"),
    ("F-2", 1, "81f818"),
    ("F-2", 0, "f81f"),
    *(("F-3", 0, head) for head in ("5f", "7f", "9f", "bf")),
    ("F-3", 1, "819f"),
    ("F-4", 0, "1817"),
    ("F-16", 0, "61ff"),
    ("F-16", 1, "a161ff01"),
    ("F-18", 1, "0101"),
    ("F-18", 1, "80f6"),
    ("F-18", 2, "6161ff"),
    ("X-8", 0, "c100"),
    ("X-8", 0, "fb3ff8000000000000"),
    ("X-8", 0, "f7"),
    ("X-8", 0, "e0"),
    ("X-8", 0, "f820"),
    ("X-8", 0, "f8ff"),
    ("X-8", 2, "8201f93c00"),
    ("X-9", 16, DEEP_17),
    ("X-9", 16, "81" * 16 + "a0"),
    ("X-10", 1, "a12001"),
    ("X-10", 1, "a1f401"),
    ("X-10", 3, "a2010140f6"),
]


@pytest.mark.parametrize(("rule", "offset", "encoded"), INVALID)
def test_what_is_not_one_item_of_the_subset_has_no_value(
    rule: str, offset: int, encoded: str
) -> None:
    item = RawItem(bytes.fromhex(encoded))
    with refused(rule, offset):
        item.value  # noqa: B018
    assert item.data == bytes.fromhex(encoded)


@pytest.mark.parametrize(("rule", "offset", "encoded"), INVALID)
@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
@pytest.mark.parametrize("key", [1, 5, 7, 13, 21, "k"])
def test_what_is_not_one_item_of_the_subset_is_not_written(
    codec: ModuleType, field: str, key: int | str, rule: str, offset: int, encoded: str
) -> None:
    item = RawItem(bytes.fromhex(encoded))
    if (field, key) == ("extensions", 1):
        field = "raw_extensions"
    with pytest.raises(FrameError) as caught:
        codec.Frame(0, 1, "m", **{field: {key: item}})
    assert (caught.value.rule, caught.value.offset) == (rule, None)
    assert f"key {key!r}" in str(caught.value)


@pytest.mark.parametrize("encoded", ["f4", "a2616202616101", "a201010102", "82a0f6", DEEP_16])
@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
@pytest.mark.parametrize("key", [5, 7, 9, 11, 13, 22, "k"])
def test_an_item_of_the_subset_is_written_as_it_is(
    codec: ModuleType, field: str, key: int | str, encoded: str
) -> None:
    item = RawItem(bytes.fromhex(encoded))
    frame = codec.Frame(0, 1, "m", **{field: {key: item}})
    assert codec.encode(frame).endswith(item.data)
    assert frame.raw_extensions == {key: item}
    assert codec.decode(codec.encode(frame)) == frame


@pytest.mark.parametrize("encoded", ["f5", "f6", "40", "a0"])
def test_trace_and_tracestate_may_be_raw_and_unusable(codec: ModuleType, encoded: str) -> None:
    raw = {1: RawItem(bytes.fromhex(encoded)), 3: RawItem(bytes.fromhex(encoded))}
    frame = codec.Frame(0, 1, "m", raw_extensions=raw)
    assert frame.trace is None
    assert frame.raw_extensions == raw


def test_each_read_of_the_value_makes_a_new_one() -> None:
    item = RawItem(bytes.fromhex("8101"))
    first = item.value
    assert isinstance(first, list)
    first.append(2)
    assert item.value == [1]


@pytest.mark.parametrize("wrong", [None, "01", 1, bytearray(b"\x01"), memoryview(b"\x01"), [1]])
def test_a_raw_item_is_made_of_bytes(wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        RawItem(wrong)  # type: ignore[arg-type]


def test_a_raw_item_may_be_made_of_a_subclass_of_bytes(codec: ModuleType) -> None:
    item = RawItem(Octets(b"\x01"))
    assert item == RawItem(b"\x01")
    assert codec.Frame(0, 1, "m", extensions={21: item}).raw_extensions == {21: item}


@pytest.mark.parametrize("name", ["data", "value", "other"])
def test_a_raw_item_cannot_be_changed(name: str) -> None:
    item = RawItem(b"\x01")
    with pytest.raises(AttributeError):
        setattr(item, name, b"\x02")
    with pytest.raises(AttributeError):
        delattr(item, name)
    assert (item.data, item.value) == (b"\x01", 1)


def test_equal_bytes_make_equal_items() -> None:
    assert RawItem(b"\x01") == RawItem(b"\x01")
    assert hash(RawItem(b"\x01")) == hash(RawItem(b"\x01"))
    assert {RawItem(b"\x01"): "found"}[RawItem(b"\x01")] == "found"


@pytest.mark.parametrize("other", [RawItem(b"\x02"), b"\x01", 1, None])
def test_other_things_are_not_equal_to_an_item(other: object) -> None:
    assert RawItem(b"\x01") != other


def test_the_repr_makes_an_equal_item() -> None:
    item = RawItem(b"\x41\xff")
    assert repr(item) == r"RawItem(b'A\xff')"
    assert eval(repr(item)) == item
