"""The caller's trace context as a current span, which all instrumentation looks at.

A message that was decided not sampled must have a *valid* context that is not sampled: under none,
or under an invalid one, instrumentation that knows nothing of Tracewire starts roots (T-2).
"""

import os
import secrets
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    DEFAULT_TRACE_STATE,
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tracewire.codec import NOT_SAMPLED, Trace, TraceContext
from tracewire.codec.trace import NotSampled

from .counters import COST

#: Where a Context keeps the current span: asked of the API, which has no public name for it.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
#: Under which a root may start. A Context cannot be changed, so one serves all.
UNDECIDED: Final = Context()

#: The attribute of a span that holds what is written of it.
_KEPT: Final = "_tracewire_context"

_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(256))


class RemoteSpan(NonRecordingSpan):
    """The caller's span. Its SpanContext is made when first asked for, which few messages do.

    ``trace``: as it came, so that it can be sent on without its ids ever being read.
    """

    __slots__ = ("trace",)

    _made: SpanContext | None = None

    def __init__(self, trace: TraceContext | NotSampled) -> None:
        self.trace = trace

    def get_span_context(self) -> SpanContext:
        made = self._made
        if made is None:
            COST.decoded += 1
            made = self._made = span_context(self.trace)  # type: ignore[arg-type]  # not `false`'s
        return made

    def __repr__(self) -> str:
        return f"RemoteSpan({self.trace!r})"


class Decided:
    """What is current for every message that came as `false`: one context for each process.

    ``trace_id`` recognises it and what was derived from it.
    """

    __slots__ = ("context", "trace_id")

    def __init__(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Draws the ids, anew in a process that was forked: two must not share a trace."""
        self.trace_id = secrets.randbits(128) | 1
        made = SpanContext(self.trace_id, secrets.randbits(64) | 1, True, _FLAGS[0])
        span = RemoteSpan(NOT_SAMPLED)
        span._made = made
        self.context = Context({SPAN_KEY: span})


DECIDED: Final = Decided()
os.register_at_fork(after_in_child=DECIDED.draw)


def span_context(trace: TraceContext) -> SpanContext:
    state = TraceState.from_header([trace.state]) if trace.state else None
    return SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[trace.flags], state)


def continued(trace: TraceContext) -> Context:
    return Context({SPAN_KEY: RemoteSpan(trace)})


def skipped(trace: TraceContext | NotSampled) -> Context:
    """The context to handle a message under that was decided not sampled. T-2"""
    COST.skipped += 1
    return DECIDED.context if trace is NOT_SAMPLED else continued(trace)


def current_span() -> Span | None:
    return get_current().get(SPAN_KEY)  # type: ignore[return-value]  # nothing else is stored there


def trace_of(span: Span) -> Trace:
    """A span's context as it is written. None where the span is invalid: undecided. T-4"""
    if type(span) is RemoteSpan:
        return span.trace  # without its ids
    # A span's context cannot change: it is asked for once, and kept with the span.
    kept: TraceContext | None = getattr(span, _KEPT, None)
    if kept is not None:
        return kept
    trace_id, span_id, _, flags, state, valid = span.get_span_context()
    if not valid:
        return None
    if trace_id == DECIDED.trace_id:
        if not flags & 1:
            return NOT_SAMPLED
        COST.sampler_ignores_parent += 1
    text = "" if state is DEFAULT_TRACE_STATE else state.to_header()
    trace = TraceContext(trace_id, span_id, flags & 0xFF, text)
    if hasattr(span, "__dict__"):
        setattr(span, _KEPT, trace)
    return trace


def is_skipped(context: Context) -> bool:
    span = context.get(SPAN_KEY)
    return type(span) is RemoteSpan and not span.trace.sampled


def link_to(trace: TraceContext) -> Link:
    return Link(span_context(trace))


def link_to_stranger(trace: TraceContext) -> Link:
    """Ids only: a stranger's flags and tracestate do not count. T-5"""
    return Link(SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[0]))
