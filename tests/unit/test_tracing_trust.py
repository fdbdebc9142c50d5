"""Whose context counts, and how many roots strangers may cause."""

import asyncio
import logging
from itertools import count

import pytest
from opentelemetry.context import get_current
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, get_current_span

from tests.unit.telemetry import SAMPLED, UNSAMPLED, Telemetry, ids
from tracewire.codec import NOT_SAMPLED, Status, TraceContext, decode, encode_request, wrap
from tracewire.codec.constants import BAGGAGE, CREATION, FANOUT
from tracewire.codec.trace import NotSampled
from tracewire.protocol import Service, connect, serve
from tracewire.protocol.constants import TRUSTS, Trust
from tracewire.protocol.tracing import Tracing
from tracewire.protocol.tracing.counters import self_cost
from tracewire.protocol.tracing.trust import RateLimit
from tracewire.protocol.transports.schemes import _log_once, default_trust

STATE = TraceContext(SAMPLED.trace_id, SAMPLED.span_id, 1, "vendor=1")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# The default.


@pytest.mark.parametrize(
    ("url", "proved", "trust"),
    [
        ("unix:///run/guild.sock", False, "parent"),
        ("memory://guild", False, "parent"),
        ("tls://host:1", True, "parent"),
        ("tls://host:1", False, "link"),
        ("nats://host:1/subject", True, "parent"),
        ("nats://host:1/subject", False, "link"),
        ("tcp://127.0.0.1:1", True, "link"),
        ("quic://host:1", True, "link"),
    ],
)
def test_the_default_trust_is_by_who_can_be_there(url: str, proved: bool, trust: Trust) -> None:
    assert default_trust(url, proved) == trust


def test_a_trust_that_was_given_counts_at_every_address() -> None:
    async def main() -> list[Trust]:
        tracing = Tracing(trust="ignore")
        async with (
            serve("memory://guild", Service(), tracing=tracing) as server,
            connect("memory://guild", tracing=tracing) as peer,
        ):
            while not server.peers:
                await asyncio.sleep(0)
            return [peer.trust, *(each.trust for each in server.peers)]

    assert asyncio.run(main()) == ["ignore", "ignore"]


def test_that_peers_are_strangers_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    _log_once.cache_clear()
    with caplog.at_level(logging.INFO, "tracewire.tracing"):
        for port in range(3):
            default_trust(f"tcp://user:secret@host:{port}")
    (said,) = caplog.messages
    assert said.startswith("tcp:// peers are strangers")


# What a stranger's context does.


@pytest.mark.parametrize("trust", ["link", "ignore"])
@pytest.mark.parametrize("trace", [SAMPLED, UNSAMPLED, NOT_SAMPLED, None], ids=repr)
def test_a_stranger_decides_nothing(trust: Trust, trace: TraceContext | NotSampled | None) -> None:
    telemetry = Telemetry()
    message = wrap(b"", trace, {FANOUT: (10, 1), BAGGAGE: {"user": "admin"}})
    with (
        Tracing(trust=trust, baggage=True).received(message),
        telemetry.tracer.start_as_current_span("root") as span,
    ):
        assert span.get_span_context().trace_id != SAMPLED.trace_id
        assert len(get_current()) == 1  # the span alone, no baggage
    assert telemetry.asked.roots == 1
    assert len(telemetry.spans) == 1


@pytest.mark.parametrize("trace", [STATE, UNSAMPLED], ids=["sampled", "not sampled"])
def test_link_links_to_the_callers_ids_and_to_nothing_else(trace: TraceContext) -> None:
    message = wrap(b"", trace, {CREATION: TraceContext(1, 2, 1)})
    with Tracing(trust="link").received(message) as got:
        (link,) = got.links
    assert (link.context.trace_id, link.context.span_id) == (SAMPLED.trace_id, SAMPLED.span_id)
    assert link.context.trace_flags == 0
    assert not link.context.trace_state


@pytest.mark.parametrize("trace", [NOT_SAMPLED, None], ids=repr)
def test_link_has_nothing_to_link_to_without_ids(trace: NotSampled | None) -> None:
    with Tracing(trust="link").received(wrap(b"", trace)) as got:
        assert got.links == []


def test_ignore_links_to_nothing() -> None:
    message = wrap(b"", SAMPLED, {CREATION: TraceContext(1, 2, 1)})
    with Tracing(trust="ignore").received(message) as got:
        assert got.links == []


def test_a_listeners_trust_counts_for_its_requests() -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    frame = decode(encode_request(1, "m", b"", SAMPLED))
    for trust in TRUSTS:
        _, operation = tracing.server(frame, trust)
        assert operation is not None
        operation.finish(Status.OK)
    parents = [span.parent and span.parent.span_id for span in telemetry.spans]
    links = [[link.context.span_id for link in span.links] for span in telemetry.spans]
    assert parents == [SAMPLED.span_id, None, None]
    assert links == [[], [SAMPLED.span_id], []]


# The rate of roots.


def test_a_bucket_gives_a_seconds_worth_at_once_and_fills_with_time() -> None:
    clock = Clock()
    roots = RateLimit(2.0, clock)

    def taken() -> int:
        for taken in count():
            if not roots.left():
                return taken
            roots.take()
        raise AssertionError

    assert taken() == 2
    clock.now += 0.49
    assert taken() == 0
    clock.now += 0.01
    assert taken() == 1
    clock.now += 1000
    assert taken() == 2


def test_a_rate_below_one_a_second_starts_full() -> None:
    roots = RateLimit(0.5, Clock())
    assert roots.left()


def test_a_rate_of_zero_refuses_every_root() -> None:
    assert not RateLimit(0.0, Clock()).left()


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Tracing(stranger_roots=-1)


@pytest.mark.parametrize("trust", ["link", "ignore"])
def test_over_the_rate_strangers_are_not_sampled_and_the_sampler_is_not_asked(trust: Trust) -> None:
    telemetry, clock = Telemetry(), Clock()
    tracing = Tracing(tracer_provider=telemetry, stranger_roots=3, clock=clock)
    frame = decode(encode_request(1, "m", b"", SAMPLED))
    refused = self_cost()["roots_refused"]
    served = [tracing.server(frame, trust) for _ in range(5)]
    assert [operation is not None for _, operation in served] == [True] * 3 + [False] * 2
    assert telemetry.starts == 3
    assert self_cost()["roots_refused"] == refused + 2
    over = ids(served[-1][0])
    assert over is not None
    assert not over.sampled
    assert over.trace_id != SAMPLED.trace_id
    clock.now += 1
    assert tracing.server(frame, trust)[1] is not None


def test_roots_that_the_sampler_dropped_do_not_count() -> None:
    telemetry = Telemetry(root=ALWAYS_OFF)
    tracing = Tracing(tracer_provider=telemetry, stranger_roots=1, clock=Clock())
    frame = decode(encode_request(1, "m", b"", SAMPLED))
    for _ in range(10):
        tracing.server(frame, "link")
    assert telemetry.asked.roots == 10


def test_messages_of_parents_are_not_limited() -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry, stranger_roots=0, clock=Clock())
    context, _ = tracing.server(decode(encode_request(1, "m")), "parent")
    assert get_current_span(context).is_recording()
    assert telemetry.starts == 1


def test_roots_of_parents_leave_strangers_theirs() -> None:
    tracing = Tracing(tracer_provider=Telemetry(), stranger_roots=1, clock=Clock())
    frame = decode(encode_request(1, "m"))
    operations = [tracing.server(frame, trust)[1] for trust in ("parent", "parent", "link", "link")]
    assert [operation is not None for operation in operations] == [True, True, True, False]


def test_messages_over_the_rate_are_received_as_not_sampled() -> None:
    tracing = Tracing(trust="link", stranger_roots=1, clock=Clock())
    with tracing.received(wrap(b"", SAMPLED)):
        assert tracing.inject() == (None, None)
    with tracing.received(wrap(b"", SAMPLED)):
        assert tracing.inject() == (NOT_SAMPLED, None)


def test_the_root_of_a_strangers_call_is_a_server_span() -> None:
    telemetry = Telemetry()
    frame = decode(encode_request(1, "m", b"", STATE))
    context, operation = Tracing(tracer_provider=telemetry).server(frame, "link")
    assert operation is not None
    span = get_current_span(context)
    operation.finish(Status.OK)
    (ended,) = telemetry.spans
    assert ended.kind is SpanKind.SERVER
    assert ended.context.span_id == span.get_span_context().span_id
    assert not span.get_span_context().trace_state
