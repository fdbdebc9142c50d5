"""The caller's trace context as a current span, which all instrumentation looks at.

A message that was decided not sampled must have a *valid* context that is not sampled: under none,
or under an invalid one, instrumentation that knows nothing of Tracewire starts roots (T-2).
"""

import os
import secrets
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tracewire.codec import NOT_SAMPLED, TraceContext
from tracewire.codec.trace import NotSampled

from .self_cost import COST

#: Where a Context keeps the current span: asked of the API, which has no public name for it.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
#: Under which a root may start. A Context cannot be changed, so one serves all.
UNDECIDED: Final = Context()

_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(256))


class RemoteSpan(NonRecordingSpan):
    """The caller's span. Its SpanContext is made when first asked for, which few messages do.

    ``trace``: as it came, so that it can be sent on without its ids ever being read.
    """

    __slots__ = ("_made", "trace")

    def __init__(self, trace: TraceContext | NotSampled, made: SpanContext | None = None) -> None:
        self.trace = trace
        self._made = made

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
        self.context = Context({SPAN_KEY: RemoteSpan(NOT_SAMPLED, made)})


DECIDED: Final = Decided()
os.register_at_fork(after_in_child=DECIDED.draw)


def span_context(trace: TraceContext) -> SpanContext:
    state = TraceState.from_header([trace.state]) if trace.state else None
    return SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[trace.flags], state)


def continued(trace: TraceContext) -> Context:
    return Context({SPAN_KEY: RemoteSpan(trace)})


def span_of(context: Context) -> Span | None:
    return context.get(SPAN_KEY)  # type: ignore[return-value]  # the API stores nothing else there


def current_span() -> Span | None:
    return get_current().get(SPAN_KEY)  # type: ignore[return-value]


def not_sampled(span: Span | None) -> bool:
    """Whether that was decided. No span, or an invalid one, is undecided."""
    if span is None:
        return False
    if type(span) is RemoteSpan:
        return span.trace is NOT_SAMPLED or not span.trace.sampled  # without its ids
    context = span.get_span_context()
    return context.is_valid and not context.trace_flags & 1


def link_to(trace: TraceContext) -> Link:
    return Link(span_context(trace))


def link_to_stranger(trace: TraceContext) -> Link:
    """Ids only: a stranger's flags and tracestate do not count. T-5"""
    return Link(SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[0]))
