"""Reading the values of known keys (section 3.5). Each function takes a value as encoded, one
valid item, and returns what it means, or None where it is unusable."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeGuard

from . import constants as c
from .item import BSTR, MAP, TSTR, Cursor
from .value import decode_value

ANY_UINT: Final = (1 << 64) - 1  # the largest that a head holds


def trace_ids(data: bytes) -> tuple[int, int, int] | None:
    """The (trace id, span id, flags) of a binary trace context. U-1, U-7"""
    cursor = Cursor(data)
    major, length = cursor.head()
    if major != BSTR or length < c.TRACE_BYTES:
        return None
    content = cursor.take(c.TRACE_BYTES)
    version = content[0]
    if version > c.MAX_TRACE_VERSION or (version == 0 and length != c.TRACE_BYTES):
        return None
    if (content[1], content[18], content[27]) != (0, 1, 2):
        return None
    trace_id = int.from_bytes(content[2:18], "big")
    span_id = int.from_bytes(content[19:27], "big")
    return (trace_id, span_id, content[28]) if trace_id and span_id else None


def tracestate(data: bytes) -> str | None:
    """The list. That it stands beside a usable trace is for the caller to see. U-2"""
    state = decode_value(data)
    if not isinstance(state, str) or not 0 < len(state) <= c.MAX_TRACESTATE_BYTES:
        return None
    if not (state.isascii() and state.isprintable()):
        return None
    return state if state.count(",") < c.MAX_TRACESTATE_MEMBERS else None


def baggage(data: bytes) -> Mapping[str, str] | None:
    """The entries, read only. U-3"""
    cursor = Cursor(data)
    major, count = cursor.head()
    if major != MAP or count > c.MAX_BAGGAGE_ENTRIES:
        return None
    entries: dict[str, str] = {}
    size = 0
    for _ in range(count):
        pair = []
        for _ in ("key", "value"):
            major, length = cursor.head()
            if major != TSTR:
                return None
            size += length
            pair.append(cursor.text(length))
        key, value = pair
        if not key or key in entries:
            return None
        entries[key] = value
    return MappingProxyType(entries) if size <= c.MAX_BAGGAGE_BYTES else None


class Uint:
    """Reads a plain number. U-4, U-5

    ``most``: the largest that is usable. ``read_as``: what larger numbers are read as.
    """

    __slots__ = ("most", "read_as")

    def __init__(self, most: int = ANY_UINT, read_as: int = ANY_UINT) -> None:
        self.most = most
        self.read_as = read_as

    def __call__(self, data: bytes) -> int | None:
        number = decode_value(data)
        return min(number, self.read_as) if _is_uint(number) and number <= self.most else None


def fanout(data: bytes) -> tuple[int, ...] | None:
    """(n, k) or (n, k, m). U-6"""
    elements = decode_value(data)
    if not isinstance(elements, list) or len(elements) < 2:
        return None
    known = elements[:3]
    if not all(_is_uint(element) and element >= 1 for element in known):
        return None
    return tuple(known) if known[1] <= known[0] else None


def _is_uint(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
