"""A handler's HTTP calls, made by an instrumentation that knows nothing of Tracewire."""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tracewire.codec import NOT_SAMPLED, TraceContext, decode, encode_request, wrap
from tracewire.codec.trace import NotSampled
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


@pytest.fixture(params=["server", "received"])
def handle(request: pytest.FixtureRequest, provider: TracerProvider) -> Handle:
    """Runs a handler for a message with a trace, as peers do, and as `received` does."""
    tracing = Tracing(tracer_provider=provider)

    def serve(trace: Trace, handler: Callable[[], None]) -> None:
        frame = decode(encode_request(1, "guild.join", b"", trace))
        token = attach(tracing.server(frame, "parent")[0])
        handler()
        detach(token)

    def receive(trace: Trace, handler: Callable[[], None]) -> None:
        with tracing.received(wrap(b"", trace)):
            handler()

    return serve if request.param == "server" else receive


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
    (span,) = exporter.get_finished_spans()
    assert span.context.trace_id == sent.trace_id == SAMPLED.trace_id
    assert sent.sampled


def test_the_http_call_of_an_undecided_message_is_sampled_by_the_receivers_sampler(
    server: Server, handle: Handle, exporter: InMemorySpanExporter
) -> None:
    handle(None, server.visit)
    assert len(exporter.get_finished_spans()) == 1
