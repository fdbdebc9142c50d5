"""What both halves know of a trace's context: the decision without ids, and the W3C text form.

Each half has a TraceContext of its own, made from the functions here where speed does not matter.
"""

import re
from enum import Enum
from typing import Final


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

_TRACEPARENT: Final = "([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"


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
    match = re.fullmatch(_TRACEPARENT, text)  # compiled when first needed
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
