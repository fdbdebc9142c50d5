"""OpenTelemetry: contexts to and from messages, spans and durations of calls.

The functions here are those of a `Tracing` with default settings.
"""

from .tracing import Tracing

__all__ = ["Tracing", "extract", "inject", "received", "wrap"]

_default = Tracing()
wrap = _default.wrap
received = _default.received
inject = _default.inject
extract = _default.extract
