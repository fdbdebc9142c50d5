"""What a receiver will not take as it was meant: unusable values (section 3.5), and even keys."""

from tracewire.codec import Frame, TraceContext
from tracewire.codec.constants import TRACE, TRACESTATE
from tracewire.codec.errors import SENTENCES
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


def notes(frame: Frame) -> list[tuple[str, str]]:
    """Each note's rule and sentence: values that read as absent (G-7), even keys (X-11)."""
    absent = [KEYS[key].rule for key in unusable_keys(frame)]
    found = [(rule, f"{rule}: {SENTENCES[rule]}; it reads as absent") for rule in absent]
    even = [str(key) for key in frame.raw_extensions if isinstance(key, int) and key % 2 == 0]
    if even:
        found.append(("X-11", f"X-11: even keys must be understood: {', '.join(even)}"))
    return found
