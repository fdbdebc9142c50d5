"""The codec in pure Python, to be read beside spec/tracewire.md.

A Frame is the bytes it was read from and the places of its fields; a Frame that is made from fields
is written first and then read. So there is one way in and one way out, and what was never valid
never becomes a Frame. Reading one stands in layout.py.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Final, Literal

from . import constants as c
from . import usable
from .buffer import as_bytes, first_bytes
from .constants import Kind, Status
from .counters import count_unusable
from .errors import FrameError
from .layout import KINDS, Entries, Layout, read_layout
from .sealed import Frozen, Sealed
from .shedding import fit
from .trace import NOT_SAMPLED, NotSampled, TraceContext
from .value import RawItem
from .writing import (
    BASE,
    EXTENDED,
    FALSE,
    Buffer,
    Extensions,
    Trace,
    join,
    stamp_of,
    typed,
    write,
    write_key,
)

__all__ = [
    "IMPLEMENTATION",
    "NOT_SAMPLED",
    "Frame",
    "FrameError",
    "Kind",
    "RawItem",
    "Status",
    "StreamDecoder",
    "TraceContext",
    "decode",
    "encode",
    "encode_notification",
    "encode_request",
    "encode_response",
    "is_frame",
    "peek_trace",
    "restamp",
    "strip",
    "to_stream",
    "unwrap",
    "wrap",
]

IMPLEMENTATION: Final = "reference"

_NAMED: Final = (Kind.REQUEST, Kind.NOTIFICATION)
_RELAYED: Final = (Kind.REQUEST, Kind.RESPONSE, Kind.NOTIFICATION)
_STATUSES: Final = frozenset(Status)


class Frame(Frozen):
    """One frame, which cannot be changed. Equal frames have equal bytes.

    ``kind``: a Kind, an int where it is unknown, None for a bare message. ``id``: 0 where nothing
    is answered. ``target``: the method, the status, or 0. ``payload``: the body. Made from fields,
    it raises FrameError where they make no valid frame and TypeError for wrong types. What
    ``raw_extensions`` holds is written as it is; ``trace`` and ``extensions`` give the keys that it
    lacks.
    """

    __slots__ = ("_data", "_extensions", "_layout", "_trace", "kind")

    kind: int | None
    _data: bytes
    _layout: Layout
    _trace: Trace | Literal["unread"]
    _extensions: Extensions | None  # None until read

    def __init__(
        self,
        kind: int,
        id: int,
        target: str | int,
        payload: Buffer = b"",
        trace: Trace = None,
        extensions: Extensions | None = None,
        raw_extensions: Mapping[int | str, RawItem] | None = None,
    ) -> None:
        stamp = stamp_of(trace)
        data = write(kind, id, target, payload, stamp, extensions, raw_extensions)
        _place(self, data, read_layout(data))

    @property
    def id(self) -> int:
        """The number that pairs a request with its response, 0 where nothing is answered."""
        return self._layout.id

    @property
    def target(self) -> str | int:
        """The method of a request or notification, the status of a response, else mostly 0."""
        return self._layout.target

    @property
    def method(self) -> str | None:
        """The target of a request or notification, else None."""
        return str(self.target) if self.kind in _NAMED else None

    @property
    def status(self) -> Status | None:
        """The target of a response, UNKNOWN for a number that is not assigned, else None."""
        if self.kind != Kind.RESPONSE:
            return None
        return Status(self.target) if self.target in _STATUSES else Status.UNKNOWN

    @property
    def payload(self) -> bytes:
        """The body."""
        return self._data[self._layout.payload]

    @property
    def trace(self) -> Trace:
        """The trace context, NOT_SAMPLED, or None where it is undecided or unusable."""
        if self._trace == "unread":
            trace, unread = _read_trace(self._layout.entries)
            for key in unread:
                count_unusable(key)
            object.__setattr__(self, "_trace", trace)
        return self._trace  # type: ignore[return-value]

    @property
    def extensions(self) -> Extensions:
        """Every key but 1 and 3, read only: usable values of known keys in Python, others RawItem.

        Unusable values of known keys are absent. Baggage is a mapping, fanout a tuple, creation a
        TraceContext.
        """
        if self._extensions is None:
            read = MappingProxyType(_read_extensions(self._layout.entries))
            object.__setattr__(self, "_extensions", read)
        return self._extensions  # type: ignore[return-value]

    @property
    def raw_extensions(self) -> Mapping[int | str, RawItem]:
        """Every extension as encoded, read only, in the order of the frame."""
        entries = self._layout.entries
        return MappingProxyType({key: RawItem(entry.data) for key, entry in entries.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._data == other._data and (self.kind is None) == (other.kind is None)

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return (
            f"Frame({self.kind!r}, {self.id!r}, {self.target!r}, {self.payload!r}, "
            f"raw_extensions={dict(self.raw_extensions)!r})"
        )


def _place(frame: Frame, data: bytes, layout: Layout) -> Frame:
    """Gives a new frame its fields."""
    kind = Kind(layout.kind) if layout.kind in KINDS else layout.kind
    fields = {
        "_data": data,
        "_layout": layout,
        "kind": kind,
        "_trace": "unread",
        "_extensions": None,
    }
    for name, value in fields.items():
        object.__setattr__(frame, name, value)
    return frame


# Reading, sections 2 and 3. Unusable values read as absent (G-7).


def decode(data: Buffer) -> Frame:
    """The frame in ``data``. FrameError names the first rule that is broken, and where."""
    whole = as_bytes(data)
    return _place(object.__new__(Frame), whole, read_layout(whole))


def is_frame(data: Buffer) -> bool:
    """Whether the data begins like a frame, by its first four bytes. M-2"""
    return first_bytes(data, len(BASE)) in (BASE, EXTENDED)


def peek_trace(data: Buffer) -> bool | None:
    """Whether the message is sampled, False: decided not, None: undecided or bare.

    Says of every valid frame what its ``trace`` says; of an invalid one it may say anything.
    """
    try:
        trace, _ = _read_trace(read_layout(as_bytes(data)).entries)
    except FrameError:
        return None
    return None if trace is None else trace.sampled


def _read_trace(entries: Entries) -> tuple[Trace, list[int]]:
    """The trace, and which of its keys are unusable. U-1, U-2"""
    ids = state = None
    if c.TRACE in entries:
        ids = usable.trace_ids(entries[c.TRACE].data)
    if c.TRACESTATE in entries and ids is not None:
        state = usable.tracestate(entries[c.TRACESTATE].data)
    unread = [c.TRACESTATE] if c.TRACESTATE in entries and state is None else []
    if ids is not None:
        return TraceContext(*ids, state or ""), unread
    if c.TRACE not in entries:
        return None, unread
    if entries[c.TRACE].data == FALSE:
        return NOT_SAMPLED, unread
    return None, [c.TRACE, *unread]


def _read_extensions(entries: Entries) -> dict[int | str, object]:
    read: dict[int | str, object] = {}
    for key, (_, data) in entries.items():
        if key in usable.READERS or key == c.CREATION:
            value = _read_known(int(key), data)
            if value is not None:
                read[key] = value
        elif key not in (c.TRACE, c.TRACESTATE):
            read[key] = RawItem(data)
    return read


def _read_known(key: int, data: bytes) -> object:
    """The value of a known key, None where it is unusable. U-3 to U-7"""
    value: object
    if key == c.CREATION:
        ids = usable.trace_ids(data)
        value = None if ids is None else TraceContext(*ids)
    else:
        value = usable.READERS[key](data)
    if value is None:
        count_unusable(key)
    return value


# Writing, section 4.


def encode_request(
    id: int,
    method: str,
    payload: Buffer = b"",
    trace: Trace = None,
    extensions: Extensions | None = None,
) -> bytes:
    """A request as bytes. FrameError where the arguments make no valid frame."""
    return write(Kind.REQUEST, id, typed(method, str), payload, stamp_of(trace), extensions)


def encode_response(
    id: int, payload: Buffer = b"", status: int = 0, extensions: Extensions | None = None
) -> bytes:
    """A response as bytes. FrameError where the arguments make no valid frame."""
    return write(Kind.RESPONSE, id, typed(status, int), payload, {}, extensions)


def encode_notification(
    method: str,
    payload: Buffer = b"",
    trace: Trace = None,
    extensions: Extensions | None = None,
) -> bytes:
    """A notification as bytes. FrameError where the arguments make no valid frame."""
    return write(Kind.NOTIFICATION, 0, typed(method, str), payload, stamp_of(trace), extensions)


def encode(frame: Frame) -> bytes:
    """The frame as bytes. TypeError for a bare message, which has no frame."""
    if typed(frame, Frame).kind is None:
        raise TypeError("a bare message has no frame; send its payload, or wrap() it")
    return frame._data


# Relays, section 4.3.


def restamp(data: Buffer, trace: Trace) -> bytes:
    """The frame with another trace, all else byte by byte as it was. FrameError as decode."""
    whole = as_bytes(data)
    layout = read_layout(whole)
    typed(trace, TraceContext, NotSampled, type(None))
    if layout.kind not in _RELAYED:
        return whole  # L-3
    stamp = stamp_of(trace)
    others = {
        write_key(key): entry.data
        for key, entry in layout.entries.items()
        if key not in (c.TRACE, c.TRACESTATE)
    }
    extension_map = fit(others, stamp)
    if c.TRACE in stamp and stamp[c.TRACE].encoded() is None:
        return whole  # L-2
    return join(whole[len(BASE) : layout.payload.stop], extension_map)  # L-1


def strip(data: Buffer) -> bytes:
    """The base frame. FrameError as decode, and X-11 where an even key demands to be understood."""
    whole = as_bytes(data)
    layout = read_layout(whole)
    _refuse_even(layout, ())  # L-4
    return join(whole[len(BASE) : layout.payload.stop], b"")


def _refuse_even(layout: Layout, understood: Container[int]) -> None:
    even = [key for key in layout.entries if isinstance(key, int) and key % 2 == 0]
    demands = [key for key in even if key not in understood]
    if demands:
        offset, names = layout.entries[demands[0]].offset, ", ".join(map(str, demands))
        raise FrameError("X-11", offset, "extension key", layout.kind, layout.id, names)


# Messages on a transport of one's own, section 5.4.


def wrap(message: Buffer, trace: Trace = None, extensions: Extensions | None = None) -> bytes:
    """An envelope around a message."""
    return encode_notification("", message, trace, extensions)


def unwrap(
    data: Buffer,
    *,
    mode: Literal["both", "framed", "bare"] = "both",
    understood: Container[int] = (),
) -> Frame:
    """The message in ``data``, bare (``kind`` is None) or in an envelope.

    ``mode``: ``both`` tells them apart by the first four bytes, ``framed`` takes envelopes only,
    ``bare`` takes every message as it is. ``understood``: the even keys that the caller
    understands. FrameError as decode; M-3 for a valid frame that is no envelope; X-11 for other
    even keys.
    """
    if mode not in ("both", "framed", "bare"):
        raise ValueError(f"mode must be 'both', 'framed' or 'bare', not {mode!r}")
    whole = as_bytes(data)
    if mode == "bare" or (mode == "both" and not is_frame(whole)):  # M-2, M-4
        return _place(object.__new__(Frame), whole, Layout(None, 0, "", slice(0, None), {}))
    layout = read_layout(whole)  # M-1
    if layout.kind != Kind.NOTIFICATION:
        raise FrameError("M-3", len(BASE), "kind", layout.kind, layout.id)  # M-3
    if layout.target != "":
        raise FrameError("M-3", len(BASE) + 2, "target", layout.kind, layout.id)  # M-3
    _refuse_even(layout, understood)
    return _place(object.__new__(Frame), whole, layout)


# Streams, section 5.1.


def to_stream(frame_bytes: Buffer) -> bytes:
    """The frame after its length, as it goes on a stream. S-1"""
    record = as_bytes(frame_bytes)
    if len(record) >= 1 << 8 * c.STREAM_PREFIX:
        raise FrameError("S-1")  # S-1
    return len(record).to_bytes(c.STREAM_PREFIX, "big") + record


class StreamDecoder(Sealed):
    """Frames out of a stream that arrives in pieces of any size.

    ``max_frame``: the longest record that is accepted, in bytes without its prefix. One decoder
    serves one stream and one thread.
    """

    __slots__ = ("_buffer", "_max_frame", "_overlong")

    def __init__(self, max_frame: int = c.MAX_FRAME) -> None:
        if not 1 <= typed(max_frame, int) < 1 << 8 * c.STREAM_PREFIX:
            raise ValueError("max_frame must lie between 1 and 2**32 - 1")
        self._max_frame = max_frame
        self._buffer = bytearray()
        self._overlong = False

    @property
    def max_frame(self) -> int:
        return self._max_frame

    def feed(self, data: Buffer) -> list[Frame | FrameError]:
        """The records that are complete now, an invalid one as the FrameError that says why.

        A record over the maximum is refused as soon as its length is known: its error is the last
        item, and later feeds return an empty list.
        """
        items: list[Frame | FrameError] = []
        piece = as_bytes(data)
        if self._overlong:
            return items
        self._buffer += piece
        start = 0
        while (body := start + c.STREAM_PREFIX) <= len(self._buffer):
            length = int.from_bytes(self._buffer[start:body], "big")
            if length > self.max_frame:
                items.append(
                    FrameError("S-2", 0, detail=f"{length} bytes, at most {self.max_frame}")
                )  # S-2
                self._overlong = True
                self._buffer = bytearray()
                return items
            if body + length > len(self._buffer):
                break
            items.append(_decode_record(bytes(self._buffer[body : body + length])))
            start = body + length
        del self._buffer[:start]
        return items

    def eof(self) -> FrameError | None:
        """The error of a record that the end of the stream cut off, if it did."""
        if not self._buffer:
            return None
        return FrameError("S-3", max(0, len(self._buffer) - c.STREAM_PREFIX))  # S-3


def _decode_record(record: bytes) -> Frame | FrameError:
    try:
        return decode(record)
    except FrameError as error:
        return error.with_traceback(None)  # S-4
