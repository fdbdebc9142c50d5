"""What spans of calls over real connections say: of the ends, and of how a request ended."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.context import get_current
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from tests.interop.calls import Gate, begin, failure
from tests.interop.places import Place
from tests.unit.telemetry import SAMPLED, Telemetry, attached, remote
from tracewire.codec import Frame, Kind, Status, TraceContext, encode_request
from tracewire.codec.constants import TIMEOUT, TRACE, TRACESTATE
from tracewire.protocol import Limits, Service, Tracing, current_call

ENDS = ("server.address", "server.port", "network.peer.address", "network.peer.port")
SIDES = (SpanKind.CLIENT, SpanKind.SERVER)


def here() -> None:
    """Served on the side that connects."""


async def back() -> None:
    await current_call().peer.call("here")


def long() -> bytes:
    return bytes(65_536)


def serving(function: Any) -> Service:
    service = Service()
    service.method(function)
    return service


def ends(telemetry: Telemetry, kind: SpanKind) -> dict[str, object]:
    """What the one span of this kind says of the ends of its connection."""
    (span,) = (span for span in telemetry.spans if span.kind is kind)
    assert span.attributes is not None
    return {name: span.attributes[name] for name in ENDS if name in span.attributes}


async def test_spans_of_calls_in_both_directions_say_where_they_went(place: Place) -> None:
    listening, connecting = Telemetry(), Telemetry()
    served = Tracing(tracer_provider=listening)
    connected = Tracing(tracer_provider=connecting)
    async with (
        await place.serve(serving(back), tracing=served) as server,
        place.connect(server, serving(here), tracing=connected) as peer,
    ):
        await peer.call("back")
        url = urlsplit(server.url)
    if place.scheme in ("tcp", "tls"):
        # Who listens does not know by which name and port it was reached.
        (listener,) = {ends(listening, kind).pop("network.peer.port") for kind in SIDES}
        host: dict[str, object] = {"network.peer.address": "127.0.0.1"}
        at_listener = {**host, "network.peer.port": listener}
        at_connector = {**host, "network.peer.port": url.port}
        assert isinstance(listener, int)
        assert listener != url.port
        known = {"server.address": "127.0.0.1", "server.port": url.port}
        assert ends(connecting, SpanKind.CLIENT) == {**at_connector, **known}
        assert ends(connecting, SpanKind.SERVER) == at_connector
        assert ends(listening, SpanKind.CLIENT) == ends(listening, SpanKind.SERVER) == at_listener
    else:
        path = {"server.address": url.path or url.netloc}
        assert ends(connecting, SpanKind.CLIENT) == ends(listening, SpanKind.SERVER) == path
        assert ends(listening, SpanKind.CLIENT) == ends(connecting, SpanKind.SERVER) == {}


async def outcome(place: Place, *frames: Frame | bytes) -> tuple[Frame, ReadableSpan]:
    """The answer to a request of a method that waits, and the span of its handling."""
    telemetry, gate = Telemetry(), Gate()
    tracing = Tracing(tracer_provider=telemetry, trust="parent")
    async with (
        await place.serve(gate.service, tracing=tracing) as server,
        await place.raw(server) as raw,
    ):
        raw.say(*frames[:1])
        await gate.began.get()
        raw.say(*frames[1:])
        hello, answer = await raw.hear(), await raw.hear()
    assert hello.kind is Kind.HELLO
    (span,) = telemetry.spans
    return answer, span


def said(span: ReadableSpan) -> tuple[object, object, StatusCode]:
    assert span.attributes is not None
    status = span.attributes["rpc.status_code"]
    return status, span.attributes.get("error.type"), span.status.status_code


async def test_a_request_that_its_deadline_ends_is_traced_as_it_is_answered(place: Place) -> None:
    request = encode_request(1, "wait", b"", SAMPLED, {TIMEOUT: 50_000})
    answer, span = await outcome(place, request)
    assert answer.status is Status.DEADLINE_EXCEEDED
    assert said(span) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", StatusCode.ERROR)


async def test_a_request_that_its_caller_cancels_is_no_fault_of_the_server(place: Place) -> None:
    request = encode_request(1, "wait", b"", SAMPLED)
    answer, span = await outcome(place, request, Frame(Kind.CANCEL, 1, 0))
    assert answer.status is Status.CANCELLED
    assert said(span) == ("CANCELLED", None, StatusCode.UNSET)


async def test_a_result_that_the_caller_does_not_take_is_traced_as_it_is_answered(
    place: Place,
) -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    limits = Limits(max_frame=65_536)
    async with (
        await place.serve(serving(long), tracing=tracing) as server,
        place.connect(server, limits=limits) as peer,
    ):
        error = await failure(peer.call("long"))
    (span,) = telemetry.spans
    assert error.status is Status.RESOURCE_EXHAUSTED
    assert said(span)[0] == "RESOURCE_EXHAUSTED"


async def test_a_call_that_is_cancelled_is_traced_as_cancelled(plain: Place) -> None:
    telemetry, gate = Telemetry(), Gate()
    tracing = Tracing(tracer_provider=telemetry)
    async with (
        await plain.serve(gate.service) as server,
        plain.connect(server, tracing=tracing) as peer,
    ):
        call = await begin(peer.call("wait"), gate)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    (span,) = telemetry.spans
    assert said(span) == ("CANCELLED", "CANCELLED", StatusCode.ERROR)


async def test_a_message_carries_the_current_context_where_it_is_framed(place: Place) -> None:
    service = Service()
    heard: asyncio.Queue[Frame] = asyncio.Queue()

    @service.on_message
    async def hear(message: bytes) -> None:
        heard.put_nowait(current_call().frame)

    async with await place.serve(service, mode="both") as server:
        for mode, trace in (("framed", SAMPLED), ("bare", None)):
            async with place.connect(server, mode=mode) as peer:
                with attached(remote(SAMPLED)):
                    await peer.send(b"message")
                frame = await heard.get()
                assert (frame.payload, frame.trace) == (b"message", trace)


async def test_a_response_says_nothing_of_a_trace(plain: Place) -> None:
    """T-14: not even where its handler was sampled."""
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry, trust="parent")
    async with (
        await plain.serve(serving(long), tracing=tracing) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(encode_request(1, "long", trace=SAMPLED))
        answers = [await raw.hear() for _ in range(2)]
        (answer,) = (frame for frame in answers if frame.kind == Kind.RESPONSE)
        assert answer.raw_extensions.keys() & {TRACE, TRACESTATE} == set()
        assert len(telemetry.spans) == 1


async def test_a_trace_in_a_response_is_ignored(plain: Place) -> None:
    """T-15: what is current around the call stays."""
    telemetry = Telemetry()

    async def asking() -> bool:
        before = get_current()
        await current_call().peer.call("back")
        return get_current() == before

    tracing = Tracing(tracer_provider=telemetry, trust="parent")
    async with (
        await plain.serve(serving(asking), tracing=tracing) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(encode_request(1, "asking", trace=SAMPLED))
        while (heard := await raw.hear()).kind != Kind.REQUEST:
            pass
        raw.say(Frame(Kind.RESPONSE, heard.id, 0, b"", TraceContext(1, 1, 1)))
        assert (await raw.hear()).payload == b"\xf5"
    assert {span.context.trace_id for span in telemetry.spans} == {SAMPLED.trace_id}
    assert [link for span in telemetry.spans for link in span.links] == []
