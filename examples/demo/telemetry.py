"""Between OpenTelemetry and the codec: the glue that an application writes around wrap, unwrap.

It needs opentelemetry-sdk.
"""

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from tracewire.codec import NOT_SAMPLED, Frame, TraceContext, wrap

#: What stands for `false` in this process: valid, so that nothing below it starts a root (T-2).
_ids = RandomIdGenerator()
DECIDED_NOT_SAMPLED = SpanContext(
    _ids.generate_trace_id(), _ids.generate_span_id(), is_remote=True, trace_flags=TraceFlags(0)
)


def wrap_in(span: Span, message: bytes) -> bytes:
    """An envelope with the context of a span."""
    context = span.get_span_context()
    if not context.is_valid:
        return wrap(message)
    if not context.trace_flags.sampled:
        return wrap(message, NOT_SAMPLED)
    state = context.trace_state.to_header()
    return wrap(
        message, TraceContext(context.trace_id, context.span_id, context.trace_flags, state)
    )


def parent_of(frame: Frame) -> Context:
    """The context under which a message is handled; an empty one where it is undecided."""
    trace = frame.trace
    if trace is None:
        return Context()
    if trace is NOT_SAMPLED:
        return under(DECIDED_NOT_SAMPLED)
    return under(
        SpanContext(
            trace.trace_id,
            trace.span_id,
            is_remote=True,
            trace_flags=TraceFlags(trace.flags),
            trace_state=TraceState.from_header([trace.state]),
        )
    )


def under(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), Context())


def in_words(trace: object) -> str:
    """What a frame's ``trace`` is, as the demo reports it."""
    if isinstance(trace, TraceContext):
        return trace.to_traceparent()
    return "undecided" if trace is None else "not sampled"


class Export(SpanExporter):
    """Hands each finished span on as the facts that the tree is drawn from."""

    def __init__(self, hand_on: Callable[[dict[str, Any]], object]) -> None:
        self.hand_on = hand_on

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self.hand_on(facts_of(span))
        return SpanExportResult.SUCCESS


def facts_of(span: ReadableSpan) -> dict[str, Any]:
    assert span.start_time is not None and span.end_time is not None
    return {
        "name": span.name,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "start_ns": span.start_time,
        "milliseconds": (span.end_time - span.start_time) / 1e6,
    }


def tracer(hand_on: Callable[[dict[str, Any]], object]) -> Tracer:
    """A tracer of the SDK whose sampler follows the parent, and samples where there is none."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Export(hand_on)))
    return provider.get_tracer("demo")
