"""OpenTelemetry's baggage, to and from extension 5."""

from collections.abc import Mapping

from opentelemetry import baggage
from opentelemetry.context import Context

from tracewire.codec import Frame
from tracewire.codec.constants import BAGGAGE

#: Where a Context keeps its baggage: asked of the API, which has no public name for it.
(_KEY,) = baggage.set_baggage("any", "any", Context())


def with_baggage(extensions: dict[int | str, object] | None) -> dict[int | str, object] | None:
    """The extensions with the current baggage, if there is any."""
    entries = {name: str(value) for name, value in baggage.get_all().items()}
    return {**(extensions or {}), BAGGAGE: entries} if entries else extensions


def under_baggage(frame: Frame, context: Context) -> Context:
    """The context with the baggage that came with a message."""
    entries = frame.extensions.get(BAGGAGE)
    # A dict of its own, for the API takes no other mapping.
    return Context({**context, _KEY: dict(entries)}) if isinstance(entries, Mapping) else context
