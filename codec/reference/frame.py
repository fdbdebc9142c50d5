"""Frame and decode: a frame's bytes, and the places of its fields.

A Frame is the bytes it was read from and the places of its fields; a Frame that is made from fields
is written first and then read. So there is one way in and one way out, and what was never valid
never becomes a Frame. Reading one stands in layout.py.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from .. import pickling, usable
from ..buffer import as_bytes
from ..constants import Kind, Status
from ..counters import count_unusable
from ..keys import KEYS, TRACED, Key
from ..kinds import KINDS
from ..sealed import Frozen
from ..value import RawItem, decode_value
from ..writing import Buffer, Extensions, typed, write
from .layout import Entries, Layout, read_layout
from .trace import Trace, TraceContext, read_trace, stamp_of, with_raw_contexts

_NAMED: Final = (Kind.REQUEST, Kind.NOTIFICATION)
_STATUSES: Final = frozenset(Status)


class Frame(Frozen):
    """One frame, which cannot be changed. Equal frames have equal bytes.

    It can be pickled and copied; a pickle is loaded into the half of the codec that serves.

    Args:
        kind: a Kind, or another number of at most 65,535; None when it was read of a bare message.
        id: pairs a request with its response; 0 where nothing is answered.
        target: the method, the status, or 0.
        payload: the body.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.
        raw_extensions: values as encoded, which are written as they are. What ``trace`` and
            ``extensions`` give for the same keys is passed over.

    Raises:
        FrameError: the fields make no valid frame; ``rule`` and ``field`` say why.
        TypeError: a field is of a wrong type.
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
        data = write(
            kind, id, target, payload, stamp, with_raw_contexts(extensions), raw_extensions
        )
        place(self, data, read_layout(data))

    @property
    def is_bare(self) -> bool:
        """Whether there was no frame: a bare message, which unwrap() takes as well."""
        return self.kind is None

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
            trace, unread = read_trace(self._layout.entries)
            for key in unread:
                count_unusable(key)
            object.__setattr__(self, "_trace", trace)
        return self._trace  # type: ignore[return-value]

    @property
    def extensions(self) -> Extensions:
        """Every key but 1 and 3, read only, as values in Python.

        Known keys have what section 3.4 says: baggage is a mapping, fanout a tuple, creation a
        TraceContext; where their values are unusable they are absent. Text keys, and numbers that
        nobody assigned, have int, bytes, str, bool, None, list or dict.
        """
        if self._extensions is None:
            read = MappingProxyType(_read_extensions(self._layout.entries))
            object.__setattr__(self, "_extensions", read)
        return self._extensions  # type: ignore[return-value]

    @property
    def raw_extensions(self) -> Mapping[int | str, RawItem]:
        """Every key, 1 and 3 too, to its value as encoded; read only, in the order of the frame.

        A Frame that is made of these is the same frame.
        """
        entries = self._layout.entries
        return MappingProxyType({key: RawItem(entry.data) for key, entry in entries.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._data == other._data and (self.kind is None) == (other.kind is None)

    def __hash__(self) -> int:
        return hash(self._data)

    def __copy__(self) -> "Frame":
        return self

    def __deepcopy__(self, memo: object) -> "Frame":
        return self

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        load = pickling.bare_message if self.is_bare else pickling.frame
        return load, (self._data,)

    def __repr__(self) -> str:
        return (
            f"Frame({self.kind!r}, {self.id!r}, {self.target!r}, {self.payload!r}, "
            f"raw_extensions={dict(self.raw_extensions)!r})"
        )


def place(frame: Frame, data: bytes, layout: Layout) -> Frame:
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


def decode(data: Buffer) -> Frame:
    """The frame in ``data``, which holds that frame and nothing else.

    Args:
        data: the bytes, copied unless they are ``bytes``.

    Returns:
        The Frame. Its fields are made when they are read, and unusable context reads as absent.

    Raises:
        FrameError: the first rule that is broken, and where (sections 2 and 3).
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    whole = as_bytes(data)
    return place(object.__new__(Frame), whole, read_layout(whole))


def encode(frame: Frame) -> bytes:
    """The bytes of a frame.

    Args:
        frame: a Frame that was decoded or made from fields.

    Returns:
        The bytes it was decoded from, or those it was written as.

    Raises:
        TypeError: it is no Frame, or it is a bare message, which has no frame: send its payload, or
            `wrap` it.
    """
    if typed(frame, Frame).kind is None:
        raise TypeError("a bare message has no frame; send its payload, or wrap() it")
    return frame._data


# Meaning, section 3.5. Unusable values read as absent (G-7).


def _read_extensions(entries: Entries) -> dict[int | str, object]:
    read: dict[int | str, object] = {}
    for key, (_, data) in entries.items():
        row = KEYS.get(key)
        if row is None:
            read[key] = decode_value(data)
        elif key not in TRACED:
            value = _read_known(row, data)
            if value is None:
                count_unusable(row.number)
            else:
                read[key] = value
    return read


def _read_known(row: Key, data: bytes) -> object:
    """The value of a known key, None where it is unusable. U-3 to U-7"""
    if row.read is not usable.trace_ids:
        return row.read(data)
    ids = usable.trace_ids(data)
    return None if ids is None else TraceContext(*ids)
