"""Extensions: keys and values that encoders take, and what readers see of them."""

from collections import ChainMap, OrderedDict, UserDict, deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType, ModuleType
from typing import Any

import pytest

from tests.unit.checks import frame_bytes, growth, refused, registered_keys
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

HUGE: int = 10**5000


class View(Mapping[Any, Any]):
    """A mapping that is no dict."""

    def __init__(self, entries: dict[Any, Any]) -> None:
        self.entries = entries

    def __getitem__(self, key: object) -> object:
        return self.entries[key]

    def __iter__(self) -> Iterator[object]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


class Broken(View):
    def __getitem__(self, key: object) -> object:
        raise LookupError("this mapping is broken")


class Entries(dict[Any, Any]):
    pass


class Text(str):
    pass


class Number(int):
    pass


class Octets(bytes):
    pass


MAPPINGS = [dict, Entries, OrderedDict, UserDict, ChainMap, MappingProxyType, View]


@pytest.fixture
def written(codec: ModuleType) -> Callable[..., bytes]:
    """The extension map that a request with these extensions gets."""
    base = len(frame_bytes())

    def write(extensions: object) -> bytes:
        data: bytes = codec.encode_request(1, "m", extensions=extensions)
        return data[base:]

    return write


# Keys.


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_any_mapping_is_taken(codec: ModuleType, mapping: Callable[[dict[Any, Any]], Any]) -> None:
    nested = mapping({"b": 1, "a": 2})
    data = codec.encode_request(1, "m", extensions=mapping({"k": nested, 5: nested, 7: 1}))
    expected = {7: 1, "k": {"a": 2, "b": 1}}
    assert data == frame_bytes(extensions=expected)
    baggage = codec.encode_request(1, "m", extensions={5: mapping({"b": "1", "a": "2"})})
    assert baggage == frame_bytes(extensions={5: {"a": "2", "b": "1"}})


@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
def test_the_error_of_a_mapping_reaches_the_caller(codec: ModuleType, field: str) -> None:
    with pytest.raises(LookupError, match="this mapping is broken"):
        codec.Frame(0, 1, "m", **{field: Broken({7: 1})})


@pytest.mark.parametrize("value", [{21: Broken({1: 2})}, {5: Broken({"k": "v"})}], ids=["a", "b"])
def test_the_error_of_a_mapping_inside_reaches_the_caller(
    codec: ModuleType, value: dict[Any, Any]
) -> None:
    with pytest.raises(LookupError, match="this mapping is broken"):
        codec.encode_request(1, "m", extensions=value)


@pytest.mark.parametrize(
    "key", [1 << 32, 1 << 64, 0, -1, -(1 << 64), pytest.param(HUGE, id="huge")]
)
@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
def test_a_number_out_of_range_is_no_key(codec: ModuleType, field: str, key: int) -> None:
    with refused("X-5"):
        codec.Frame(0, 1, "m", **{field: {key: RawItem(b"\x01")}})


@pytest.mark.parametrize("key", ["", "a" * 65, "é" * 32 + "a", "a" * 100_000], ids=len)
@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
def test_a_text_of_no_or_over_64_bytes_is_no_key(codec: ModuleType, field: str, key: str) -> None:
    with refused("X-6"):
        codec.Frame(0, 1, "m", **{field: {key: RawItem(b"\x01")}})


@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
def test_a_lone_surrogate_is_no_key(codec: ModuleType, field: str) -> None:
    with refused("F-16"):
        codec.Frame(0, 1, "m", **{field: {"\ud800": RawItem(b"\x01")}})


@pytest.mark.parametrize(
    "key", [None, True, False, 1.0, 3.0, 5.0, 13.0, 2.5, b"k", (7,), Decimal(7), 7j], ids=repr
)
@pytest.mark.parametrize("field", ["extensions", "raw_extensions"])
def test_a_key_of_a_wrong_type_is_a_type_error(codec: ModuleType, field: str, key: object) -> None:
    with pytest.raises(TypeError, match=type(key).__name__):
        codec.Frame(0, 1, "m", **{field: {key: RawItem(b"\x01")}})


@pytest.mark.parametrize("value", [False, "a=1", None, RawItem(b"\xf4")], ids=repr)
@pytest.mark.parametrize("key", [1, 3, Number(1), Number(3)])
def test_trace_and_tracestate_go_through_trace_only(
    codec: ModuleType, key: int, value: object
) -> None:
    with refused("U-1"):
        codec.encode_request(1, "m", extensions={key: value})


@pytest.mark.parametrize(
    "key", [65538, 4294967294, 4294967295, 65537, "a", "a" * 64, "é" * 32, "tracewire.carrier"]
)
def test_any_other_key_is_written(codec: ModuleType, key: int | str) -> None:
    frame = codec.decode(codec.encode_request(1, "m", extensions={key: 1}))
    assert frame.extensions == {key: 1}
    assert frame.raw_extensions == {key: RawItem(b"\x01")}


def test_keys_are_written_in_order(written: Callable[..., bytes]) -> None:
    entries = {"b": 1, "aa": 2, "a": 3, 4294967295: 4, 65536: 5, 256: 6, 24: 7, 23: 8, 7: 9}
    assert written(entries) == frame_bytes(extensions=entries)[len(frame_bytes()) :]
    assert written(entries) == written(dict(reversed(entries.items())))


def test_keys_and_texts_may_be_of_a_subclass(written: Callable[..., bytes]) -> None:
    special = {Text("k"): Text("v"), Number(21): Number(5), 23: Octets(b"b"), 25: {Text("a"): 1}}
    assert written(special) == written({"k": "v", 21: 5, 23: b"b", 25: {"a": 1}})


# Values.


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        ((1 << 64) - 1, "1bffffffffffffffff"),
        (-1, "20"),
        (-(1 << 64), "3bffffffffffffffff"),
        (b"", "40"),
        (bytearray(b"ab"), "426162"),
        (memoryview(b"ab"), "426162"),
        ("é", "62c3a9"),
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        ([], "80"),
        ((1, [2]), "82018102"),
        ({}, "a0"),
        ({"b": 1, 10: 2, "a": 3, "aa": 4, 0: 5}, "a500050a0261610361620162616104"),
        ([True, None], "82f5f6"),
    ],
    ids=repr,
)
def test_a_value_is_written_as_its_cbor(
    written: Callable[..., bytes], value: object, encoded: str
) -> None:
    assert written({21: value}) == b"\xa1\x15" + bytes.fromhex(encoded)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("X-8", 1 << 64),
        ("X-8", -(1 << 64) - 1),
        pytest.param("X-8", HUGE, id="huge"),
        pytest.param("X-8", [-HUGE], id="-huge"),
        ("X-8", {1 << 64: 1}),
        ("X-10", {-1: 1}),
        ("F-16", "\ud800"),
        ("F-16", ["a\udfff"]),
        ("F-16", {"\udc80": 1}),
        ("F-16", {1: "\udc80"}),
    ],
)
def test_a_value_outside_the_subset_names_the_rule(
    written: Callable[..., bytes], rule: str, value: object
) -> None:
    with refused(rule):
        written({21: value})


@pytest.mark.parametrize(
    "value",
    [1.5, {1}, frozenset(), range(3), 1j, Decimal(1), object, iter([1]), deque([1]), NOT_SAMPLED],
    ids=lambda value: type(value).__name__,
)
def test_a_value_of_a_wrong_type_is_a_type_error(
    written: Callable[..., bytes], value: object
) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        written({21: value})
    with pytest.raises(TypeError, match=type(value).__name__):
        written({"k": [{"n": value}]})


@pytest.mark.parametrize("value", [RawItem(b"\x01"), [RawItem(b"\x01")], {1: RawItem(b"\x01")}])
def test_a_raw_item_stands_for_a_whole_value_only(
    written: Callable[..., bytes], value: object
) -> None:
    with pytest.raises(TypeError, match="RawItem"):
        written({21: [value]})


@pytest.mark.parametrize("key", [None, True, 1.0, b"k", (1,)], ids=repr)
def test_a_key_of_a_wrong_type_inside_a_value_is_a_type_error(
    written: Callable[..., bytes], key: object
) -> None:
    with pytest.raises(TypeError, match=type(key).__name__):
        written({21: {key: 1}})


def nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: (v,), lambda v: {0: v}, lambda v: View({0: v})]
)
def test_values_are_nested_at_most_16_deep(
    codec: ModuleType, written: Callable[..., bytes], wrap: Callable[[object], object]
) -> None:
    codec.decode(codec.encode_request(1, "m", extensions={21: nested(16, wrap)}))
    with refused("X-9"):
        written({21: nested(17, wrap)})
    with refused("X-9"):
        written({21: nested(100_000, wrap)})


def test_a_value_that_holds_itself_is_too_deep(written: Callable[..., bytes]) -> None:
    itself: list[object] = []
    itself.append(itself)
    with refused("X-9"):
        written({21: itself})


def test_the_error_of_a_value_names_its_key(codec: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"^X-8 in extension value: .*: key 'my key'$"):
        codec.encode_request(1, "m", extensions={"my key": 1 << 64})


# Known keys.


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        (5, {"k": "v", "empty": ""}, {"k": "v", "empty": ""}),
        (7, 0, 0),
        (7, (1 << 47) - 1, (1 << 47) - 1),
        (7, 1 << 47, 1 << 47),
        (7, (1 << 47) + 1, 1 << 47),
        (7, (1 << 64) - 1, 1 << 47),
        (9, 0, 0),
        (9, 65535, 65535),
        (11, [1, 1], (1, 1)),
        (11, (10, 3), (10, 3)),
        (11, (10, 3, 4), (10, 3, 4)),
        (11, (10, 3, 4, "later", None), (10, 3, 4)),
    ],
)
def test_a_usable_value_is_read_in_python(
    codec: ModuleType, key: int, value: object, read: object
) -> None:
    frame = codec.decode(codec.encode_request(1, "m", extensions={key: value}))
    assert frame.extensions == {key: read}
    assert isinstance(frame.extensions[key], type(read) if key != 5 else Mapping)


def test_what_is_clipped_when_read_is_kept_as_encoded(codec: ModuleType) -> None:
    frame = codec.decode(codec.encode_request(1, "m", extensions={7: 1 << 50, 11: [2, 1, 1, "x"]}))
    assert frame.raw_extensions[7].value == 1 << 50
    assert frame.raw_extensions[11].value == [2, 1, 1, "x"]


def test_a_creation_is_a_trace_context(codec: ModuleType, sampled: Any) -> None:
    stated = codec.TraceContext(sampled.trace_id, sampled.span_id, 1, "a=1")
    with growth() as grown:
        frame = codec.decode(codec.encode_request(1, "m", extensions={13: stated}))
        assert frame.extensions == {13: sampled}
    assert type(frame.extensions[13]) is codec.TraceContext
    assert grown == {}


def unusable(rule: str, key: int, values: list[object]) -> list[tuple[str, int, object]]:
    return [(rule, key, value) for value in values]


@pytest.mark.parametrize(
    ("rule", "key", "value"),
    [
        *unusable("U-4", 7, [-1, True, None, "5", b"", [], {}]),
        *unusable("U-5", 9, [65536, -1, False, None, "60", b"", []]),
        *unusable("U-6", 11, [[], [1], (1, 2), (0, 0), (1, 0), (1, 1, 0), 5, None]),
        *unusable("U-6", 11, [(True, True), (1, True), ("1", 1), (2, 1, None), {1: 1}]),
    ],
)
def test_a_plain_value_that_is_unusable_is_refused(
    codec: ModuleType, rule: str, key: int, value: object
) -> None:
    with refused(rule):
        codec.encode_request(1, "m", extensions={key: value})


@pytest.mark.parametrize("key", [7, 9, 11])
def test_a_known_key_does_not_excuse_a_wrong_type(codec: ModuleType, key: int) -> None:
    with pytest.raises(TypeError, match="float"):
        codec.encode_request(1, "m", extensions={key: 1.5})


NAMES = {key: name for key, name in registered_keys().items() if key > 3}


@pytest.mark.parametrize("key", NAMES)
@pytest.mark.parametrize("item", [RawItem(b"\xf6"), RawItem(b"\x20"), RawItem(b"\xa1\x01\x02")])
def test_a_raw_value_that_is_unusable_is_written_and_reads_as_absent(
    codec: ModuleType, key: int, item: RawItem
) -> None:
    with growth() as written:
        data = codec.encode_request(1, "m", extensions={key: item, 21: item})
    with growth() as read:
        frame = codec.decode(data)
        assert frame.extensions == {21: item.value}
        assert frame.raw_extensions == {key: item, 21: item}
    assert (written, read) == ({}, {f"unusable_{NAMES[key]}": 1})


def test_an_unknown_key_is_read_as_a_plain_value(codec: ModuleType) -> None:
    values = {
        65539: 1,
        65538: [1, "a", [{"deep": [True]}]],
        65537: {"b": 1, "a": None, 3: -(1 << 64)},
        "text": b"\0",
        "none": None,
        "no": False,
        "é": "é",
    }
    extensions = codec.decode(frame_bytes(extensions=values)).extensions
    assert extensions == values
    assert {k: type(v) for k, v in extensions.items()} == {k: type(v) for k, v in values.items()}


def test_equal_keys_inside_a_plain_value_count_once(codec: ModuleType) -> None:
    frame = codec.Frame(0, 1, "m", raw_extensions={"k": RawItem(b"\xa2\x01\x02\x01\x03")})
    assert frame.extensions == {"k": {1: 2}}


def test_trace_and_tracestate_are_no_extensions(codec: ModuleType, sampled: Any) -> None:
    trace = codec.TraceContext(sampled.trace_id, sampled.span_id, 1, "a=1")
    frame = codec.decode(codec.encode_request(1, "m", b"", trace, {7: 1}))
    assert frame.extensions == {7: 1}
    assert list(frame.raw_extensions) == [1, 3, 7]
