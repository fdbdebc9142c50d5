"""Fitting context into the extension map (section 4.2). An encoder leaves out what does not fit and
counts it, so that tracing never decides whether a message can be sent."""

from collections.abc import Mapping
from typing import Final, Protocol

from . import constants as c
from . import usable
from .counters import count_shed
from .errors import FrameError
from .item import MAP, TSTR, UINT
from .keys import SHED_ORDER
from .value import encode_head, encode_text

_FANOUT: Final = encode_head(UINT, c.FANOUT)


class Context(Protocol):
    """A value that can be made smaller until it is gone."""

    left_out: int  # how many parts were left out, for the counters once the frame is written

    def encoded(self) -> bytes | None:
        """The value as encoded, None once it is gone."""

    def shed(self) -> None:
        """Leaves out the next part."""


class Whole:
    """A value that goes as a whole: trace, creation, and what a relay holds as encoded.

    None: it was of no use from the start.
    """

    def __init__(self, data: bytes | None) -> None:
        self.data = data
        self.left_out = int(data is None)

    def encoded(self) -> bytes | None:
        return self.data

    def shed(self) -> None:
        self.data = None
        self.left_out += 1


class Tracestate:
    """The members of a tracestate. E-2"""

    def __init__(self, state: str) -> None:
        parts = state.split(",") if state else []
        self.members = [part for part in parts if part and part.isascii() and part.isprintable()]
        self.left_out = len(parts) - len(self.members)
        sizes = list(map(len, self.members))
        self._size = sum(sizes) + len(sizes) - 1  # commas included
        self._long = [at for at, size in enumerate(sizes) if size > c.LONG_TRACESTATE_MEMBER]
        while len(self.members) > c.MAX_TRACESTATE_MEMBERS or self._size > c.MAX_TRACESTATE_BYTES:
            self.shed()

    def encoded(self) -> bytes | None:
        return encode_text(",".join(self.members)) if self.members else None

    def shed(self) -> None:
        member = self.members.pop(self._long.pop() if self._long else -1)
        self._size -= len(member) + 1
        self.left_out += 1


_Entry = tuple[bytes, bytes]


class Baggage:
    """The entries of a baggage, as UTF-8, in encoded order of their keys. E-3"""

    def __init__(self, baggage: object) -> None:
        self.entries: list[_Entry] = []
        self.left_out = 0
        if not isinstance(baggage, Mapping):
            self.left_out = 1  # E-4
            return
        given = [_entry(key, value) for key, value in baggage.items()]
        by_size = _by_size(sorted(filter(None, given), key=_place))
        size = sum(map(_size, by_size))
        while size > c.MAX_BAGGAGE_BYTES:
            size -= _size(by_size.pop())
        self.entries = sorted(by_size, key=_place)[: c.MAX_BAGGAGE_ENTRIES]
        self.left_out = len(given) - len(self.entries)

    def encoded(self) -> bytes | None:
        if not self.entries:
            return None
        parts = [encode_head(MAP, len(self.entries))]
        for entry in self.entries:
            for content in entry:
                parts += encode_head(TSTR, len(content)), content
        return b"".join(parts)

    def shed(self) -> None:
        # For bytes the largest goes. For an entry of the map all go, in whatever order. E-5
        self.entries.remove(_by_size(self.entries)[-1])
        self.left_out += 1


def _entry(key: object, value: object) -> _Entry | None:
    if not (isinstance(key, str) and isinstance(value, str) and key):
        return None
    try:
        return key.encode(), value.encode()
    except UnicodeEncodeError:
        return None


def _place(entry: _Entry) -> tuple[int, bytes]:
    """By which entries stand in encoded order of their keys."""
    return len(entry[0]), entry[0]


def _size(entry: _Entry) -> int:
    """The bytes of key and value, without heads."""
    return len(entry[0]) + len(entry[1])


def _by_size(entries: list[_Entry]) -> list[_Entry]:
    """The largest at the end, of equals the one that came last."""
    return sorted(entries, key=_size)


def fit(others: dict[bytes, bytes], context: dict[int, Context]) -> bytes:
    """The extension map as encoded, empty if it has no entry.

    ``others``: encoded keys and values that nothing sheds, save a fanout that goes with its trace.
    ``context``: values of the keys in SHED_ORDER. FrameError where the others alone exceed the
    limits (E-6).
    """
    if (limit := _exceeded(others)) is not None:
        raise FrameError(limit, field="extensions")  # E-6
    unbound = 0
    while _exceeded(entries := others | _encoded(context)) is not None:
        held = (key for key in SHED_ORDER if key in context)
        key = next(key for key in held if context[key].encoded() is not None)
        context[key].shed()  # E-5
        if key == c.TRACE:
            unbound = drop_fanout(others)  # E-13
    for key, value in context.items():
        if value.left_out:
            count_shed(key, value.left_out)
    if unbound:
        count_shed(c.FANOUT, unbound)
    return write_map(entries)


def _encoded(context: dict[int, Context]) -> dict[bytes, bytes]:
    """What is left of context, by encoded key."""
    encoded = {encode_head(UINT, key): value.encoded() for key, value in context.items()}
    return {key: data for key, data in encoded.items() if data is not None}


def _exceeded(entries: dict[bytes, bytes]) -> str | None:
    """The rule of the limit that a map exceeds, the first of both."""
    if len(entries) > c.MAX_EXTENSION_ENTRIES:
        return "X-2"
    size = len(encode_head(MAP, len(entries)))
    size += sum(len(key) + len(value) for key, value in entries.items())
    return "X-3" if size > c.MAX_EXTENSION_BYTES else None


def drop_fanout(others: dict[bytes, bytes]) -> int:
    """Leaves out a fanout that belongs to the trace, not one still to be drawn; how many it was."""
    known = usable.fanout(others[_FANOUT]) if _FANOUT in others else None
    if known is None or len(known) > 2:
        return 0
    del others[_FANOUT]
    return 1


def unbind(others: dict[bytes, bytes], before: bytes | None, after: int | None) -> None:
    """Leaves out a fanout whose trace a restamp takes away. L-6

    ``before``: key 1 as encoded. ``after``: the trace id that it is to hold.
    """
    ids = None if before is None else usable.trace_ids(before)
    if ids is None or ids[0] != after:
        drop_fanout(others)


def write_map(entries: dict[bytes, bytes]) -> bytes:
    """An extension map in ascending order of its keys, empty if it has no entry. X-7, E-7"""
    if not entries:
        return b""
    ordered = sorted(entries.items())
    return encode_head(MAP, len(ordered)) + b"".join(key + value for key, value in ordered)
