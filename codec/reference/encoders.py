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
    """A request as bytes. FrameError where the arguments make no valid frame."""
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
    """A response as bytes. FrameError where the arguments make no valid frame."""
    return write(Kind.RESPONSE, id, typed(status, int), payload, {}, with_raw_contexts(extensions))


def encode_notification(
    method: str,
    payload: Buffer = b"",
    trace: Trace = None,
    extensions: Extensions | None = None,
) -> bytes:
    """A notification as bytes. FrameError where the arguments make no valid frame."""
    return write(
        Kind.NOTIFICATION,
        0,
        typed(method, str),
        payload,
        stamp_of(trace),
        with_raw_contexts(extensions),
    )
