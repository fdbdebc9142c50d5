"""How the two sides of a measured connection trace."""

from collections.abc import Callable

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from tracewire.protocol import Tracing


def plain() -> Tracing:
    """As it is where nobody set anything: no SDK."""
    return Tracing()


def off() -> Tracing:
    return Tracing(propagate="off")


def sdk(meter_provider: MeterProvider | None = None) -> Tracing:
    """With an SDK that continues what is sampled, starts no traces and exports nothing."""
    tracer_provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
    return Tracing(tracer_provider=tracer_provider, meter_provider=meter_provider)


def metered() -> Tracing:
    """And that measures the duration of each call."""
    return sdk(MeterProvider(metric_readers=[InMemoryMetricReader()]))


SETTINGS: dict[str, Callable[[], Tracing]] = {
    "plain": plain,
    "off": off,
    "sdk": sdk,
    "metered": metered,
}
