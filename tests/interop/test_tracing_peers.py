"""What spans of calls over real connections say."""

from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind

from tests.interop.places import Place
from tests.unit.telemetry import Telemetry
from tracewire.protocol import Service, Tracing, current_call

ENDS = ("server.address", "server.port", "network.peer.address")


def here() -> None:
    """Served on the side that connects."""


async def back() -> None:
    await current_call().peer.call("here")


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
    host: dict[str, object] = {"network.peer.address": "127.0.0.1"}
    if place.scheme in ("tcp", "tls"):
        to_listener = {**host, "server.address": "127.0.0.1", "server.port": url.port}
        to_connector = host
    else:
        to_listener, to_connector = {"server.address": url.path or url.netloc}, {}
    assert ends(connecting, SpanKind.CLIENT) == ends(listening, SpanKind.SERVER) == to_listener
    assert ends(listening, SpanKind.CLIENT) == ends(connecting, SpanKind.SERVER) == to_connector
