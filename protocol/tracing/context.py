"""The caller's trace context as a current span, which all instrumentation looks at.

A message that was decided not sampled must have a *valid* context that is not sampled: under none,
or under an invalid one, instrumentation that knows nothing of Tracewire starts roots (T-2).
"""

from collections.abc import Mapping
from functools import cache
from logging import getLogger
from typing import Final, TypeAlias

import opentelemetry.context as api
from opentelemetry.context import Context, create_key
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

from ..draws import RANDOM
from ..fence import FENCE
from .counters import COST

#: Where a Context keeps the current span: asked of the API, which has no public name.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
#: Where it keeps the span of a message that came as `false`, by which what is below is recognised.
FALSE_KEY: Final = create_key("tracewire-false")
#: Where it keeps the fan-out that the message came by.
PAIR_KEY: Final = create_key("tracewire-fanout")

#: Set while instrumentation is to make no spans. The second is that of instrumentations before.
_SUPPRESSED: Final = (
    getattr(api, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    "suppress_instrumentation",
)
#: What is logged where `trace_of` fails.
UNREADABLE: Final = "the context of a span could not be read"
#: The attribute of a span that holds what is written of it.
_KEPT: Final = "_tracewire_context"
_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(256))

_logger: Final = getLogger("tracewire.tracing")

#: What a message puts into its Context.
Values: TypeAlias = dict[str, object]


@cache
def baggage_key() -> str:
    """Where it keeps baggage, asked in the same way once baggage may be there."""
    from opentelemetry import baggage

    (key,) = baggage.set_baggage("any", "any", Context())
    return key


@cache
def _ours() -> frozenset[str]:
    """What of a Context is the message's. All else is its surroundings'."""
    return frozenset({SPAN_KEY, baggage_key(), FALSE_KEY, PAIR_KEY})


class RemoteSpan(NonRecordingSpan):
    """The caller's span. Its SpanContext is made when first asked for, which few messages do.

    ``trace``: as it came, so that it can be sent on without its ids ever being read.
    """

    trace: TraceContext | NotSampled
    _made: SpanContext | None = None

    def __init__(self, trace: TraceContext) -> None:
        self.trace = trace

    def get_span_context(self) -> SpanContext:
        made = self._made
        if made is None:
            COST.decoded += 1
            # Of two threads that ask, both get the ids of one.
            made = self.__dict__.setdefault("_made", self._make())
        return made

    def _make(self) -> SpanContext:
        return span_context(self.trace)  # type: ignore[arg-type]  # that of `false` has its own

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.trace!r})"


class FalseSpan(RemoteSpan):
    """The span of a message that came as `false`: its ids are drawn for it alone. T-2"""

    trace = NOT_SAMPLED
    __init__ = object.__init__  # the cheapest there is

    def _make(self) -> SpanContext:
        ids = RANDOM.getrandbits(128) or 1, RANDOM.getrandbits(64) or 1
        return SpanContext(*ids, True, _FLAGS[0])

    def drew(self, trace_id: int) -> bool:
        """Whether this is the id that was drawn."""
        return self._made is not None and self._made.trace_id == trace_id


def span_context(trace: TraceContext) -> SpanContext:
    state = TraceState.from_header([trace.state]) if trace.state else None
    return SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[trace.flags], state)


def unsampled() -> Values:
    """What makes instrumentation start nothing, without ids of anybody. T-2"""
    span = FalseSpan()
    return {SPAN_KEY: span, FALSE_KEY: span}


def around(values: Values, surroundings: Context) -> Context:
    """The surrounding Context with what is the message's, or with nothing where it has none."""
    if not surroundings:
        return Context(values) if values else surroundings
    ours = _ours()
    kept = {key: value for key, value in surroundings.items() if key not in ours}
    return Context({**kept, **values})


def current_span(context: Context) -> Span | None:
    return context.get(SPAN_KEY)  # type: ignore[return-value]  # nothing else is stored there


def is_suppressed(context: Context) -> bool:
    return bool(context) and any(context.get(key) for key in _SUPPRESSED)


def trace_of(span: Span, context: Context) -> Trace:
    """What is written of a span that is used in a Context. None where it is invalid. T-4"""
    kind = type(span)
    if kind is RemoteSpan or kind is FalseSpan:
        return span.trace  # type: ignore[attr-defined,no-any-return]
    # A span's context cannot change: it is asked for once, and kept with the span.
    trace: TraceContext | None = getattr(span, _KEPT, None)
    if type(trace) is not TraceContext:  # a stand-in of a test has every attribute
        trace = _read(span, context)
    if FALSE_KEY in context and trace is not None and not trace.sampled:
        return NOT_SAMPLED if _came_as_false(trace, context) else trace
    return trace


def _read(span: Span, context: Context) -> TraceContext | None:
    trace_id, span_id, _, flags, state, valid = span.get_span_context()
    if not valid:
        return None
    text = "" if state is DEFAULT_TRACE_STATE else _text_of(state)
    trace = TraceContext(trace_id, span_id, flags & 0xFF, text)
    if trace.sampled and _came_as_false(trace, context):
        COST.sampler_ignores_parent += 1
    if hasattr(span, "__dict__"):
        span.__dict__[_KEPT] = trace  # it may allow no attributes to be set
    return trace


def _text_of(state: TraceState) -> str:
    """Nothing of a state that is none, as a sampler may have returned it: the ids stay right."""
    try:
        return state.to_header()
    except BaseException as error:
        FENCE.contain(_logger, "the tracestate of a span could not be read", error)
        return ""


def _came_as_false(trace: TraceContext, context: Context) -> bool:
    """Whether its ids were drawn here."""
    message = context.get(FALSE_KEY)
    # Looked at first, since isinstance is slow for spans.
    return message is not None and isinstance(message, FalseSpan) and message.drew(trace.trace_id)


def link_to(trace: TraceContext, attributes: Mapping[str, int] | None = None) -> Link:
    return Link(span_context(trace), attributes)


def link_to_stranger(trace: TraceContext) -> Link:
    """Ids only: a stranger's flags and tracestate do not count. T-5"""
    return Link(SpanContext(trace.trace_id, trace.span_id, True, _FLAGS[0]))
