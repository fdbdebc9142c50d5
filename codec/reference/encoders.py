"""Frames from their fields: section 4 of the specification. The shared writer does it."""

from ..constants import Kind
from ..writing import Buffer, Extensions, typed, write
from .trace import Trace, stamp_of, with_raw_contexts


def encode_request(
    id: int,
    method: str,
    payload: Buffer = b"",
    trace: Trace = None,
    extensions: Extensions | None = None,
) -> bytes:
    """A request as bytes.

    Args:
        id: pairs the request with its response, 1 to 4,294,967,295.
        method: 1 to 255 bytes of UTF-8.
        payload: the body; empty means no value.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: other values by key. A key is a number, or text of at most 64 bytes; a value is
            what section 3.4 has for its key, a RawItem, or any value of the subset.

    Returns:
        The frame, without the length that a stream needs. Of context it holds what fits; what was
        left out is counted (E-2 to E-5).

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    return write(
        Kind.REQUEST,
        id,
        typed(method, str),
        payload,
        stamp_of(trace),
        with_raw_contexts(extensions),
    )


def encode_response(
    id: int, payload: Buffer = b"", status: int = 0, extensions: Extensions | None = None
) -> bytes:
    """A response as bytes.

    Args:
        id: that of the request, 1 to 4,294,967,295.
        payload: the result, or the error's payload; empty means no value.
        status: a Status, or another number of at most 4,294,967,295.
        extensions: as for `encode_request`.

    Returns:
        The frame, without the length that a stream needs.

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    return write(Kind.RESPONSE, id, typed(status, int), payload, {}, with_raw_contexts(extensions))


def encode_notification(
    method: str,
    payload: Buffer = b"",
    trace: Trace = None,
    extensions: Extensions | None = None,
) -> bytes:
    """A notification as bytes.

    Args:
        method: 0 to 255 bytes of UTF-8; empty makes an envelope, as `wrap` does.
        payload: the body; empty means no value.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.

    Returns:
        The frame, without the length that a stream needs.

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    return write(
        Kind.NOTIFICATION,
        0,
        typed(method, str),
        payload,
        stamp_of(trace),
        with_raw_contexts(extensions),
    )
