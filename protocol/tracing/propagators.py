"""What travels beside the trace: OpenTelemetry's baggage, and what foreign propagators inject.

Baggage has key 5. What a propagator that is not W3C's injects rides as a text map under one text
key, without the headers of trace context and baggage, which have keys of their own. A carrier rides
with sampled contexts only: what has to travel always is baggage or metadata.
"""

from collections.abc import Mapping
from logging import getLogger
from typing import Final

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, set_span_in_context

from tracewire.codec import Frame, FrameError, TraceContext, decode, wrap
from tracewire.codec.constants import BAGGAGE, MAX_TIMEOUT, TIMEOUT
from tracewire.codec.writing import Extensions

from ..constants import RESERVED_PREFIX
from .counters import COST

CARRIER: Final = f"{RESERVED_PREFIX}carrier"
W3C_FIELDS: Final = frozenset({"traceparent", "tracestate", "baggage"})

_logger = getLogger("tracewire.tracing")


#: Where a Context keeps its baggage: asked of the API, which has no public name for it.
(_BAGGAGE_KEY,) = baggage.set_baggage("any", "any", Context())


def with_baggage(extensions: Extensions | None) -> Extensions | None:
    """The extensions with the current baggage, if there is any."""
    entries = {name: str(value) for name, value in baggage.get_all().items()}
    return {**(extensions or {}), BAGGAGE: entries} if entries else extensions


def under_baggage(frame: Frame, context: Context) -> Context:
    """The context with the baggage that came with a message."""
    entries = frame.extensions.get(BAGGAGE)
    # A dict of its own, for the API takes no other mapping.
    return (
        Context({**context, _BAGGAGE_KEY: dict(entries)})
        if isinstance(entries, Mapping)
        else context
    )


def is_foreign(propagator: TextMapPropagator) -> bool:
    """Whether it injects anything beside what has keys of its own."""
    return not propagator.fields <= W3C_FIELDS


def with_carrier(
    propagator: TextMapPropagator,
    span: Span,
    trace: TraceContext,
    extensions: Extensions | None,
) -> Extensions | None:
    """The extensions with the carrier, without it where it does not fit or cannot be made."""
    carrier: dict[str, str] = {}
    try:
        propagator.inject(carrier, set_span_in_context(span))
        carrier = {name: text for name, text in carrier.items() if name not in W3C_FIELDS}
        extended: Extensions = {**(extensions or {}), CARRIER: carrier}
        if not carrier:
            return extensions
        if _fits(trace, extensions, extended):
            return extended
    except FrameError:
        pass  # it cannot be encoded
    except Exception:
        _logger.exception("%r could not inject its context, which was left out", propagator)
    COST.carriers_shed += 1
    return extensions


def _fits(trace: TraceContext, without: Extensions | None, extended: Extensions) -> bool:
    """Whether a carrier costs nothing else its place, a timeout that peers add included."""
    timeout: dict[int | str, object] = {TIMEOUT: MAX_TIMEOUT}
    kept = dict(decode(wrap(b"", trace, {**timeout, **extended})).raw_extensions)
    del kept[CARRIER]
    return kept == decode(wrap(b"", trace, {**timeout, **(without or {})})).raw_extensions


def under_carrier(propagator: TextMapPropagator, frame: Frame, context: Context) -> Context:
    """The context with what the propagator extracts from the message's carrier."""
    read = frame.extensions.get(CARRIER)
    if read is None:
        return context
    pairs = read.items() if isinstance(read, Mapping) else ()
    carrier = {
        name: text
        for name, text in pairs
        if isinstance(name, str) and isinstance(text, str) and name not in W3C_FIELDS
    }
    try:
        return propagator.extract(carrier, context)
    except Exception:
        COST.carriers_unusable += 1
        _logger.exception("%r could not extract its context, which was passed over", propagator)
        return context
