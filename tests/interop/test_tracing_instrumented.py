"""A handler's HTTP calls, made by an instrumentation that knows nothing of Tracewire."""

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.interop.places import Place, place_of
from tracewire.codec import NOT_SAMPLED, Status, TraceContext, decode, encode_request, wrap
from tracewire.codec.trace import NotSampled
from tracewire.protocol import Service
from tracewire.protocol.tracing import Tracing

Trace = TraceContext | NotSampled | None
Handle = Callable[[Trace, Callable[[], None]], None]

SAMPLED, UNSAMPLED = TraceContext(0xABC, 0xDEF, 1), TraceContext(0xABC, 0xDEF, 0)


class Server(ThreadingHTTPServer):
    """Remembers the traceparent of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.traceparents: list[str | None] = []

    def visit(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server_port}/") as answer:
            answer.read()


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.traceparents.append(self.headers["traceparent"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    """The SDK's, with the sampler that it has by default; urllib is instrumented with it."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    URLLibInstrumentor().instrument(tracer_provider=provider)
    yield provider
    URLLibInstrumentor().uninstrument()
    provider.shutdown()


@pytest.fixture(params=["connection", "server", "received"])
def handle(request: pytest.FixtureRequest, provider: TracerProvider, tmp_path: Path) -> Handle:
    """Runs a handler for a message with a trace: of a peer, as peers do, and as `received` does."""
    tracing = Tracing(tracer_provider=provider)
    place = place_of("unix", tmp_path)

    def connect(trace: Trace, handler: Callable[[], None]) -> None:
        asyncio.run(_call(place, tracing, encode_request(1, "join", b"", trace), handler))

    def serve(trace: Trace, handler: Callable[[], None]) -> None:
        frame = decode(encode_request(1, "guild.join", b"", trace))
        token = attach(tracing.server(frame, "parent")[0])
        handler()
        detach(token)

    def receive(trace: Trace, handler: Callable[[], None]) -> None:
        with tracing.received(wrap(b"", trace)):
            handler()

    handles = {"connection": connect, "server": serve, "received": receive}
    return handles[request.param]


async def _call(
    place: Place, tracing: Tracing, request: bytes, handler: Callable[[], None]
) -> None:
    """A request over a connection; its handler runs in a thread, as what blocks has to."""
    service = Service()

    @service.method
    async def join() -> None:
        await asyncio.to_thread(handler)

    async with (
        await place.serve(service, tracing=tracing) as server,
        await place.raw(server) as raw,
    ):
        raw.say(request)
        _hello, answer = await raw.hear(), await raw.hear()
    assert answer.status is Status.OK


def http_calls(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Their spans, without that of the request that is handled."""
    return [span for span in exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]


@pytest.mark.parametrize("trace", [NOT_SAMPLED, UNSAMPLED], ids=["false", "ids"])
def test_the_http_call_of_a_message_that_is_not_sampled_starts_no_root(
    server: Server, handle: Handle, exporter: InMemorySpanExporter, trace: Trace
) -> None:
    handle(trace, server.visit)
    (traceparent,) = server.traceparents
    assert exporter.get_finished_spans() == ()
    assert traceparent is not None
    assert not TraceContext.from_traceparent(traceparent).sampled


def test_the_http_call_of_a_sampled_message_continues_its_trace(
    server: Server, handle: Handle, exporter: InMemorySpanExporter
) -> None:
    handle(SAMPLED, server.visit)
    (traceparent,) = server.traceparents
    assert traceparent is not None
    sent = TraceContext.from_traceparent(traceparent)
    (span,) = http_calls(exporter)
    assert span.context.trace_id == sent.trace_id == SAMPLED.trace_id
    assert sent.sampled


def test_the_http_call_of_an_undecided_message_is_sampled_by_the_receivers_sampler(
    server: Server, handle: Handle, exporter: InMemorySpanExporter
) -> None:
    handle(None, server.visit)
    assert len(http_calls(exporter)) == 1
