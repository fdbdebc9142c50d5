"""Foreign code that fails on a message's path: samplers, processors, generators, clocks, spans."""

import logging
from collections.abc import Callable
from math import nan
from random import Random
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.metrics import Histogram, NoOpMeter, NoOpMeterProvider
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
)

from tests.unit.telemetry import SAMPLED, Telemetry, attached, begun, ids, remote, under
from tracewire.codec import (
    NOT_SAMPLED,
    Status,
    TraceContext,
    counters,
    decode,
    encode_request,
    unwrap,
    wrap,
)
from tracewire.codec.constants import BAGGAGE, FANOUT
from tracewire.protocol import RpcError, Tracing, current_weight
from tracewire.protocol.tracing.counters import self_cost


class Panic(BaseException):
    """As a compiled extension raises it."""


FAULTS = pytest.mark.parametrize("fault", [RuntimeError, Panic])
Fault = type[BaseException]


class Failing(SpanProcessor, Sampler, IdGenerator):
    """Each of what a provider is given."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self._fault("foreign")

    on_start = on_end = _on_ending = should_sample = generate_span_id = generate_trace_id = _fail

    def get_description(self) -> str:
        return "Failing"


def processing(failing: Failing) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(failing)
    return provider


PROVIDERS: dict[str, Callable[[Failing], TracerProvider]] = {
    "processor": processing,
    "sampler": lambda failing: TracerProvider(sampler=failing),
    "id generator": lambda failing: TracerProvider(id_generator=failing),
}


@FAULTS
@pytest.mark.parametrize("part", PROVIDERS)
def test_a_provider_that_fails_breaks_neither_side(part: str, fault: Fault, caplog: Any) -> None:
    before = self_cost()["foreign_failures"]
    tracing = Tracing(tracer_provider=PROVIDERS[part](Failing(fault)))
    for trace in (SAMPLED, None):
        context, served = tracing.server(decode(encode_request(1, "m", b"", trace)), "parent")
        assert served is None
        assert ids(context) == trace
        with attached(context):
            assert begun(tracing, "m") == (trace, None, None)
    assert self_cost()["foreign_failures"] == before + 4
    assert len(caplog.messages) == 1


class FailingSpan(NonRecordingSpan):
    def __init__(self, context: SpanContext, fault: Fault) -> None:
        super().__init__(context)
        self._fault = fault
        self.ended = 0

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, *_: Any, **__: Any) -> None:
        raise self._fault("attributes")

    def end(self, *_: Any, **__: Any) -> None:
        self.ended += 1
        raise self._fault("end")


@FAULTS
def test_a_span_that_fails_is_ended_all_the_same(fault: Fault, monkeypatch: Any) -> None:
    span = FailingSpan(SpanContext(1, 2, False), fault)
    provider = TracerProvider()
    tracing = Tracing(tracer_provider=provider)
    monkeypatch.setattr(type(provider.get_tracer("")), "start_span", lambda *_, **__: span)
    telemetry, _ = tracing.client("m")
    assert telemetry is not None
    telemetry.finish(Status.INTERNAL, RpcError(Status.INTERNAL))
    assert span.ended == 1


@FAULTS
def test_a_span_whose_context_cannot_be_read_is_none(fault: Fault) -> None:
    class Unreadable(NonRecordingSpan):
        def get_span_context(self) -> SpanContext:
            raise fault("ids")

    span: Span = Unreadable(SpanContext(1, 2, False))
    with attached(under(span)):
        assert Tracing().inject() == (None, None)
        assert unwrap(Tracing().wrap(b"body")).payload == b"body"
        assert current_weight() == 1


@FAULTS
def test_a_histogram_that_fails_breaks_no_call(fault: Fault, monkeypatch: Any) -> None:
    class Meter(NoOpMeter):
        def create_histogram(self, *args: Any, **options: Any) -> Histogram:
            made = super().create_histogram(*args, **options)
            monkeypatch.setattr(made, "record", self._record)
            return made

        def _record(self, *_: Any) -> None:
            raise fault("meter")

    class Meters(NoOpMeterProvider):
        def get_meter(self, *_: Any, **__: Any) -> Meter:
            return Meter("tracewire")

    telemetry, _ = Tracing(meter_provider=Meters()).client("m")
    assert telemetry is not None
    before = self_cost()["foreign_failures"]
    telemetry.finish(Status.OK)
    assert self_cost()["foreign_failures"] == before + 1


@FAULTS
def test_a_clock_that_fails_stops_the_refilling_alone(fault: Fault) -> None:
    times = iter([0.0])

    def clock() -> float:
        for time in times:
            return time
        raise fault("clock")

    tracing = Tracing(trust="link", stranger_roots=1, clock=clock)
    sent = []
    for _ in range(2):
        with tracing.received(wrap(b"", SAMPLED)):
            sent.append(tracing.inject()[0])
    assert sent == [None, NOT_SAMPLED]


def raises(fault: Fault) -> Any:
    def rate(recipients: int) -> float:
        raise fault("rate")

    return rate


@pytest.mark.parametrize(
    "rate",
    [raises(RuntimeError), raises(Panic), lambda n: float("nan"), lambda n: -1, lambda n: "a"],
)
def test_where_a_rate_cannot_be_had_the_default_counts(rate: Any) -> None:
    with attached(remote(SAMPLED)):
        assert Tracing(fanout_rate=rate).fan_out(b"", 100).keeping == 10


@pytest.mark.parametrize("number", [1.0, -0.5, None], ids=str)
def test_where_a_generator_fails_another_one_draws(number: Any) -> None:
    class Odd(Random):
        def random(self) -> float:
            if number is None:
                raise Panic("random")
            return number  # type: ignore[no-any-return]

    tracing = Tracing(random=Odd(), fanout_rate=lambda recipients: 0.505)
    with attached(remote(SAMPLED)):
        copies = tracing.fan_out(b"", 100)
    assert copies.keeping in (50, 51)
    assert [*copies].count(copies.sampled) == copies.keeping
    with tracing.received(wrap(b"", SAMPLED, {FANOUT: (1, 1, 4)})) as got:
        assert got.body == b""


class Odd:
    def __str__(self) -> str:
        raise TypeError("cannot be shown")


def test_baggage_without_text_is_left_out_and_counted() -> None:
    tracing, before = Tracing(baggage=True), counters()["shed_baggage"]
    with attached(baggage.set_baggage("tenant", Odd(), baggage.set_baggage("user", "a"))):
        assert unwrap(tracing.wrap(b"")).extensions[BAGGAGE] == {"user": "a"}
    assert counters()["shed_baggage"] == before + 1


class OddError(Exception):
    def __str__(self) -> str:
        raise TypeError("cannot be shown")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OddError(), "<OddError, whose text cannot be made>"),
        (ValueError("no such name: \ud800"), "no such name: ?"),
        (RpcError(Status.INTERNAL, "no such name: \ud800"), "no such name: ?"),
    ],
)
def test_text_that_goes_to_a_span_can_be_exported(error: BaseException, said: str) -> None:
    recorded = Telemetry()
    telemetry, _ = Tracing(tracer_provider=recorded).client("m \ud800")
    assert telemetry is not None
    telemetry.finish(Status.INTERNAL, error)
    (span,) = recorded.spans
    assert (span.name, span.status.description) == ("m ?", said)


def test_an_inject_that_fails_is_logged_once(caplog: Any) -> None:
    from tests.unit.test_tracing_extras import Failing as Propagator

    tracing = Tracing(propagator=Propagator())
    with attached(remote(SAMPLED)), caplog.at_level(logging.ERROR, "tracewire"):
        for _ in range(1_000):
            assert isinstance(tracing.inject()[0], TraceContext)
    assert len(caplog.records) == 1


@FAULTS
def test_a_span_that_cannot_say_whether_it_records_breaks_no_call(
    fault: Fault, monkeypatch: Any
) -> None:
    class Silent(NonRecordingSpan):
        def is_recording(self) -> bool:
            raise fault("recording")

    span = Silent(SpanContext(1, 2, False))
    provider = TracerProvider()
    tracing = Tracing(tracer_provider=provider)
    monkeypatch.setattr(type(provider.get_tracer("")), "start_span", lambda *_, **__: span)
    context, telemetry = tracing.server(decode(encode_request(1, "m", b"")), "parent")
    assert get_current_span(context) is span
    assert telemetry is not None


def test_a_state_that_is_none_costs_no_ids() -> None:
    class Odd(Sampler):
        def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, None, "ot=th:8")  # type: ignore[arg-type]

        def get_description(self) -> str:
            return "Odd"

    span = TracerProvider(sampler=Odd()).get_tracer("").start_span("root")
    with attached(under(span)):
        trace, _ = Tracing().inject()
    assert isinstance(trace, TraceContext)
    assert (trace.trace_id, trace.state) == (span.get_span_context().trace_id, "")


class Frozen(NonRecordingSpan):
    def __init__(self, context: SpanContext) -> None:
        self.__dict__["_context"] = context

    def __setattr__(self, *_: object) -> None:
        raise AttributeError("it is frozen")


class StandIn(NonRecordingSpan):
    """Has every attribute, as those of unittest.mock."""

    def __getattr__(self, name: str) -> object:
        return object()


@pytest.mark.parametrize("kind", [Frozen, StandIn])
def test_ids_are_sent_of_spans_that_are_not_as_others(kind: type[NonRecordingSpan]) -> None:
    with attached(under(kind(SpanContext(1, 2, False, TraceFlags(1))))):
        for _ in range(2):
            assert Tracing().inject() == (TraceContext(1, 2, 1), None)


def test_a_clock_that_is_set_back_takes_no_roots_away() -> None:
    now = iter([1000.0, *[1000.0] * 9, 0.0, *[1.0] * 9])
    tracing = Tracing(trust="link", stranger_roots=2, clock=lambda: next(now))
    message = unwrap(wrap(b"", SAMPLED))
    assert [not tracing.extract(message) for _ in range(3)] == [True, True, False]
    for _ in range(7):
        tracing.extract(message)  # until the clock was set back
    assert [not tracing.extract(message) for _ in range(3)] == [True, True, False]


def test_a_clock_that_gives_no_number_fills_nothing() -> None:
    times = iter([0.0])
    tracing = Tracing(trust="link", stranger_roots=2, clock=lambda: next(times, nan))
    message = unwrap(wrap(b"", SAMPLED))
    assert [not tracing.extract(message) for _ in range(4)] == [True, True, False, False]


class Unlike(str):
    """Text with ways of its own."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        raise Panic("encode")


def test_baggage_of_classes_of_their_own_is_plain_text() -> None:
    entries = baggage.set_baggage(Unlike("name"), Unlike("value"), remote(SAMPLED))
    with attached(entries):
        message = unwrap(Tracing(baggage=True).wrap(b""))
    assert message.extensions[BAGGAGE] == {"name": "value"}
