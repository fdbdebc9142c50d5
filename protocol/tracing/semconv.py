"""The RPC conventions of OpenTelemetry, stable since 1.45: names, spans' attributes, durations."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
from opentelemetry.trace import SpanKind

from tracewire import __version__
from tracewire.codec import Status

from ..fence import shown

if TYPE_CHECKING:  # to load them takes longer than most applications have use for
    from opentelemetry.metrics import Histogram, Meter, MeterProvider

SCOPE: Final = "tracewire"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.45.0"

SYSTEM: Final = "rpc.system.name"
METHOD: Final = "rpc.method"
METHOD_ORIGINAL: Final = "rpc.method_original"
STATUS_CODE: Final = "rpc.status_code"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
PEER_ADDRESS: Final = "network.peer.address"
PEER_PORT: Final = "network.peer.port"
#: Not of the conventions: how many recipients a fan-out had, and how many keep the trace.
RECIPIENTS: Final = "tracewire.fanout.recipients"
KEPT: Final = "tracewire.fanout.kept"
#: The value of rpc.system.name, and the name of a span whose method is not known.
TRACEWIRE: Final = "tracewire"
#: The method of a call that is not served, since remote text must not name series.
OTHER: Final = "_OTHER"

#: Seconds.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

#: The statuses that a server's span counts as its own failure.
SERVER_FAULTS: Final = frozenset(
    {
        Status.UNKNOWN,
        Status.DEADLINE_EXCEEDED,
        Status.UNIMPLEMENTED,
        Status.INTERNAL,
        Status.UNAVAILABLE,
        Status.DATA_LOSS,
    }
)

Attributes = Mapping[str, str | int]


class NetworkAttributes(msgspec.Struct, frozen=True):
    """What the spans and the series of calls over a connection say of its two ends.

    ``peer_port``: for spans; beside them, so that what connections of one host share stays shared.
    """

    span: Attributes
    series: Attributes
    peer_port: int | None = None

    @property
    def of_peer(self) -> Attributes:
        """What is known of the other end alone."""
        named = {PEER_ADDRESS: self.span.get(PEER_ADDRESS), PEER_PORT: self.peer_port}
        return {name: value for name, value in named.items() if value is not None}


def network_attributes(
    server_address: str | None = None,
    server_port: int | None = None,
    peer_address: str | None = None,
    peer_port: int | None = None,
) -> NetworkAttributes:
    """Made once for a connection. The peer's address, which is remote, names no series."""
    span, series = _of_host(server_address, server_port, peer_address)
    return NetworkAttributes(span, series, peer_port)


@lru_cache(maxsize=1024)
def _of_host(
    server_address: str | None, server_port: int | None, peer_address: str | None
) -> tuple[Attributes, Attributes]:
    """Shared by the connections with one host, so that an idle one holds no more."""
    named = {
        SERVER_ADDRESS: None if server_address is None else shown(server_address),
        SERVER_PORT: server_port,
    }
    series = {name: value for name, value in named.items() if value is not None}
    span = series if peer_address is None else {**series, PEER_ADDRESS: peer_address}
    return span, series


NOWHERE: Final = network_attributes()


def meter_of(meter_provider: "MeterProvider") -> "Meter":
    return meter_provider.get_meter(SCOPE, __version__, schema_url=SCHEMA_URL)


def durations(meter_provider: "MeterProvider") -> "dict[SpanKind, Histogram]":
    """The histograms of both sides' calls."""
    meter = meter_of(meter_provider)
    sides = {SpanKind.CLIENT: "client", SpanKind.SERVER: "server"}
    return {
        kind: meter.create_histogram(
            f"rpc.{side}.call.duration",
            unit="s",
            description=f"Duration of calls at the {side}",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        for kind, side in sides.items()
    }
