"""TraceContext, and what of it stands in keys 1, 3 and 13: sections 3.5 and 4.1."""

from collections.abc import Callable, Mapping
from typing import Final

from .. import constants as c
from .. import pickling, usable
from ..keys import CONTEXTS
from ..sealed import Frozen
from ..shedding import Context, Tracestate, Whole
from ..trace import (
    NOT_SAMPLED,
    NotSampled,
    check_ids,
    format_traceparent,
    parse_traceparent,
    represent,
)
from ..value import RawItem, encode_value
from ..writing import Extensions, typed
from .layout import Entries

FALSE: Final = encode_value(False)


class TraceContext(Frozen):
    """The W3C trace context of a span: ids, flags and tracestate.

    It cannot be changed, and can be pickled and copied.

    Args:
        trace_id: 128 bits, not 0.
        span_id: 64 bits, not 0.
        flags: a byte, whose bit 0 is *sampled*.
        state: the tracestate list.

    Raises:
        ValueError: an id is 0, or a number is too large.
        TypeError: an argument is of a wrong type.
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
        """The context in the value of a ``traceparent`` header (W3C Trace Context, 3.2).

        Args:
            text: the value; a later version is read by the part that is known of it.
            tracestate: the value of the ``tracestate`` header.

        Returns:
            A TraceContext.

        Raises:
            ValueError: the text is no traceparent, which the error shows.
        """
        return cls(*parse_traceparent(text), tracestate)

    def _fields(self) -> tuple[int, int, int, str]:
        return self.trace_id, self.span_id, self.flags, self.state

    def __eq__(self, other: object) -> bool:
        return (
            self._fields() == other._fields() if isinstance(other, TraceContext) else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self._fields())

    def __copy__(self) -> "TraceContext":
        return self

    def __deepcopy__(self, memo: object) -> "TraceContext":
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[int, int, int, str]]:
        return pickling.trace_context, self._fields()

    def __repr__(self) -> str:
        return represent(self.trace_id, self.span_id, self.flags, self.state)


Trace = TraceContext | NotSampled | None


# Reading. Unusable values read as absent (G-7).


def read_trace(entries: Entries) -> tuple[Trace, list[int]]:
    """The trace, and which of its keys are unusable. U-1, U-2"""
    ids = state = None
    if c.TRACE in entries:
        ids = usable.trace_ids(entries[c.TRACE].data)
    if c.TRACESTATE in entries and ids is not None:
        state = usable.tracestate(entries[c.TRACESTATE].data)
    unread = [c.TRACESTATE] if c.TRACESTATE in entries and state is None else []
    if ids is not None:
        return TraceContext(*ids, state or ""), unread
    if c.TRACE not in entries:
        return None, unread
    if entries[c.TRACE].data == FALSE:
        return NOT_SAMPLED, unread
    return None, [c.TRACE, *unread]


# Writing.


def stamp_of(trace: Trace) -> dict[int, Context]:
    """What stands in keys 1 and 3. E-1"""
    if trace is None:
        return {}
    if trace is NOT_SAMPLED:
        return {c.TRACE: Whole(FALSE)}
    state = Tracestate(typed(trace, TraceContext).state)
    return {c.TRACE: Whole(_binary(trace)), c.TRACESTATE: state}


def _binary(trace: TraceContext) -> bytes:
    """The binary trace context, version 0, as encoded (section 3.5)."""
    trace_id, span_id = trace.trace_id.to_bytes(16, "big"), trace.span_id.to_bytes(8, "big")
    return encode_value(b"\0\0" + trace_id + b"\1" + span_id + b"\2" + bytes([trace.flags]))


def with_raw_contexts(extensions: Extensions | None) -> Extensions | None:
    """The extensions with each TraceContext as the shared writer takes it: encoded."""
    if not isinstance(extensions, Mapping):
        return extensions
    raw: dict[int | str, object] = {}
    for key in CONTEXTS:
        value = extensions.get(key)
        if isinstance(value, TraceContext):
            raw[key] = RawItem(_binary(value))
    return {**extensions, **raw} if raw else extensions
