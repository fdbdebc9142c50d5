"""A trace's context: the decision, the ids, and their W3C text form. Pure Python.

The compiled codec has a TraceContext of its own, made from the functions here where speed does not
matter.
"""

import re
from enum import Enum
from typing import Final

from .sealed import Frozen


class NotSampled(Enum):
    """The type of NOT_SAMPLED."""

    NOT_SAMPLED = False

    def __repr__(self) -> str:
        return "NOT_SAMPLED"

    @property
    def sampled(self) -> bool:
        """Always false."""
        return False


#: A trace that was decided not sampled, without ids (``1: false`` on the wire).
NOT_SAMPLED: Final = NotSampled.NOT_SAMPLED

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class TraceContext(Frozen):
    """The W3C trace context of a span: ids, flags and tracestate.

    ``trace_id``: 128 bits. ``span_id``: 64 bits. ``flags``: a byte, bit 0 is *sampled*. ``state``:
    the tracestate list. Raises ValueError for ids that are zero or too large.
    """

    __slots__ = ("flags", "span_id", "state", "trace_id")

    trace_id: int
    span_id: int
    flags: int
    state: str

    def __init__(self, trace_id: int, span_id: int, flags: int, state: str = "") -> None:
        if not isinstance(state, str):
            raise TypeError(f"state must be str, not {type(state).__name__}")
        check_ids(trace_id, span_id, flags)
        plain = int(flags), int(span_id), str(state), int(trace_id)  # of subclasses too
        for name, value in zip(self.__slots__, plain, strict=True):
            object.__setattr__(self, name, value)

    @property
    def sampled(self) -> bool:
        """Whether bit 0 of the flags is set."""
        return bool(self.flags & 1)

    def to_traceparent(self) -> str:
        """The value of a ``traceparent`` header, in version 00."""
        return format_traceparent(self.trace_id, self.span_id, self.flags)

    @classmethod
    def from_traceparent(cls, text: str, tracestate: str = "") -> "TraceContext":
        """The context in the value of a ``traceparent`` header. ValueError where it is bad."""
        return cls(*parse_traceparent(text), tracestate)

    def _fields(self) -> tuple[int, int, int, str]:
        return self.trace_id, self.span_id, self.flags, self.state

    def __eq__(self, other: object) -> bool:
        return (
            self._fields() == other._fields() if isinstance(other, TraceContext) else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return represent(self.trace_id, self.span_id, self.flags, self.state)


def represent(trace_id: int, span_id: int, flags: int, state: str) -> str:
    """The repr of a TraceContext, ids in hexadecimal."""
    return f"TraceContext(0x{trace_id:032x}, 0x{span_id:016x}, {flags}, {state!r})"


def check_ids(trace_id: int, span_id: int, flags: int) -> None:
    """ValueError for ids that are zero or too large and for flags beyond a byte."""
    for name, value in (("trace_id", trace_id), ("span_id", span_id), ("flags", flags)):
        if not isinstance(value, int):
            raise TypeError(f"{name} must be int, not {type(value).__name__}")
    if not 0 < trace_id < 1 << 128:
        raise ValueError("trace_id must be a 128-bit number other than 0")
    if not 0 < span_id < 1 << 64:
        raise ValueError("span_id must be a 64-bit number other than 0")
    if not 0 <= flags <= 0xFF:
        raise ValueError("flags must lie between 0 and 255")


def parse_traceparent(text: str) -> tuple[int, int, int]:
    """The (trace id, span id, flags) of a ``traceparent`` header (W3C Trace Context, 3.2).

    A later version is read by the part that is known of it. ValueError says what is wrong.
    """
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"traceparent must be like 00-<32 hex>-<16 hex>-<2 hex>, not {text[:80]!r}"
        )
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff":
        raise ValueError("traceparent version ff is invalid")
    if version == "00" and rest is not None:
        raise ValueError("traceparent of version 00 must end after the flags")
    return int(trace_id, 16), int(span_id, 16), int(flags, 16)


def format_traceparent(trace_id: int, span_id: int, flags: int) -> str:
    """The value of a ``traceparent`` header in version 00."""
    return f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"
