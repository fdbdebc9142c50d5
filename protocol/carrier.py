"""Propagators that are not W3C's: what they inject rides as a text map under one text key.

Trace context and baggage have keys of their own, so their headers are left out. A carrier rides
with sampled contexts only: what has to travel always is baggage or metadata.
"""

from collections.abc import Mapping
from logging import getLogger
from typing import Final

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, set_span_in_context

from tracewire.codec import Frame, FrameError, TraceContext, decode, wrap
from tracewire.codec.constants import MAX_TIMEOUT, TIMEOUT

from .constants import RESERVED_PREFIX
from .self_cost import COST

CARRIER: Final = f"{RESERVED_PREFIX}carrier"
W3C_FIELDS: Final = frozenset({"traceparent", "tracestate", "baggage"})

_logger = getLogger("tracewire.tracing")

Extensions = dict[int | str, object]


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
    timeout: Extensions = {TIMEOUT: MAX_TIMEOUT}
    kept = dict(decode(wrap(b"", trace, timeout | extended)).raw_extensions)
    del kept[CARRIER]
    return kept == decode(wrap(b"", trace, timeout | (without or {}))).raw_extensions


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
