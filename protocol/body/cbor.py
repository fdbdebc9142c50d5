"""One CBOR item to and from Python, within bounds that hold for bodies from strangers.

cbor2 reads and writes. It is kept from what costs more than its input: deep nesting, shared and
referenced values, patterns and mails to be parsed, huge numbers, and keys that can be made to
collide. Python hashes arrays, maps and big numbers without a secret, so a map with many such keys
takes a time that grows with the square of their number.
"""

import datetime
import decimal
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn

import cbor2
import msgspec

#: Arrays, maps and tags around a value, at most.
DEPTH: Final = 128
#: Bytes of a bignum, at most: turning one into decimal takes the square of its length.
BIGNUM_BYTES: Final = 1_024

#: What stays as it is for cbor2 to write, beside what has a type in JSON.
NATIVE: Final = (bytes, bytearray, memoryview, datetime.datetime, decimal.Decimal)

#: Whole floats below are the same number as an int.
EXACT: Final = 2.0**53

_CHECKED: Final = frozenset({list, tuple, dict, memoryview, cbor2.CBORTag})
_KEYS: Final = frozenset({str, bytes, int, float, bool, type(None)})

_TSTR, _ARRAY, _MAP, _TAG = 3, 4, 5, 6
SELF_DESCRIBED: Final = 55799
_UINT8_ARRAY: Final = 64
_PLAIN_TAGS: Final = (SELF_DESCRIBED, _UINT8_ARRAY)  # before what may be a key
_BREAK: Final = 0xFF
_INDEFINITE: Final = 31
_UNBOUNDED: Final = 1 << 64  # items of a container without a length; even, as of every map

_TWO_ITEMS: Final = b"\x82"
_END_MARK: Final = os.urandom(8)
_END: Final = b"\x48" + _END_MARK


class CborError(ValueError):
    """Bytes that are not one item, or one that is not read here; the message says why."""


@cache
def all_native() -> tuple[type, ...]:
    """And what else is read, so that it can be sent back.

    Apart, since each of them costs a call some time, and their modules every import.
    """
    import ipaddress
    from fractions import Fraction

    return (
        *(*NATIVE, Fraction, complex),
        *(ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv4Interface),
        *(ipaddress.IPv6Address, ipaddress.IPv6Network, ipaddress.IPv6Interface),
        *(cbor2.CBORTag, cbor2.CBORSimpleValue, type(cbor2.undefined)),
    )


def write_item(value: object) -> bytes:
    """The value as one item; what JSON has no type for as ``all_native`` and cbor2 have it.

    Raises TypeError for a value that has no form in CBOR, or one that ``read_item`` would refuse.
    """
    try:
        try:
            plain = msgspec.to_builtins(value, builtin_types=NATIVE)
        except TypeError:
            plain = msgspec.to_builtins(value, builtin_types=all_native())
        _check_shape(plain)
        return cbor2.dumps(plain)
    except (TypeError, ValueError, RecursionError, cbor2.CBOREncodeError) as error:
        reason = str(error)
    raise TypeError(f"a body of type {type(value).__qualname__} cannot be written: {reason}")


def _check_shape(value: object) -> None:
    """Raises TypeError for nesting and keys that ``read_item`` refuses: deep ones crash cbor2."""
    level = [value] if type(value) in _CHECKED else []
    for _ in range(DEPTH):
        if not level:
            return
        inner: list[Any] = []
        for container in level:
            if isinstance(container, dict):
                _check_keys(container)
                inner += container.values()
            elif isinstance(container, (list, tuple)):
                inner += container
            elif isinstance(container, cbor2.CBORTag):
                _check_tag(container.tag)
                inner.append(container.value)
            else:
                raise TypeError("of a memoryview give its bytes")  # cbor2 would write an array
        level = [each for each in inner if type(each) in _CHECKED]
    if level:
        raise TypeError(f"it is nested more than {DEPTH} deep, or contains itself")


def _check_keys(mapping: dict[Any, Any]) -> None:
    if not _KEYS.issuperset(map(type, mapping)):
        other = next(type(key).__qualname__ for key in mapping if type(key) not in _KEYS)
        raise TypeError(f"keys are text, bytes or plain numbers, not {other}")


def _check_tag(tag: int) -> None:
    if tag in _REFUSED:
        raise TypeError(f"tag {tag} is not read here")


def read_item(data: bytes) -> Any:
    """The value of the one item that ``data`` is.

    Aware datetimes, Decimals, UUIDs, dates, fractions and IP addresses come as such, sets as
    lists, arrays of uint8 (tag 64 of RFC 8746) as bytes, maps of tag 259 as dicts. Tag 55799 is as
    if it were not there (RFC 8949, section 3.4.6); others that are not known are cbor2.CBORTag
    around such values. Raises CborError, and nothing else.
    """
    try:
        # cbor2 ignores what follows an item. Before a mark that nobody can guess, nothing does.
        value, mark = _loads(_TWO_ITEMS + data + _END, DEPTH + 1, text_keys=True)
        if mark == _END_MARK:
            return value
    except cbor2.CBORDecodeError:
        pass  # a number as a key, or a fault, which is told by its place in the data alone
    return _read_any_keys(data)


def _read_any_keys(data: bytes) -> Any:
    end = _scan(data)
    try:
        value = _loads(data, DEPTH, text_keys=False)
    except cbor2.CBORDecodeError as error:
        raise CborError(_in_words(str(error.__cause__ or error))) from None
    if end != len(data):
        raise CborError(f"the item ends at byte {end} of {len(data)}")
    return value


def _loads(data: bytes, depth: int, *, text_keys: bool) -> Any:
    return cbor2.loads(
        data, max_depth=depth, strict_hashable_types=text_keys, semantic_decoders=_DECODERS
    )


def _scan(data: bytes) -> int:
    """The offset after the first item, where cbor2 finds no fault in it.

    Raises CborError for a key that is an array, a map, or of a tag that makes it no plain one.
    """
    outer: list[tuple[int, bool]] = []
    left, keyed = 1, False  # items left in this container, and whether every second one is a key
    offset = tags = 0  # tags in a row: around one item
    try:
        while left or outer:
            if not left or data[offset] == _BREAK:
                offset += left != 0
                left, keyed = outer.pop()
                continue
            major, info = data[offset] >> 5, data[offset] & 31
            size = 1 << info - 24 if 24 <= info < 28 else 0
            argument = int.from_bytes(data[offset + 1 : offset + 1 + size]) if size else info
            is_item = major != _TAG or argument not in _PLAIN_TAGS
            if is_item and keyed and left % 2 == 0 and _ARRAY <= major <= _TAG:
                raise CborError(f"the key at byte {offset} is not text, bytes or a plain number")
            offset += 1 + size
            if major == _TAG:
                tags += 1
                if tags > DEPTH:
                    break
                continue
            left -= 1
            tags = 0
            if info == _INDEFINITE or major in (_ARRAY, _MAP):
                if len(outer) > DEPTH:
                    break
                outer.append((left, keyed))
                keyed = major == _MAP
                left = _UNBOUNDED if info == _INDEFINITE else argument * (1 + keyed)
            elif major in (_TSTR - 1, _TSTR):
                offset += argument
    except IndexError:
        pass
    return offset


def _bignum(value: object, _immutable: bool) -> int:
    if not isinstance(value, bytes) or len(value) > BIGNUM_BYTES:
        raise ValueError(f"a bignum is a byte string of at most {BIGNUM_BYTES} bytes")
    return int.from_bytes(value)


def _negative(value: object, immutable: bool) -> int:
    return -1 - _bignum(value, immutable)


def _as_it_is(value: object, _immutable: bool) -> object:
    return value


def _refused(tag: int) -> Callable[[Any, bool], Any]:
    def refuse(_value: object, _immutable: bool) -> NoReturn:
        raise ValueError(f"tag {tag} is not read here")

    return refuse


def _bytes(value: object, _immutable: bool) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("tag 64 stands before a byte string")
    return value


def _map(value: object, _immutable: bool) -> object:
    if not isinstance(value, dict):
        raise ValueError("tag 259 stands before a map")
    return value


class _Decoders(dict[int, Callable[[Any, bool], Any]]):
    """By tag. What stands in one that nobody knows is read like all else: cbor2 would make it of
    types that are not for changing."""

    def __missing__(self, tag: int) -> Callable[[Any, bool], Any]:
        if tag in _BUILT_IN:
            raise KeyError(tag)
        return lambda value, _immutable: cbor2.CBORTag(tag, value)


#: Tags that cbor2 reads itself, as it is to: times, numbers, identifiers, addresses, dates.
_BUILT_IN: Final = frozenset({0, 1, 4, 5, 30, 37, 52, 54, 100, 260, 261, 1004, 43000})
#: References to strings and to values (25, 256, 28, 29) let a few bytes stand for many; patterns
#: and mails (35, 36) have to be parsed.
_REFUSED: Final = frozenset({25, 28, 29, 35, 36, 256})
_DECODERS: Final = _Decoders(
    {
        2: _bignum,
        3: _negative,
        _UINT8_ARRAY: _bytes,
        258: _as_it_is,  # a set
        259: _map,
        SELF_DESCRIBED: _as_it_is,
        **{tag: _refused(tag) for tag in _REFUSED},
    }
)


def same_number(value: Any) -> Any:
    """The value with whole floats below 2^53 as ints and undefined as None, at any depth.

    JavaScript has one type of numbers: its libraries write those from 2^32 on as floats.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and -EXACT < value < EXACT else value
    if isinstance(value, dict):
        return {same_number(key): same_number(each) for key, each in value.items()}
    if isinstance(value, list):
        return [same_number(each) for each in value]
    return None if value is cbor2.undefined else value


#: The decoder's classes, as CBOR names what they stand for.
_WORDS: Final = {
    "CBORTag": "tag",
    "CBORSimpleValue": "simple value",
    "UndefinedType": "undefined",
    "object": "map",
    "dict": "map",
    "list": "array",
    "tuple": "array",
    "NoneType": "null",
    "datetime": "time",
    "decimal": "decimal fraction",
    "Fraction": "rational number",
}
_CLASS: Final = r"<class '(?:\w+\.)*(\w+)'>"


def word(name: str) -> str:
    """CBOR's word for a class, named with or without its module."""
    last = name.rpartition(".")[2]
    return _WORDS.get(last, last)


def _in_words(message: str) -> str:
    return re.sub(_CLASS, lambda found: word(found[1]), message)
