"""What the fields of a frame mean, in words that are safe to print."""

from typing import Final

from tracewire.codec import Frame, FrameError, Kind, RawItem, Status, TraceContext
from tracewire.codec.constants import CONTENT_FORMAT, TIMEOUT, TRACE
from tracewire.codec.item import MAP
from tracewire.codec.keys import KEYS, SPECIFIED
from tracewire.codec.kinds import KINDS
from tracewire.spec.tool.safe import counted, diagnosis, plain_text, quoted, utf8

from .unusable import unusable_keys

STATUSES: Final = frozenset(Status)
CBOR: Final = 60  # the Content-Format of application/cbor, assumed where none is given
LOOKED_AT: Final = 4096  # bytes of a payload, at most
LONGEST: Final = 160  # characters of a payload in diagnostic notation


def joined(what: str, known: str) -> str:
    return f"{what}: {known}" if known else what


def describe_array(elements: int) -> str:
    parts = "base frame and extensions" if elements == 5 else "base frame"
    return f"{elements} elements: {parts}"


def describe_kind(kind: int) -> str:
    return Kind(kind).name.lower() if kind in KINDS else f"{kind}: unknown, to be dropped"


def describe_id(id: int) -> str:
    return str(id) if id else "0: nothing is answered"


def describe_target(kind: int, target: str | int) -> str:
    if isinstance(target, str):
        if kind == Kind.NOTIFICATION and not target:
            return "empty: an envelope around a message"
        return f"method {quoted(target)}" if kind in KINDS else quoted(target)
    if kind != Kind.RESPONSE:
        return str(target)
    known = target in STATUSES
    return f"status {target}: {Status(target).name if known else 'reads as UNKNOWN'}"


def describe_payload(payload: bytes, content_format: object, envelope: bool) -> str:
    """The size, and the content where it reads as CBOR or as text."""
    size = counted(len(payload), "byte")
    if not payload:
        return f"{size}: no value"
    as_cbor = content_format == CBOR or (content_format is None and not envelope)
    readers = (_cbor, _text, _escaped) if as_cbor else (_text, _cbor, _escaped)
    return joined(size, next(filter(None, (read(payload) for read in readers)), ""))


def _cbor(payload: bytes) -> str:
    """The payload as one value of the subset, nothing if it is none or long."""
    if len(payload) > LOOKED_AT:
        return ""
    try:
        shown = diagnosis(RawItem(payload).value)
    except FrameError:
        return ""
    return f"CBOR {shown[:LONGEST]}" + ("…" if len(shown) > LONGEST else "")


def _text(payload: bytes) -> str:
    """The beginning of the payload as text, nothing if it is none."""
    text = plain_text(payload[:LOOKED_AT])
    return f"text {quoted(text)}" if text else ""


def _escaped(payload: bytes) -> str:
    """The same of text with control characters, unless it has zeros as binary data has."""
    text = utf8(payload[:LOOKED_AT])
    return f"text {quoted(text)}" if text and "\0" not in text else ""


def describe_key(key: int | str) -> str:
    if isinstance(key, str):
        return f"{quoted(key)}: of the application"
    if key in KEYS:
        return f"{key}: {KEYS[key].name.replace('_', '-')}"
    if key % 2 == 0:
        return f"{key}: even, a receiver must understand it (X-11)"
    return f"{key}: odd, {'not assigned' if key in SPECIFIED else 'an experiment'}, may be ignored"


def usable_context(key: int | str, frame: Frame) -> TraceContext | None:
    """The usable binary trace context in that key of the frame, if it is one."""
    held = frame.trace if key == TRACE else frame.extensions.get(key)
    return held if isinstance(held, TraceContext) else None


def describe_sampled(trace: TraceContext) -> str:
    return "sampled" if trace.sampled else "not sampled"


def describe_trace(frame: Frame) -> str:
    """The state of the frame's trace (section 4.1)."""
    if frame.trace is None:
        return "undecided"
    return "sampled" if frame.trace.sampled else "not sampled"


def describe_value(key: int | str, frame: Frame) -> str:
    """What the value of a known key means beyond what it says."""
    if key in unusable_keys(frame):
        return f"unusable ({KEYS[key].rule}), reads as absent"
    match frame.extensions.get(key):
        case int(number) if key == TIMEOUT:
            return f"{number / 1_000_000:g} s left" if number else "expired"
        case int(number) if key == CONTENT_FORMAT:
            return "application/cbor" if number == CBOR else ""
        case (int(n), int(k), *to_draw):
            rest = f", {to_draw[0]} recipients still to draw" if to_draw else ""
            return f"{k} of {counted(n, 'recipient')} kept{rest}"
    return "not sampled, as decided upstream" if key == TRACE else ""


def describe_container(major: int, count: int) -> str:
    if major == MAP:
        return f"map of {counted(count, 'pair')}"
    return f"array of {counted(count, 'element')}"


def describe_rest(rule: str, rest: bytes, more: bool) -> str:
    """What was not read. ``more``: the input goes on after it."""
    size = f"{'at least ' if more else ''}{counted(len(rest), 'byte')}"
    if rule == "F-1":
        return f"{size}: {'not read to its end' if more else 'incomplete'}"
    return f"{size} after the frame" if rule == "F-18" else f"{size} from the fault on ({rule})"
