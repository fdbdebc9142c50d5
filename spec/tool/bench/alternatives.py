"""What users do today instead, each as far as it is installed: the same message, its context as a
`traceparent` among headers."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Final

from tracewire.codec import TraceContext

from .message import Message, message

WITHOUT: Final = "without context"
WITH: Final = "with traceparent"


def alternatives(
    method: str, payload: bytes, trace: TraceContext
) -> Iterator[tuple[str, list[Message]]]:
    """Each alternative's name, and its messages without context and with it.

    There are no messages where something is not installed.
    """
    for system, build in SYSTEMS.items():
        try:
            yield system, list(build(system, method, payload, trace))
        except ModuleNotFoundError:
            yield system, []


def _messagepack(
    system: str, method: str, payload: bytes, trace: TraceContext
) -> Iterator[Message]:
    from msgspec import msgpack

    dumps, loads = msgpack.Encoder().encode, msgpack.Decoder().decode
    return _lists(system, method, payload, trace, dumps, loads)


def _cbor(system: str, method: str, payload: bytes, trace: TraceContext) -> Iterator[Message]:
    from cbor2 import dumps, loads

    return _lists(system, method, payload, trace, dumps, loads)


def _lists(
    system: str,
    method: str,
    payload: bytes,
    trace: TraceContext,
    dumps: Callable[[object], bytes],
    loads: Callable[[bytes], object],
) -> Iterator[Message]:
    """The fields as a list, the context as W3C text in a map at its end."""
    names = {
        "method": method,
        "payload": payload,
        "trace": trace,
        "dumps": dumps,
        "loads": loads,
        "from_text": TraceContext.from_traceparent,
    }
    yield message(
        system,
        WITHOUT,
        names,
        encode="dumps([0, 7, method, payload])",
        decode="kind, id, method, payload = loads(data)",
    )
    yield message(
        system,
        WITH,
        names,
        encode="dumps([0, 7, method, payload, {'traceparent': trace.to_traceparent()}])",
        decode="kind, id, method, payload, extra = loads(data); from_text(extra['traceparent'])",
    )


def _text_map(system: str, method: str, payload: bytes, trace: TraceContext) -> Iterator[Message]:
    """A JSON object, the context as OpenTelemetry's own propagator writes and reads it."""
    from opentelemetry import trace as api
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    span = api.SpanContext(trace.trace_id, trace.span_id, True, api.TraceFlags(trace.flags))
    context = api.set_span_in_context(api.NonRecordingSpan(span))

    def injected() -> dict[str, str]:
        headers: dict[str, str] = {}
        propagator.inject(headers, context)
        return headers

    names = {
        "method": method,
        "payload": payload,
        "dumps": json.dumps,
        "loads": json.loads,
        "b64encode": base64.b64encode,
        "b64decode": base64.b64decode,
        "injected": injected,
        "extract": propagator.extract,
        "get_current_span": api.get_current_span,
    }
    body = "'id': 7, 'method': method, 'body': b64encode(payload).decode()"
    read = "m = loads(data); m['id']; m['method']; b64decode(m['body'])"
    yield message(system, WITHOUT, names, encode=f"dumps({{{body}}}).encode()", decode=read)
    yield message(
        system,
        WITH,
        names,
        encode=f"dumps({{{body}, 'headers': injected()}}).encode()",
        decode=f"{read}; get_current_span(extract(m['headers'])).get_span_context()",
    )


SYSTEMS: Final[dict[str, Callable[[str, str, bytes, TraceContext], Iterator[Message]]]] = {
    "msgspec MessagePack": _messagepack,
    "cbor2": _cbor,
    "JSON + OpenTelemetry": _text_map,
}
