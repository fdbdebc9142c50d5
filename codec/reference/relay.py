"""Relays: another trace, no extensions, or a look at the trace alone. Section 4.3."""

from collections.abc import Container

from .. import constants as c
from ..buffer import as_bytes
from ..errors import FrameError
from ..keys import TRACED
from ..kinds import RELAYED
from ..shedding import fit, unbind
from ..trace import NotSampled
from ..writing import BASE, Buffer, join, typed, write_key
from .layout import Layout, read_layout
from .trace import Trace, TraceContext, read_trace, stamp_of


def peek_trace(data: Buffer) -> bool | None:
    """Whether a message is sampled, without a Frame being made.

    Args:
        data: a frame or a bare message.

    Returns:
        True: sampled. False: decided not to be. None: undecided, or bare. Says of every valid frame
        what its ``trace`` says; of an invalid one it may say anything.

    Raises:
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    try:
        trace, _ = read_trace(read_layout(as_bytes(data)).entries)
    except FrameError:
        return None
    return None if trace is None else trace.sampled


def restamp(data: Buffer, trace: Trace) -> bytes:
    """The frame with another trace and tracestate, all else byte by byte as it was. Section 4.3

    A fanout that belongs to the old trace goes with it (L-6).

    Args:
        data: a frame. One of a kind that relays do not pass on comes back unchanged (L-3).
        trace: a TraceContext, NOT_SAMPLED, or None, which takes the trace away.

    Returns:
        The frame. Where its map has no room for the trace it is unchanged, which is counted (L-5).

    Raises:
        FrameError: as `decode`.
        TypeError: an argument is of a wrong type.
        BufferError: ``data`` is a view that is not contiguous.
    """
    whole = as_bytes(data)
    layout = read_layout(whole)
    typed(trace, TraceContext, NotSampled, type(None))
    if layout.kind not in RELAYED:
        return whole  # L-3
    stamp = stamp_of(trace)
    others = {
        write_key(key): entry.data for key, entry in layout.entries.items() if key not in TRACED
    }
    before = layout.entries[c.TRACE].data if c.TRACE in layout.entries else None
    unbind(others, before, trace.trace_id if isinstance(trace, TraceContext) else None)
    extension_map = fit(others, stamp)
    if c.TRACE in stamp and stamp[c.TRACE].encoded() is None:
        return whole  # L-5
    return join(whole[len(BASE) : layout.payload.stop], extension_map)  # L-1


def strip(data: Buffer) -> bytes:
    """The base frame: what an old peer knows of a frame. Section 4.3

    Args:
        data: a frame.

    Returns:
        The frame without its extensions.

    Raises:
        FrameError: as `decode`, and X-11 where an even key demands to be understood.
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    whole = as_bytes(data)
    layout = read_layout(whole)
    refuse_even(layout, ())  # L-4
    return join(whole[len(BASE) : layout.payload.stop], b"")


def refuse_even(layout: Layout, understood: Container[int]) -> None:
    even = [key for key in layout.entries if isinstance(key, int) and key % 2 == 0]
    demands = [key for key in even if key not in understood]
    if demands:
        offset, names = layout.entries[demands[0]].offset, ", ".join(map(str, demands))
        raise FrameError("X-11", offset, "extension key", layout.kind, layout.id, names)
