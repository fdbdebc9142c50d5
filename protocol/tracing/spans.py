"""One side of a call while it runs: the span and the duration that its end completes."""

import os
import time
from asyncio import CancelledError
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)

from tracewire import __version__
from tracewire.codec import Status

from ..errors import RpcError
from . import semconv as name
from .semconv import Attributes, NetworkAttributes

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider

#: Where the API keeps the application's provider. It has no public way to ask that costs less than
#: a span; should the name go, every call asks for a span, and nothing else changes.
_PROVIDER: Final = "_TRACER_PROVIDER"


class CallTelemetry:
    """A call that is traced, timed, or both. Its owner ends it once, by ``finish``."""

    __slots__ = ("_attributes", "_histogram", "_kind", "_span", "_started")

    def __init__(
        self,
        kind: SpanKind,
        span: Span | None,
        histogram: "Histogram | None",
        attributes: Attributes,
    ) -> None:
        """``attributes``: of the histogram's series."""
        self._kind, self._span, self._histogram = kind, span, histogram
        self._attributes = attributes
        self._started = time.perf_counter()

    def finish(self, status: Status, error: BaseException | None = None) -> None:
        """Ends it. ``error``: what failed it, where there is more to say than the status."""
        if status is Status.OK and self._histogram is None and self._span is not None:
            self._span.set_attribute(name.STATUS_CODE, "OK")
            self._span.end()
            return
        outcome: dict[str, str | int] = {name.STATUS_CODE: status.name}
        if self._failed(status):
            outcome[name.ERROR_TYPE] = _error_type(status, error)
        if self._span is not None:
            self._span.set_attributes(outcome)
            if name.ERROR_TYPE in outcome:
                self._span.set_status(StatusCode.ERROR, _description(error))
            self._span.end()
        if self._histogram is not None:
            took = time.perf_counter() - self._started
            self._histogram.record(took, {**self._attributes, **outcome}, self._context())

    def _failed(self, status: Status) -> bool:
        if self._kind is SpanKind.SERVER:
            return status in name.SERVER_FAULTS
        return status is not Status.OK

    def _context(self) -> Context | None:
        """The context that the exemplar is taken from."""
        return None if self._span is None else set_span_in_context(self._span, Context())


def _error_type(status: Status, error: BaseException | None) -> str:
    if error is None or isinstance(error, (RpcError, CancelledError)):
        return status.name
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )


def _description(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return error.message if isinstance(error, RpcError) else str(error)


class CallRecorder:
    """Begins the spans and durations of calls.

    ``timed``: whether durations are recorded, which a meter provider asks for.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None, meter_provider: "MeterProvider | None"
    ) -> None:
        self._tracer_provider = tracer_provider
        self._named = tracer_provider is not None or OTEL_PYTHON_TRACER_PROVIDER in os.environ
        self._durations = {} if meter_provider is None else name.durations(meter_provider)
        self.timed = bool(self._durations)

    def records(self, traced: bool) -> bool:
        """Whether anything may come of a call: nothing does until the application has an SDK."""
        if self.timed:
            return True
        return traced and (self._named or getattr(api, _PROVIDER, self) is not None)

    @cached_property
    def _tracer(self) -> Tracer:
        """Asked for late: the application's provider may be set after this was imported."""
        return get_tracer(
            name.SCOPE, __version__, self._tracer_provider, schema_url=name.SCHEMA_URL
        )

    def begin(
        self,
        kind: SpanKind,
        method: str,
        endpoint: NetworkAttributes,
        traced: bool,
        served: bool = True,
        context: Context | None = None,
        links: Sequence[Link] = (),
    ) -> tuple[Span | None, CallTelemetry | None]:
        """The span that was started, if ``traced``; and what to finish, if anything is recorded."""
        shown = method if served else name.OTHER
        common: dict[str, str | int] = {name.SYSTEM: "tracewire", name.METHOD: shown}
        span = recording = None
        if traced:
            original = {} if served else {name.METHOD_ORIGINAL: method}
            attributes = {**common, **endpoint.span, **original}
            span = self._tracer.start_span(shown, context, kind, attributes, links)
            recording = span if span.is_recording() else None
        histogram = self._durations.get(kind)
        if recording is None and histogram is None:
            return span, None
        return span, CallTelemetry(kind, recording, histogram, {**common, **endpoint.series})
