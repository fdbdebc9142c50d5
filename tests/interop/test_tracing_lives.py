"""Spans and durations of calls from asking to what the application gets, refusals among them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import SpanKind, StatusCode

from tests.interop.calls import Gate, failure
from tests.interop.places import Place
from tests.unit.telemetry import SAMPLED, Telemetry
from tracewire.codec import Frame, Kind, Status, encode_request
from tracewire.codec.constants import TIMEOUT
from tracewire.protocol import (
    Limits,
    OutgoingCall,
    RpcError,
    Service,
    Tracing,
    connect,
    current_call,
    notify_all,
    serve,
)

Recorded = list[tuple[str, str]]


class Observed:
    """What one side records."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader])
        self._telemetry = Telemetry()
        self.tracing = Tracing(tracer_provider=self._telemetry, meter_provider=self._meters)

    @property
    def spans(self) -> Recorded:
        """Their names and statuses."""
        return [(span.name, self._status(span)) for span in self._telemetry.spans]

    def _status(self, span: ReadableSpan) -> str:
        assert span.attributes is not None
        failed = span.status.status_code is StatusCode.ERROR
        assert failed == ("error.type" in span.attributes)
        return str(span.attributes["rpc.status_code"])

    def attributes(self, side: str) -> list[dict[str, Any]]:
        """Of the series, without system and status, each as often as it was counted."""
        data: Any = self._reader.get_metrics_data()
        return [
            dict(point.attributes)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"rpc.{side}.call.duration"
            for point in metric.data.data_points
            for _ in range(point.count)
        ]

    def durations(self, side: str) -> Recorded:
        """Methods and statuses."""
        found = self.attributes(side)
        return sorted((each["rpc.method"], each["rpc.status_code"]) for each in found)

    def shutdown(self) -> None:
        self._meters.shutdown()


@pytest.fixture
def observed() -> Iterator[Observed]:
    made = Observed()
    yield made
    made.shutdown()


@asynccontextmanager
async def stalled(tracing: Tracing) -> AsyncIterator[Any]:
    """A peer that takes no more, since the other side does not read."""
    open_streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    server = await asyncio.start_server(lambda *pair: open_streams.append(pair), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        url = f"tcp://127.0.0.1:{port}"
        async with connect(url, tracing=tracing, limits=Limits(discard_seconds=0.1)) as peer:
            while peer.takes_more:
                await peer.notify("fill", bytes(1_000_000))
                await asyncio.sleep(0)
            yield peer
            for _, writer in open_streams:
                writer.transport.abort()


# At who calls.


async def test_a_result_that_does_not_convert_is_recorded_as_what_the_caller_gets(
    plain: Place, observed: Observed
) -> None:
    service = Service()

    @service.method
    async def age() -> str:
        return "unknown"

    async with (
        await plain.serve(service) as server,
        plain.connect(server, tracing=observed.tracing) as peer,
    ):
        error = await failure(peer.call("age", returns=int))
    assert error.status is Status.INTERNAL
    assert observed.spans == observed.durations("client") == [("age", "INTERNAL")]


async def test_waiting_for_room_is_part_of_a_call(observed: Observed) -> None:
    async with stalled(observed.tracing) as peer:
        error = await failure(peer.call("add", 1, timeout=0.05))
    assert error.status is Status.DEADLINE_EXCEEDED
    assert observed.spans == observed.durations("client") == [("add", "DEADLINE_EXCEEDED")]


async def test_waiting_for_a_connection_is_part_of_a_call(plain: Place, observed: Observed) -> None:
    gate = Gate()
    server = await plain.serve(gate.service)
    async with plain.connect(server, tracing=observed.tracing).kept() as peer:
        await server.close()
        error = await failure(peer.call("wait", timeout=0.05))
    assert error.status is Status.UNAVAILABLE
    assert observed.spans == observed.durations("client") == [("wait", "UNAVAILABLE")]


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_what_an_interceptor_refuses_is_recorded(
    plain: Place, observed: Observed, asynchronous: bool
) -> None:
    def refuse(call: OutgoingCall, proceed: Any) -> Any:
        raise RpcError(Status.UNAUTHENTICATED, "no token")

    async def refuse_later(call: OutgoingCall, proceed: Any) -> Any:
        refuse(call, proceed)

    around: Any = refuse_later if asynchronous else refuse
    async with (
        await plain.serve(Service()) as server,
        plain.connect(server, tracing=observed.tracing, call_interceptors=[around]) as peer,
    ):
        assert (await failure(peer.call("m"))).status is Status.UNAUTHENTICATED
    assert observed.spans == observed.durations("client") == [("m", "UNAUTHENTICATED")]


async def test_methods_that_nobody_serves_share_a_series_at_the_client(
    plain: Place, observed: Observed
) -> None:
    service = Service()

    @service.method
    async def add() -> None:
        if current_call().metadata:
            raise RpcError(Status.UNIMPLEMENTED)

    async with (
        await plain.serve(service) as server,
        plain.connect(server, tracing=observed.tracing) as peer,
    ):
        await peer.call("add")
        for number in range(20):
            await failure(peer.call(f"guess-{number}"))
        await failure(peer.call("add", metadata={"fail": True}))
    names = [("_OTHER", "UNIMPLEMENTED")] * 20 + [("add", "OK"), ("add", "UNIMPLEMENTED")]
    assert observed.durations("client") == names


# At who refuses.


async def test_what_a_server_refuses_is_recorded_there(place: Place, observed: Observed) -> None:
    gate = Gate()
    async with (
        await place.serve(
            gate.service,
            tracing=observed.tracing,
            trust="parent",
            limits=Limits(in_flight=1),
        ) as server,
        await place.raw(server) as raw,
    ):
        raw.say(encode_request(1, "wait", b"", SAMPLED))
        await gate.began.get()
        raw.say(
            encode_request(2, "wait", b"", SAMPLED),
            encode_request(3, "wait", b"", SAMPLED, {2: 1}),
            encode_request(4, "wait", b"", SAMPLED, {TIMEOUT: 0}),
            b"\xd9\xd4\xf7\x84\x00\x05\x60\x40",  # a request with an empty method
        )
        answers = [await raw.hear() for _ in range(5)]
        gate.opened.set()
        await raw.hear()
    statuses = [answer.status for answer in answers if answer.kind is Kind.RESPONSE]
    names = [status.name for status in statuses if status is not None]
    assert sorted(names) == [
        "DEADLINE_EXCEEDED",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "UNIMPLEMENTED",
    ]
    refused = [("tracewire", name) for name in names]
    assert sorted(observed.spans) == sorted([*refused, ("wait", "OK")])
    series = [("_OTHER", name) for name in sorted(names)]
    assert observed.durations("server") == [*series, ("wait", "OK")]


async def test_a_request_that_was_cancelled_before_it_began_is_recorded(
    place: Place, observed: Observed
) -> None:
    gate = Gate()
    async with (
        await place.serve(gate.service, tracing=observed.tracing, trust="parent") as server,
        await place.raw(server) as raw,
    ):
        raw.say(encode_request(1, "wait", b"", SAMPLED), Frame(Kind.CANCEL, 1, 0))
        while (answer := await raw.hear()).kind is not Kind.RESPONSE:
            pass
    assert answer.status is Status.CANCELLED
    assert observed.spans == [("tracewire", "CANCELLED")]


async def test_a_server_has_no_series_of_its_own_address(plain: Place, observed: Observed) -> None:
    gate = Gate()
    gate.opened.set()
    async with (
        await plain.serve(gate.service, tracing=observed.tracing) as server,
        plain.connect(server) as peer,
    ):
        await peer.call("wait")
    (series,) = observed.attributes("server")
    assert not [name for name in series if name.startswith(("server.", "network."))]


async def test_notifications_that_are_not_handled_are_recorded(
    plain: Place, observed: Observed
) -> None:
    gate = Gate()
    async with (
        await plain.serve(
            gate.service, tracing=observed.tracing, limits=Limits(in_flight=1)
        ) as server,
        plain.connect(server) as peer,
    ):
        await peer.notify("wait")
        await gate.began.get()
        await peer.notify("wait")
        await peer.notify("missing")
        while len(observed.durations("server")) < 2:
            await asyncio.sleep(0)
        gate.opened.set()
        while len(observed.durations("server")) < 3:
            await asyncio.sleep(0)
    assert observed.durations("server") == [
        ("_OTHER", "RESOURCE_EXHAUSTED"),
        ("_OTHER", "UNIMPLEMENTED"),
        ("wait", "OK"),
    ]


# Who asks to be left alone, and who chose whom.


class OverPeer(SpanExporter):
    """Sends spans by calls of a peer, from the thread that exports."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.peer: Any = None
        self._loop = loop
        self.exported: asyncio.Queue[list[str]] = asyncio.Queue()

    def export(self, spans: Any) -> SpanExportResult:
        names = [span.name for span in spans]
        call = self.peer.call("spans.put", names)
        asyncio.run_coroutine_threadsafe(call, self._loop).result(5)
        self._loop.call_soon_threadsafe(self.exported.put_nowait, names)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


async def test_an_exporter_over_a_peer_does_not_export_its_own_calls(plain: Place) -> None:
    service, exporter = Service("spans"), OverPeer(asyncio.get_running_loop())
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    tracing = Tracing(tracer_provider=provider)
    put: list[list[str]] = []

    @service.method(name="put")
    async def put_spans(names: list[str]) -> None:
        put.append(names)

    async with (
        await plain.serve(service, tracing=tracing, trust="parent") as server,
        plain.connect(server, tracing=tracing) as exporter.peer,
    ):
        for name in ("first", "second"):
            provider.get_tracer("app").start_span(name).end()
            await asyncio.to_thread(provider.force_flush)
        await asyncio.to_thread(provider.shutdown)
    assert [exporter.exported.get_nowait() for _ in range(2)] == [["first"], ["second"]]
    assert exporter.exported.empty()
    assert put == [["first"], ["second"]]


async def test_recipients_trust_the_server_that_they_connected_to() -> None:
    telemetry = Telemetry()
    tracing, heard = Tracing(tracer_provider=telemetry), asyncio.Queue[None]()
    session, ready = Service(), asyncio.Queue[None]()

    @session.method
    async def update() -> None:
        heard.put_nowait(None)

    there = Service()
    there.method(lambda: ready.put_nowait(None), name="ready")
    async with serve("tcp://127.0.0.1:0", there) as server:
        peers = [await connect(server.url, session, tracing=tracing) for _ in range(50)]
        for peer in peers:
            await peer.notify("ready")
        for _ in peers:
            await ready.get()
        with telemetry.tracer.start_as_current_span("publish"):
            assert await notify_all(server.peers, "update") == {}
        for _ in peers:
            await heard.get()
        for peer in peers:
            await peer.close()
    spans = [span for span in telemetry.spans if span.kind is SpanKind.SERVER]
    assert 1 <= len(spans) <= 10
    assert all(span.parent is not None for span in spans)
