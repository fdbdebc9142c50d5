"""Messages on a transport of one's own: section 5.4."""

from collections.abc import Container
from typing import Literal

from ..buffer import as_bytes, first_bytes
from ..constants import Kind
from ..errors import FrameError
from ..writing import BASE, EXTENDED, Buffer, Extensions
from .encoders import encode_notification
from .frame import Frame, place
from .layout import Layout, read_layout
from .relay import refuse_even
from .trace import Trace


def is_frame(data: Buffer) -> bool:
    """Whether the data begins like a frame, by its first four bytes. M-2"""
    return first_bytes(data, len(BASE)) in (BASE, EXTENDED)


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
        return place(object.__new__(Frame), whole, Layout(None, 0, "", slice(0, None), {}))
    layout = read_layout(whole)  # M-1
    if layout.kind != Kind.NOTIFICATION:
        raise FrameError("M-3", len(BASE), "kind", layout.kind, layout.id)  # M-3
    if layout.target != "":
        raise FrameError("M-3", len(BASE) + 2, "target", layout.kind, layout.id)  # M-3
    refuse_even(layout, understood)
    return place(object.__new__(Frame), whole, layout)
