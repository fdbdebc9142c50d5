"""The codec in pure Python, to be read beside spec/tracewire.md: oracle, and fallback."""

from typing import Final

from ..constants import Kind, Status
from ..errors import FrameError
from ..trace import NOT_SAMPLED
from ..value import RawItem
from .encoders import encode_notification, encode_request, encode_response
from .frame import Frame, decode, encode
from .messages import is_frame, unwrap, wrap
from .relay import peek_trace, restamp, strip
from .stream import StreamDecoder, to_stream
from .trace import TraceContext

IMPLEMENTATION: Final = "reference"

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
