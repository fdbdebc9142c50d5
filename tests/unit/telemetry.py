"""OpenTelemetry's SDK as tests need it: what it recorded, and how often it was asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace as api
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult

from tracewire.codec import Trace, TraceContext
from tracewire.codec.writing import Extensions
from tracewire.protocol.tracing import Tracing
from tracewire.protocol.tracing.semconv import NOWHERE, NetworkAttributes
from tracewire.protocol.tracing.spans import CallTelemetry

SAMPLED = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
UNSAMPLED = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 0)


class Asked(Sampler):
    """Counts the decisions about roots, and makes them as another sampler does."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.roots = 0

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        self.roots += 1
        return self._sampler.should_sample(*args, **kwargs)

    def get_description(self) -> str:
        return "Asked"


class Telemetry(api.TracerProvider):
    """A provider of real tracers, which counts the spans that it was asked for."""

    def __init__(self, root: Sampler = ALWAYS_ON, sampler: Sampler | None = None) -> None:
        self.asked = Asked(root)
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(sampler=sampler or ParentBased(self.asked))
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.starts = 0

    def get_tracer(self, *args: Any, **kwargs: Any) -> api.Tracer:
        return CountingTracer(self, self._provider.get_tracer(*args, **kwargs))

    @property
    def tracer(self) -> api.Tracer:
        """The application's own, whose spans are not counted."""
        return self._provider.get_tracer("application")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Those that ended."""
        return self._exporter.get_finished_spans()


class CountingTracer(api.Tracer):
    def __init__(self, telemetry: Telemetry, tracer: api.Tracer) -> None:
        self._telemetry, self._tracer = telemetry, tracer

    def start_span(self, *args: Any, **kwargs: Any) -> api.Span:
        self._telemetry.starts += 1
        return self._tracer.start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class CountingPropagator(TextMapPropagator):
    """Carries one header of its own, counts its uses, and keeps the carrier it saw last."""

    def __init__(self, header: str = "x-tenant") -> None:
        self._header = header
        self.injected = self.extracted = 0
        self.seen: object = None

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        self.injected += 1
        setter.set(carrier, self._header, "a")

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        self.extracted += 1
        self.seen = carrier
        found = getter.get(carrier, self._header) or ["none"]
        return Context({**(context or {}), "tenant": found[0]})

    @property
    def fields(self) -> set[str]:
        return {self._header}


def begun(
    tracing: Tracing,
    method: str,
    extensions: Extensions | None = None,
    network: NetworkAttributes = NOWHERE,
) -> tuple[Trace, Extensions | None, CallTelemetry | None]:
    """A call as peers begin it: what is sent of it, and what they finish."""
    telemetry, _ = tracing.client(method, network)
    span = None if telemetry is None else telemetry.span
    return *tracing.inject(extensions, span), telemetry


@contextmanager
def attached(context: Context) -> Iterator[None]:
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def under(span: api.Span) -> Context:
    return api.set_span_in_context(span, Context())


def remote(trace: TraceContext) -> Context:
    """As any instrumentation makes it, unknown to Tracewire."""
    flags = api.TraceFlags(trace.flags)
    context = api.SpanContext(trace.trace_id, trace.span_id, True, flags)
    return under(api.NonRecordingSpan(context))


def ids(context: Context) -> TraceContext | None:
    """The span context of a context, None if it is invalid."""
    found = api.get_current_span(context).get_span_context()
    if not found.is_valid:
        return None
    state = found.trace_state.to_header()
    return TraceContext(found.trace_id, found.span_id, found.trace_flags, state)
