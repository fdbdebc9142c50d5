"""Fitting context into the extension map (section 4.2). An encoder leaves out what does not fit and
counts it, so that tracing never decides whether a message can be sent."""

from collections.abc import Mapping
from typing import Protocol

from . import constants as c
from .counters import count_shed
from .errors import FrameError
from .item import MAP, TSTR, UINT
from .keys import SHED_ORDER
from .value import encode_head, encode_text


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


class Baggage:
    """The entries of a baggage, as UTF-8, in encoded order of their keys. E-3"""

    def __init__(self, baggage: object) -> None:
        self.entries: list[tuple[bytes, bytes]] = []
        self.left_out = 0
        if not isinstance(baggage, Mapping):
            self.left_out = 1  # E-4
            return
        for key, value in baggage.items():
            entry = _entry(key, value)
            if entry is None:
                self.left_out += 1
            else:
                self.entries.append(entry)
        self.entries.sort(key=lambda entry: (len(entry[0]), entry[0]))
        size = sum(len(key) + len(value) for key, value in self.entries)
        while len(self.entries) > c.MAX_BAGGAGE_ENTRIES or size > c.MAX_BAGGAGE_BYTES:
            size -= sum(map(len, self.entries[-1]))
            self.shed()

    def encoded(self) -> bytes | None:
        if not self.entries:
            return None
        parts = [encode_head(MAP, len(self.entries))]
        for entry in self.entries:
            for content in entry:
                parts += encode_head(TSTR, len(content)), content
        return b"".join(parts)

    def shed(self) -> None:
        del self.entries[-1]
        self.left_out += 1


def _entry(key: object, value: object) -> tuple[bytes, bytes] | None:
    if not (isinstance(key, str) and isinstance(value, str) and key):
        return None
    try:
        return key.encode(), value.encode()
    except UnicodeEncodeError:
        return None


def fit(others: dict[bytes, bytes], context: dict[int, Context]) -> bytes:
    """The extension map as encoded, empty if it has no entry.

    ``others``: encoded keys and values that nothing sheds. ``context``: values of the keys in
    SHED_ORDER. FrameError where the others alone exceed the limits (E-6).
    """
    _check(others)  # E-6
    while True:
        entries = dict(others)
        for key, value in context.items():
            encoded = value.encoded()
            if encoded is not None:
                entries[encode_head(UINT, key)] = encoded
        try:
            _check(entries)
        except FrameError:
            held = (context[key] for key in SHED_ORDER if key in context)
            next(each for each in held if each.encoded() is not None).shed()  # E-5
            continue
        for key, value in context.items():
            if value.left_out:
                count_shed(key, value.left_out)
        return write_map(entries)


def _check(entries: dict[bytes, bytes]) -> None:
    if len(entries) > c.MAX_EXTENSION_ENTRIES:
        raise FrameError("X-2", field="extensions")
    size = len(encode_head(MAP, len(entries)))
    size += sum(len(key) + len(value) for key, value in entries.items())
    if size > c.MAX_EXTENSION_BYTES:
        raise FrameError("X-3", field="extensions")


def write_map(entries: dict[bytes, bytes]) -> bytes:
    """An extension map in ascending order of its keys, empty if it has no entry. X-7, E-7"""
    if not entries:
        return b""
    ordered = sorted(entries.items())
    return encode_head(MAP, len(ordered)) + b"".join(key + value for key, value in ordered)
