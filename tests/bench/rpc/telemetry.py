"""How the two sides of a measured connection trace."""

from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from tracewire.protocol import Tracing


def plain() -> Tracing:
    """As it is where nobody set anything: no SDK."""
    return Tracing()


def off() -> Tracing:
    return Tracing(propagate="off")


def sdk() -> Tracing:
    """With an SDK that samples 1 in 100 of what nobody decided yet, and exports nothing."""
    sampler = ParentBased(TraceIdRatioBased(0.01))
    return Tracing(tracer_provider=TracerProvider(sampler=sampler))


SETTINGS: dict[str, Callable[[], Tracing]] = {"plain": plain, "off": off, "sdk": sdk}
