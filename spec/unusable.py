"""Values of known keys that a reader passes over: section 3.5 of the specification."""

from typing import Final

from tracewire.codec import Frame, TraceContext
from tracewire.codec.constants import (
    BAGGAGE,
    CONTENT_FORMAT,
    CREATION,
    FANOUT,
    TIMEOUT,
    TRACE,
    TRACESTATE,
)

#: The rule that tells usable values of a key from others.
RULES: Final = {
    TRACE: "U-1",
    TRACESTATE: "U-2",
    BAGGAGE: "U-3",
    TIMEOUT: "U-4",
    CONTENT_FORMAT: "U-5",
    FANOUT: "U-6",
    CREATION: "U-7",
}


def unusable_keys(frame: Frame) -> list[int]:
    """The known keys of the frame whose values read as absent, in the order of the frame. G-7"""
    return [key for key in frame.raw_extensions if key in RULES and not _is_usable(frame, key)]


def _is_usable(frame: Frame, key: int | str) -> bool:
    if key == TRACE:
        return frame.trace is not None
    if key == TRACESTATE:
        return isinstance(frame.trace, TraceContext) and frame.trace.state != ""
    return key in frame.extensions
