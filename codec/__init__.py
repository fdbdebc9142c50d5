"""The codec: the compiled half where it was built, else the reference.

`TRACEWIRE_PURE_PYTHON=1` selects the reference; `IMPLEMENTATION` says which one serves.
"""

import os
from typing import TYPE_CHECKING, TypeAlias

from tracewire.codec.constants import Kind, Status
from tracewire.codec.counters import counters
from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED, NotSampled
from tracewire.codec.value import RawItem

if TYPE_CHECKING or os.environ.get("TRACEWIRE_PURE_PYTHON") == "1":
    import tracewire.codec.reference as half
else:
    try:
        import tracewire.codec.compiled._speedups as half
    except ModuleNotFoundError as missing:
        if missing.name != "tracewire.codec.compiled._speedups":
            raise  # the extension is there, but something it needs is not
        import tracewire.codec.reference as half

IMPLEMENTATION = half.IMPLEMENTATION
Frame = half.Frame
StreamDecoder = half.StreamDecoder
TraceContext = half.TraceContext
decode = half.decode
encode = half.encode
encode_notification = half.encode_notification
encode_request = half.encode_request
encode_response = half.encode_response
is_frame = half.is_frame
peek_trace = half.peek_trace
restamp = half.restamp
strip = half.strip
to_stream = half.to_stream
unwrap = half.unwrap
wrap = half.wrap

#: What encoders take, and what is read of a frame.
Trace: TypeAlias = TraceContext | NotSampled | None

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
    "counters",
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
