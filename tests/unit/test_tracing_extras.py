"""What rides beside the trace: baggage, carriers of foreign propagators; and what is counted."""

import logging
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry import trace as api
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current, get_value, set_value
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.ot_trace import OTTracePropagator
from opentelemetry.propagators.textmap import TextMapPropagator, default_getter, default_setter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests.unit.telemetry import (
    SAMPLED,
    UNSAMPLED,
    CountingPropagator,
    Telemetry,
    attached,
    begun,
    ids,
    remote,
)
from tracewire.codec import (
    NOT_SAMPLED,
    RawItem,
    TraceContext,
    counters,
    decode,
    encode_request,
    unwrap,
    wrap,
)
from tracewire.codec.constants import BAGGAGE, MAX_TIMEOUT, TIMEOUT
from tracewire.protocol.tracing import Tracing, propagators
from tracewire.protocol.tracing.counters import self_cost
from tracewire.protocol.tracing.propagators import CARRIER


@pytest.fixture
def grown() -> Any:
    """The counts that grew since the test began."""
    before = self_cost()
    return lambda: {name: n - before[name] for name, n in self_cost().items() if n != before[name]}


# Baggage.


@pytest.mark.parametrize("trace", [SAMPLED, UNSAMPLED, NOT_SAMPLED, None], ids=repr)
def test_baggage_travels_in_every_state_where_it_is_switched_on(trace: Any) -> None:
    tracing = Tracing(baggage=True)
    with tracing.received(wrap(b"", trace)), attached(baggage.set_baggage("user", 42)):
        message = tracing.wrap(b"")
    assert unwrap(message).extensions[BAGGAGE] == {"user": "42"}
    with tracing.received(message):
        assert baggage.get_all() == {"user": "42"}
        assert tracing.inject()[0] == trace
        with attached(baggage.set_baggage("tenant", "a")):
            assert baggage.get_all() == {"user": "42", "tenant": "a"}


def test_baggage_is_neither_sent_nor_read_unless_switched_on() -> None:
    with attached(baggage.set_baggage("user", "a", remote(SAMPLED))):
        assert Tracing().inject() == (SAMPLED, None)
        message = Tracing(baggage=True).wrap(b"")
    with Tracing().received(message):
        assert baggage.get_all() == {}


def test_no_baggage_is_no_key() -> None:
    assert Tracing(baggage=True).inject({"tenant": "a"}) == (None, {"tenant": "a"})


def test_baggage_is_added_without_changing_the_extensions_given() -> None:
    given: dict[int | str, object] = {"tenant": "a"}
    with attached(baggage.set_baggage("user", "a")):
        _, extended = Tracing(baggage=True).inject(given)
    assert extended == {"tenant": "a", BAGGAGE: {"user": "a"}}
    assert given == {"tenant": "a"}


def test_off_sends_no_baggage() -> None:
    with attached(baggage.set_baggage("user", "a")):
        assert Tracing("off", baggage=True).inject() == (None, None)


def test_unusable_baggage_is_absent() -> None:
    message = wrap(b"", SAMPLED, {BAGGAGE: RawItem(b"\x01")})
    with Tracing(baggage=True).received(message):
        assert baggage.get_all() == {}
        assert ids(get_current()) == SAMPLED


# Carriers.


def test_b3_rides_beside_the_trace_and_is_extracted() -> None:
    tracing = Tracing(propagator=B3MultiFormat())
    with attached(remote(SAMPLED)):
        trace, extensions = tracing.inject()
    assert trace == SAMPLED
    assert extensions is not None
    carrier = extensions[CARRIER]
    assert isinstance(carrier, dict)
    assert carrier["x-b3-traceid"] == f"{SAMPLED.trace_id:032x}"
    context = tracing.extract(decode(encode_request(1, "m", b"", trace, extensions)))
    assert ids(context) == SAMPLED


def test_a_calls_carrier_names_the_calls_own_span() -> None:
    tracing = Tracing(propagator=B3MultiFormat(), tracer_provider=Telemetry())
    trace, extensions, _ = begun(tracing, "m")
    assert isinstance(trace, TraceContext)
    assert extensions is not None
    carrier = extensions[CARRIER]
    assert isinstance(carrier, dict)
    assert carrier["x-b3-spanid"] == f"{trace.span_id:016x}"


def test_what_a_propagator_carries_of_its_own_arrives() -> None:
    tracing = Tracing(propagator=CountingPropagator())
    with attached(remote(SAMPLED)):
        message = tracing.wrap(b"")
    with tracing.received(message):
        assert get_current()["tenant"] == "a"
        assert ids(get_current()) == SAMPLED


def test_the_applications_global_propagator_is_used() -> None:
    before = propagate.get_global_textmap()
    tracing = Tracing()
    with attached(remote(SAMPLED)):
        assert tracing.inject() == (SAMPLED, None)
        propagate.set_global_textmap(CountingPropagator())
        try:
            assert tracing.inject() == (SAMPLED, {CARRIER: {"x-tenant": "a"}})
        finally:
            propagate.set_global_textmap(before)
        assert tracing.inject() == (SAMPLED, None)


@pytest.mark.parametrize("header", ["traceparent", "tracestate"])
def test_what_has_a_key_of_its_own_is_in_no_carrier(header: str) -> None:
    mixed = CompositePropagator([CountingPropagator(header), CountingPropagator()])
    with attached(remote(SAMPLED)):
        assert Tracing(propagator=mixed).inject()[1] == {CARRIER: {"x-tenant": "a"}}
    smuggled: dict[int | str, object] = {CARRIER: {header: "b", "x-tenant": "c"}}
    frame = decode(encode_request(1, "m", b"", SAMPLED, smuggled))
    alone = CountingPropagator(header)
    composite = CompositePropagator([CountingPropagator(), alone])
    assert Tracing(propagator=composite).extract(frame)["tenant"] == "none"
    assert alone.extracted == 1


@pytest.mark.parametrize(
    "foreign",
    [
        B3MultiFormat(),
        B3SingleFormat(),
        CompositePropagator([B3MultiFormat(), TraceContextTextMapPropagator()]),
        JaegerPropagator(),
        OTTracePropagator(),
        AwsXRayPropagator(),
    ],
    ids=lambda propagator: type(propagator).__name__,
)
@pytest.mark.parametrize("flags", [1, 3])
def test_what_is_extracted_never_replaces_the_frames_trace(
    foreign: TextMapPropagator, flags: int
) -> None:
    tracing = Tracing(propagator=foreign)
    trace = TraceContext(SAMPLED.trace_id, SAMPLED.span_id, flags, "ot=th:c,a=1")
    with tracing.received(wrap(b"", trace)):
        message = tracing.wrap(b"")
    assert CARRIER in unwrap(message).extensions
    with tracing.received(message):
        assert ids(get_current()) == trace


@pytest.mark.parametrize(
    "fields", [set(), ["x-tenant"], ("x-tenant",), KeyError("fields")], ids=repr
)
def test_what_a_propagator_says_of_its_fields_is_a_hint(fields: Any) -> None:
    class Hinting(CountingPropagator):
        @property
        def fields(self) -> Any:
            if isinstance(fields, Exception):
                raise fields
            return fields

    with attached(remote(SAMPLED)):
        message = Tracing(propagator=Hinting()).wrap(b"")
    with Tracing(propagator=Hinting()).received(message):
        assert get_current()["tenant"] == "a"


class Bags(CountingPropagator):
    """Has a header for each entry of the baggage."""

    def inject(self, carrier: Any, context: Context | None = None, *_: Any, **__: Any) -> None:
        carrier |= {f"bag-{name}": str(text) for name, text in baggage.get_all(context).items()}

    def extract(self, carrier: Any, context: Context | None = None, *_: Any, **__: Any) -> Context:
        context = context or Context()
        for name, text in carrier.items():
            if name.startswith("bag-"):
                context = baggage.set_baggage(name.removeprefix("bag-"), text, context)
        return context


PARTS = [Bags(), W3CBaggagePropagator(), JaegerPropagator()]


@pytest.mark.parametrize("propagator", [*PARTS, CompositePropagator(PARTS)], ids=repr)
def test_baggage_that_is_off_goes_out_and_comes_in_in_no_form(propagator: Any) -> None:
    on, off = (Tracing(baggage=switch, propagator=propagator) for switch in (True, False))
    with attached(baggage.set_baggage("user", "secret", remote(SAMPLED))):
        sent, kept = on.wrap(b""), off.wrap(b"")
    assert (b"secret" in sent, b"secret" in kept) == (True, False)
    with on.received(sent):
        assert baggage.get_all() == {"user": "secret"}
    with off.received(sent):
        assert baggage.get_all() == {}


def test_a_baggage_header_of_its_own_arrives() -> None:
    """As Sentry's propagator has one beside its trace header."""
    propagator = CountingPropagator("baggage")
    tracing = Tracing(propagator=CompositePropagator([W3CBaggagePropagator(), propagator]))
    with attached(remote(SAMPLED)):
        message = tracing.wrap(b"")
    with tracing.received(message):
        assert get_current()["tenant"] == "a"


SENTRY = """
import sentry_sdk
from opentelemetry.context import Context, attach
from opentelemetry.propagate import get_global_textmap
from opentelemetry.sdk.trace import TracerProvider
from sentry_sdk.integrations.otlp import OTLPIntegration
from tracewire.protocol import Tracing

integration = OTLPIntegration(setup_otlp_traces_exporter=False)
sentry_sdk.init("http://key@127.0.0.1:9/1", default_integrations=False, integrations=[integration])
propagator, tracing, onward = get_global_textmap(), Tracing(), {}
trace = "7" * 32
headers = {
    "sentry-trace": f"{trace}-{'1' * 16}-1",
    "baggage": f"sentry-trace_id={trace},sentry-public_key=key",
}
attach(propagator.extract(headers, Context()))
with TracerProvider().get_tracer("app").start_as_current_span("join"):
    message = tracing.wrap(b"join")
attach(Context())
with tracing.received(message):
    propagator.inject(onward)
print(sorted(onward), "sentry-public_key=key" in onward["baggage"])
"""


@pytest.mark.once
def test_the_dynamic_sampling_context_of_sentry_arrives() -> None:
    """In a process of its own, since its propagator needs its client."""
    command = [sys.executable, "-c", SENTRY]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "['baggage', 'sentry-trace'] True\n"


def test_the_copy_that_is_not_sampled_has_no_carrier() -> None:
    tracing = Tracing(propagator=B3MultiFormat())
    with attached(remote(SAMPLED)):
        copies = tracing.fan_out(b"", 100)
    sampled, unsampled = unwrap(copies.sampled), unwrap(copies.unsampled)
    assert CARRIER in sampled.extensions
    assert (unsampled.trace, unsampled.extensions) == (NOT_SAMPLED, {})


def test_w3c_alone_is_no_carrier() -> None:
    with attached(remote(SAMPLED)):
        tracing = Tracing(propagator=TraceContextTextMapPropagator())
        assert tracing.inject() == (SAMPLED, None)


class Silent(CountingPropagator):
    def inject(self, *args: Any, **kwargs: Any) -> None:
        pass


def test_a_carrier_without_content_is_no_key() -> None:
    with attached(remote(SAMPLED)):
        assert Tracing(propagator=Silent()).inject() == (SAMPLED, None)


class Failing(CountingPropagator):
    def inject(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("inject")

    def extract(self, *args: Any, **kwargs: Any) -> Context:
        raise RuntimeError("extract")


def test_a_propagator_that_fails_breaks_no_call(grown: Any, caplog: Any) -> None:
    tracing = Tracing(propagator=Failing())
    with attached(remote(SAMPLED)), caplog.at_level(logging.ERROR, "tracewire.tracing"):
        assert tracing.inject({"tenant": "a"}) == (SAMPLED, {"tenant": "a"})
        frame = decode(encode_request(1, "m", b"", SAMPLED, {CARRIER: {"x-tenant": "a"}}))
        assert ids(tracing.extract(frame)) == SAMPLED
    assert ["inject" in message for message in caplog.messages] == [True, False]
    assert grown()["carriers_shed"] == grown()["carriers_unusable"] == 1


class Long(CountingPropagator):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def inject(self, carrier: Any, *args: Any, **kwargs: Any) -> None:
        carrier["x"] = "a" * self._size


#: Bytes of the map's head, the trace, the longest timeout, the carrier's key, heads and name in it.
BESIDE = 1 + 32 + 10 + 18 + 6


@pytest.mark.parametrize(
    ("size", "sheds"), [(16_384 - BESIDE, False), (16_385 - BESIDE, True), (20_000, True)]
)
def test_a_carrier_never_costs_a_message_its_trace_or_its_way(
    size: int, sheds: bool, grown: Any
) -> None:
    with attached(remote(SAMPLED)):
        trace, extensions = Tracing(propagator=Long(size)).inject()
    timed = {TIMEOUT: MAX_TIMEOUT, **(extensions or {})}
    assert decode(encode_request(1, "m", b"", trace, timed)).trace == SAMPLED
    assert (extensions is None) == sheds
    assert ("carriers_shed" in grown()) == sheds


def test_what_is_shed_beside_a_carrier_is_counted_once(grown: Any) -> None:
    tracing = Tracing(propagator=CountingPropagator(), baggage=True)
    with attached(baggage.set_baggage("long", "x" * 8_192, remote(SAMPLED))):
        message = unwrap(tracing.wrap(b""))
    assert message.extensions == {CARRIER: {"x-tenant": "a"}}
    assert grown()["shed_baggage"] == 1


@pytest.mark.parametrize("carrier", [1, [], {1: "a"}, {"x-tenant": 1}], ids=repr)
def test_a_carrier_that_is_no_text_map_is_empty(carrier: object) -> None:
    frame = decode(encode_request(1, "m", b"", SAMPLED, {CARRIER: carrier}))
    propagator = CountingPropagator()
    context = Tracing(propagator=propagator).extract(frame)
    assert propagator.seen == {}
    assert ids(context) == SAMPLED


def test_a_strangers_carrier_does_not_count() -> None:
    propagator: TextMapPropagator = CountingPropagator()
    frame = decode(encode_request(1, "m", b"", SAMPLED, {CARRIER: {"x-tenant": "a"}}))
    context = Tracing(trust="link", propagator=propagator).extract(frame)
    assert context == {}


# Counts.


def test_every_message_is_counted_as_what_it_was(grown: Any) -> None:
    parent, link = Tracing(), Tracing(trust="link", stranger_roots=1)
    for trace, times in ((NOT_SAMPLED, 2), (UNSAMPLED, 3), (None, 4), (SAMPLED, 5)):
        for _ in range(times):
            parent.extract(decode(encode_request(1, "m", b"", trace)))
    for _ in range(2):
        link.extract(decode(encode_request(1, "m", b"", SAMPLED)))
    assert grown() == {
        "skipped": 5,
        "undecided": 4,
        "continued": 5,
        "peeked": 14,
        "rerooted": 1,
        "roots_refused": 1,
    }


def test_a_bare_message_is_counted_once(grown: Any) -> None:
    with Tracing().received(b"{}", mode="bare"):
        pass
    assert grown() == {"peeked": 1, "undecided": 1}


def test_the_counts_of_the_codec_are_among_them() -> None:
    assert counters().items() <= self_cost().items()


class Looking(CountingPropagator):
    """Asks for the current context, and not for the one that it is given."""

    def inject(self, carrier: Any, context: Any = None, setter: Any = default_setter) -> None:
        current = api.get_current_span().get_span_context()
        carrier["x-span"] = f"{current.span_id:x}"
        carrier |= {f"x-{name}": str(value) for name, value in baggage.get_all().items()}

    def extract(self, carrier: Any, context: Any = None, getter: Any = default_getter) -> Context:
        return set_value("tenant", carrier["x-span"])


def test_a_propagator_that_looks_at_what_is_current_finds_what_is_sent() -> None:
    tracing = Tracing(propagator=Looking())
    span = api.NonRecordingSpan(api.SpanContext(1, 0x77, False, api.TraceFlags(1)))
    with attached(baggage.set_baggage("secret", "s", remote(SAMPLED))):
        _, extensions = tracing.inject(None, span)
    assert extensions == {CARRIER: {"x-span": "77"}}


def test_a_propagator_that_looks_at_what_is_current_finds_the_message() -> None:
    tracing = Tracing(propagator=Looking(), baggage=True)
    message = wrap(b"", SAMPLED, {CARRIER: {"x-span": "77"}})
    around = tracing.extract(unwrap(wrap(b"", NOT_SAMPLED)))
    with (
        attached(baggage.set_baggage("theirs", "s", around)),
        tracing.received(message) as received,
    ):
        assert get_value("tenant") == "77"
        assert not baggage.get_all()
        assert len(received.links) == 1


def test_a_header_that_is_no_text_costs_no_other() -> None:
    class Two(CountingPropagator):
        def inject(self, carrier: Any, context: Any = None, setter: Any = default_setter) -> None:
            carrier |= {"good": "a", "bad": "\ud800", "\ud800": "bad"}

    with attached(remote(SAMPLED)):
        _, extensions = Tracing(propagator=Two()).inject()
    assert extensions == {CARRIER: {"good": "a"}}


def test_a_propagator_whose_attributes_fail_is_used_all_the_same() -> None:
    class Odd(CountingPropagator):
        @property
        def _propagators(self) -> Any:
            raise RuntimeError("it is mine")

    with attached(remote(SAMPLED)):
        assert Tracing(propagator=Odd()).inject()[1] == {CARRIER: {"x-tenant": "a"}}


@pytest.mark.parametrize("error", [ValueError, ImportError])
def test_propagators_that_cannot_be_loaded_break_no_call(
    error: type[Exception], monkeypatch: Any, caplog: Any
) -> None:
    """As where OTEL_PROPAGATORS names one that is not installed."""

    def load() -> Any:
        raise error("not found")

    monkeypatch.setattr(propagators, "_global_textmap", load)
    with attached(remote(SAMPLED)):
        message = Tracing().wrap(b"")
    assert unwrap(message).trace == SAMPLED
    assert ids(Tracing().extract(unwrap(message))) == SAMPLED
    assert len(caplog.messages) == 1
