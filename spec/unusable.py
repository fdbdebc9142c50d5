"""Values of known keys that a reader passes over: section 3.5 of the specification."""

from tracewire.codec import Frame, TraceContext
from tracewire.codec.constants import TRACE, TRACESTATE
from tracewire.codec.keys import KEYS


def unusable_keys(frame: Frame) -> list[int]:
    """The known keys of the frame whose values read as absent, in the order of the frame. G-7"""
    known = [KEYS[key].number for key in frame.raw_extensions if key in KEYS]
    return [key for key in known if not _is_usable(frame, key)]


def _is_usable(frame: Frame, key: int) -> bool:
    if key == TRACE:
        return frame.trace is not None
    if key == TRACESTATE:
        return isinstance(frame.trace, TraceContext) and frame.trace.state != ""
    return key in frame.extensions
