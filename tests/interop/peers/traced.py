"""Two processes of an application that has the SDK and its OTLP exporter, for test_tracing_otlp.

    traced.py send http://127.0.0.1:PORT/v1/traces           writes frames, one a line, in hex
    traced.py handle http://127.0.0.1:PORT/v1/traces < FRAMES

The provider is the global one, and the exporter is handed the spans in batches, as in production.
"""

import sys
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from tracewire.codec import (
    NOT_SAMPLED,
    Status,
    TraceContext,
    decode,
    encode_notification,
    encode_request,
)
from tracewire.codec.constants import CREATION
from tracewire.protocol.tracing import Tracing, received, wrap
from tracewire.protocol.tracing.semconv import network_attributes

tracing = Tracing()
tracer = trace.get_tracer("application")


def send() -> None:
    """A call within an operation whose trace came over HTTP, a message, and unsampled ones."""
    came = TraceContext(0xABC, 0xDEF, 1, "vendor=1,other=2")
    with received(encode_notification("", b"", came)), tracer.start_as_current_span("operation"):
        where = network_attributes("guild.example", 7000)
        operation, _ = tracing.client("guild.join", where)
        assert operation is not None
        context, extensions = tracing.inject(None, operation.span)
        print(encode_request(1, "guild.join", b"", context, extensions).hex())
        operation.finish(Status.INTERNAL)
        print(wrap(b"message").hex())
    print(encode_request(2, "guild.join", b"", NOT_SAMPLED).hex())
    print(encode_request(3, "guild.join", b"", TraceContext(0xABC, 0xDEF, 0)).hex())


def handle() -> None:
    """The frames of ``send``: the call twice, as of a parent and of a stranger."""
    call, message, *unsampled = (bytes.fromhex(line) for line in sys.stdin)
    serve(call, "parent")
    serve(call, "link")
    for request in unsampled:
        serve(request, "parent")
    with received(message) as got:
        tracer.start_span("consume", kind=trace.SpanKind.CONSUMER, links=got.links).end()
    created = encode_request(4, "guild.join", b"", None, {CREATION: TraceContext(7, 8, 1)})
    serve(created, "parent")


def serve(request: bytes, trust: str) -> None:
    context, operation = tracing.server(decode(request), trust)  # type: ignore[arg-type]
    token = attach(context)
    with tracer.start_as_current_span(f"within {trust}"):
        pass
    detach(token)
    if operation is not None:
        operation.finish(Status.INTERNAL, KeyError("guild"))


def main() -> None:
    roles: dict[str, Callable[[], None]] = {"send": send, "handle": handle}
    role, url = sys.argv[1:]
    provider = TracerProvider(ParentBasedTraceIdRatio(1.0), Resource({"service.name": role}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    trace.set_tracer_provider(provider)
    roles[role]()
    provider.shutdown()


if __name__ == "__main__":
    main()
