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
    """Whether the data begins like a frame, by its first four bytes alone. M-2

    Args:
        data: the beginning of a message, or all of it.

    Returns:
        True also for what `decode` refuses further on.

    Raises:
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    return first_bytes(data, len(BASE)) in (BASE, EXTENDED)


def wrap(message: Buffer, trace: Trace = None, extensions: Extensions | None = None) -> bytes:
    """An envelope around a message, for a transport of one's own. Section 5.4

    Args:
        message: the bytes of the message as they were sent so far.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.

    Returns:
        A frame, which `unwrap` reads.

    Raises:
        FrameError: the extensions make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type, such as text for the message.
    """
    return encode_notification("", message, trace, extensions)


def unwrap(
    data: Buffer,
    *,
    mode: Literal["both", "framed", "bare"] = "both",
    understood: Container[int] = (),
) -> Frame:
    """The message in ``data``, bare or in an envelope. Section 5.4

    Args:
        data: what came from the transport.
        mode: ``both`` tells bare messages and envelopes apart by the first four bytes; ``framed``
            takes envelopes only; ``bare`` takes every message as it is.
        understood: the even keys that the caller understands.

    Returns:
        A Frame whose ``payload`` is the message. It ``is_bare`` where there was no envelope.

    Raises:
        FrameError: as `decode`; M-3 for a valid frame that is no envelope; X-11 for an even key
            that is not understood.
        ValueError: ``mode`` is another word.
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
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
