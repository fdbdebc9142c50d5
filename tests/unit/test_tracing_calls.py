"""Spans and durations of calls: conventions, and what is not asked where nothing is sampled."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeter, NoOpMeterProvider, ObservableCounter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN,
    NoOpTracerProvider,
    SpanKind,
    StatusCode,
    get_current_span,
)

from tests.unit.telemetry import (
    SAMPLED,
    UNSAMPLED,
    CountingPropagator,
    Telemetry,
    attached,
    begun,
    ids,
    remote,
    under,
)
from tracewire.codec import NOT_SAMPLED, FrameError, Status, TraceContext, decode, encode_request
from tracewire.codec.constants import CREATION
from tracewire.protocol.errors import RpcError
from tracewire.protocol.tracing import Tracing
from tracewire.protocol.tracing.counters import self_cost
from tracewire.protocol.tracing.propagators import CARRIER
from tracewire.protocol.tracing.semconv import BUCKETS, SCHEMA_URL, network_attributes

ENDPOINT = network_attributes("guild.example", 7000, "10.0.0.9")
NOT_SAMPLED_REQUESTS = [
    pytest.param(NOT_SAMPLED, id="false"),
    pytest.param(UNSAMPLED, id="ids"),
]


def request(trace: Any = None, extensions: Any = None) -> Any:
    return decode(encode_request(1, "guild.join", b"", trace, extensions))


def served(status: Status, error: BaseException | None = None, **options: Any) -> ReadableSpan:
    """The span of a request that ended so."""
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    _, operation = tracing.server(request(SAMPLED), "parent", ENDPOINT, **options)
    assert operation is not None
    operation.finish(status, error)
    (span,) = telemetry.spans
    return span


def called(status: Status, error: BaseException | None = None) -> ReadableSpan:
    """The span of a call that ended so."""
    telemetry = Telemetry()
    *_, operation = begun(Tracing(tracer_provider=telemetry), "guild.join", None, ENDPOINT)
    assert operation is not None
    operation.finish(status, error)
    (span,) = telemetry.spans
    return span


# Conventions.


def test_a_call_that_ended_well_is_a_client_span_named_by_its_method() -> None:
    span = called(Status.OK)
    assert (span.name, span.kind) == ("guild.join", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "rpc.system.name": "tracewire",
        "rpc.method": "guild.join",
        "rpc.status_code": "OK",
        "server.address": "guild.example",
        "server.port": 7000,
        "network.peer.address": "10.0.0.9",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_request_that_ended_well_is_a_server_span_named_by_its_method() -> None:
    span = served(Status.OK)
    assert (span.name, span.kind) == ("guild.join", SpanKind.SERVER)
    assert span.attributes is not None
    assert span.attributes["rpc.method"] == "guild.join"
    assert span.attributes["network.peer.address"] == "10.0.0.9"
    assert "rpc.method_original" not in span.attributes
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (SAMPLED.trace_id, SAMPLED.span_id)
    assert span.parent.is_remote


def test_spans_name_the_scope_and_the_schema() -> None:
    scope = called(Status.OK).instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.schema_url) == ("tracewire", SCHEMA_URL)
    assert SCHEMA_URL == "https://opentelemetry.io/schemas/1.45.0"


def test_a_method_that_is_not_served_names_no_series() -> None:
    span = served(Status.UNIMPLEMENTED, served=False)
    assert span.name == "tracewire"
    assert span.attributes is not None
    assert span.attributes["rpc.method"] == "_OTHER"
    assert span.attributes["rpc.method_original"] == "guild.join"


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_every_status_but_ok_is_an_error_of_the_client(status: Status) -> None:
    span = called(status)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == span.attributes["rpc.status_code"] == status.name


@pytest.mark.parametrize("status", list(Status))
def test_only_its_own_faults_are_errors_of_the_server(status: Status) -> None:
    faults = [
        "UNKNOWN",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
    ]
    span = served(status)
    assert (span.status.status_code is StatusCode.ERROR) == (status.name in faults)
    assert span.attributes is not None
    assert ("error.type" in span.attributes) == (status.name in faults)
    assert span.attributes["rpc.status_code"] == status.name


@pytest.mark.parametrize(
    ("error", "type_name", "description"),
    [
        (None, "INTERNAL", None),
        (RpcError(Status.INTERNAL, "no shard"), "INTERNAL", "no shard"),
        (KeyError("guild"), "INTERNAL", "'guild'"),
        (FrameError("F-5"), "INTERNAL", str(FrameError("F-5"))),
    ],
)
def test_an_error_tells_its_status_and_message(
    error: BaseException | None, type_name: str, description: str | None
) -> None:
    span = served(Status.INTERNAL, error)
    assert span.attributes is not None
    assert span.attributes["error.type"] == type_name
    assert span.status.description == description


# Which spans there are, and whose children.


def test_a_call_below_a_span_is_its_child_and_sends_its_own_ids() -> None:
    telemetry = Telemetry()
    parent = telemetry.tracer.start_span("handle")
    with attached(under(parent)):
        trace, extensions, operation = begun(Tracing(tracer_provider=telemetry), "m")
    assert operation is not None
    operation.finish(Status.OK)
    (span,) = telemetry.spans
    assert span.parent == parent.get_span_context()
    assert isinstance(trace, TraceContext)
    assert (trace.trace_id, trace.span_id) == (span.context.trace_id, span.context.span_id)
    assert extensions is None


def test_a_call_below_a_sampled_message_without_a_span_is_its_child() -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    with attached(tracing.extract(request(SAMPLED))):
        *_, operation = begun(tracing, "m")
    assert operation is not None
    operation.finish(Status.OK)
    (span,) = telemetry.spans
    assert span.parent is not None
    assert span.parent.span_id == SAMPLED.span_id


def test_the_context_of_a_request_holds_its_span() -> None:
    telemetry = Telemetry()
    context, _ = Tracing(tracer_provider=telemetry).server(request(SAMPLED), "parent")
    assert get_current_span(context).is_recording()
    assert ids(context) != SAMPLED


def test_a_request_is_linked_to_what_created_it() -> None:
    telemetry = Telemetry()
    frame = request(SAMPLED, {CREATION: TraceContext(7, 8, 1)})
    _, operation = Tracing(tracer_provider=telemetry).server(frame, "parent")
    assert operation is not None
    operation.finish(Status.OK)
    (span,) = telemetry.spans
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(7, 8)]


@pytest.mark.parametrize("root", [ALWAYS_ON, ALWAYS_OFF], ids=["sampled", "dropped"])
def test_an_undecided_call_asks_the_sampler_once_for_both_sides(root: Any) -> None:
    telemetry = Telemetry(root)
    tracing = Tracing(tracer_provider=telemetry)
    trace, *_ = begun(tracing, "guild.join")
    assert isinstance(trace, TraceContext)
    context, _ = tracing.server(request(trace), "parent")
    with attached(context):
        nested, *_ = begun(tracing, "guild.join")
    assert telemetry.asked.roots == 1
    assert isinstance(nested, TraceContext)
    assert nested.trace_id == trace.trace_id


def test_below_an_invalid_span_a_call_is_undecided() -> None:
    telemetry = Telemetry()
    with attached(under(INVALID_SPAN)):
        begun(Tracing(tracer_provider=telemetry), "m")
    assert telemetry.asked.roots == 1


def test_an_undecided_request_asks_the_sampler_once() -> None:
    telemetry = Telemetry(ALWAYS_OFF)
    tracing = Tracing(tracer_provider=telemetry)
    context, operation = tracing.server(request(), "parent")
    assert operation is None
    with attached(context):
        begun(tracing, "guild.join")
        with telemetry.tracer.start_as_current_span("other"):
            pass
    assert telemetry.asked.roots == 1


@pytest.mark.parametrize("provider", [None, NoOpTracerProvider()], ids=["unset", "no-op"])
def test_without_an_sdk_context_passes_through(provider: Any) -> None:
    tracing = Tracing(tracer_provider=provider)
    assert begun(tracing, "m") == (None, None, None)
    for trace in (None, NOT_SAMPLED, UNSAMPLED, SAMPLED):
        context, operation = tracing.server(request(trace), "parent")
        assert operation is None
        with attached(context):
            assert begun(tracing, "m")[:2] == (trace, None)


# What is not asked.


class Asked:
    """Everything that might be asked about a trace, counted."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self.propagator = CountingPropagator()
        self.tracing = Tracing(tracer_provider=self.telemetry, propagator=self.propagator)
        self._decoded = self_cost()["decoded"]

    def counts(self) -> tuple[int, int, int, int]:
        """Spans started, carriers injected and extracted, ids decoded."""
        uses = self.propagator.injected, self.propagator.extracted
        return self.telemetry.starts, *uses, self_cost()["decoded"] - self._decoded


def handle_and_call(tracing: Tracing, frame: Any) -> None:
    context, operation = tracing.server(frame, "parent")
    with attached(context):
        *_, nested = begun(tracing, "next")
        tracing.inject()
    assert operation is nested is None


def receive(tracing: Tracing, frame: Any) -> None:
    with attached(tracing.extract(frame)):
        tracing.wrap(b"next")


@pytest.mark.parametrize("trace", NOT_SAMPLED_REQUESTS)
@pytest.mark.parametrize("work", [handle_and_call, receive])
def test_not_sampled_costs_no_span_no_text_map_and_no_ids(
    trace: Any, work: Callable[[Tracing, Any], None]
) -> None:
    asked = Asked()
    frame = request(trace, {CARRIER: {"x-tenant": "b"}})
    for _ in range(3):
        work(asked.tracing, frame)
    assert asked.counts() == (0, 0, 0, 0)


def test_sampled_is_counted_by_the_same_counts() -> None:
    asked = Asked()
    context, operation = asked.tracing.server(request(SAMPLED, {CARRIER: {}}), "parent")
    with attached(context):
        begun(asked.tracing, "next")
    assert asked.counts() == (2, 1, 1, 1)


def test_below_a_span_of_the_sdk_that_was_dropped_no_span_is_started() -> None:
    asked = Asked()
    with attached(remote(UNSAMPLED)):
        assert begun(asked.tracing, "m") == (UNSAMPLED, None, None)
    assert asked.counts() == (0, 0, 0, 0)


def test_off_starts_no_span_and_sends_nothing() -> None:
    telemetry = Telemetry()
    tracing = Tracing("off", tracer_provider=telemetry, propagator=CountingPropagator())
    for trace in (None, NOT_SAMPLED, UNSAMPLED, SAMPLED):
        context, operation = tracing.server(request(trace), "parent")
        assert operation is None
        with attached(context):
            assert begun(tracing, "m", {"tenant": "a"}) == (None, {"tenant": "a"}, None)
    assert telemetry.starts == 0


# Durations.


class Metrics:
    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def points(self, name: str) -> list[HistogramDataPoint]:
        data: Any = self._reader.get_metrics_data()
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def metrics() -> Any:
    made = Metrics()
    yield made
    made.provider.shutdown()


@pytest.mark.parametrize("current", [Context(), remote(UNSAMPLED)], ids=["undecided", "unsampled"])
def test_calls_are_timed_whether_sampled_or_not(metrics: Metrics, current: Context) -> None:
    tracing = Tracing(tracer_provider=Telemetry(), meter_provider=metrics.provider)
    with attached(current):
        *_, operation = begun(tracing, "guild.join", None, ENDPOINT)
    assert operation is not None
    operation.finish(Status.NOT_FOUND)
    (point,) = metrics.points("rpc.client.call.duration")
    assert point.count == 1
    assert tuple(point.explicit_bounds) == BUCKETS
    assert dict(point.attributes or {}) == {
        "rpc.system.name": "tracewire",
        "rpc.method": "guild.join",
        "rpc.status_code": "NOT_FOUND",
        "error.type": "NOT_FOUND",
        "server.address": "guild.example",
        "server.port": 7000,
    }


@pytest.mark.parametrize("trace", NOT_SAMPLED_REQUESTS)
def test_requests_that_are_not_sampled_are_timed_without_a_span(
    metrics: Metrics, trace: Any
) -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry, meter_provider=metrics.provider)
    context, operation = tracing.server(request(trace), "parent")
    assert operation is not None
    operation.finish(Status.OK)
    (point,) = metrics.points("rpc.server.call.duration")
    assert point.count == 1
    assert telemetry.starts == 0
    with attached(context):
        assert tracing.inject()[0] == trace


def test_remote_text_names_no_series(metrics: Metrics) -> None:
    tracing = Tracing(tracer_provider=Telemetry(), meter_provider=metrics.provider)
    for method in ("a", "b", "c"):
        frame = decode(encode_request(1, method))
        _, operation = tracing.server(
            frame, "link", network_attributes(peer_address=method), served=False
        )
        assert operation is not None
        operation.finish(Status.UNIMPLEMENTED)
    (point,) = metrics.points("rpc.server.call.duration")
    assert point.count == 3
    assert point.attributes is not None
    assert point.attributes["rpc.method"] == "_OTHER"
    assert "network.peer.address" not in point.attributes


def test_an_exemplar_of_a_duration_names_the_calls_trace(metrics: Metrics) -> None:
    tracing = Tracing(tracer_provider=Telemetry(), meter_provider=metrics.provider)
    _, operation = tracing.server(request(SAMPLED), "parent")
    assert operation is not None
    operation.finish(Status.OK)
    (point,) = metrics.points("rpc.server.call.duration")
    assert [exemplar.trace_id for exemplar in point.exemplars] == [SAMPLED.trace_id]


def test_self_cost_is_one_series_a_count(metrics: Metrics) -> None:
    Tracing(meter_provider=metrics.provider)
    points: Any = metrics.points("tracewire.self_cost.events")
    reported = {point.attributes["tracewire.event"]: point.value for point in points}
    assert reported == self_cost()
    assert len(points) == len(reported)


class CountingMeter(NoOpMeter):
    observed = 0

    def create_observable_counter(self, *args: Any, **kwargs: Any) -> ObservableCounter:
        self.observed += 1
        return super().create_observable_counter(*args, **kwargs)


class OneMeter(NoOpMeterProvider):
    def __init__(self) -> None:
        self.meter = CountingMeter("tracewire")

    def get_meter(self, *args: Any, **kwargs: Any) -> CountingMeter:
        return self.meter


def test_self_cost_is_exported_once_for_each_provider() -> None:
    providers = OneMeter(), OneMeter()
    for provider in providers * 2:
        Tracing(meter_provider=provider)
    assert [provider.meter.observed for provider in providers] == [1, 1]
