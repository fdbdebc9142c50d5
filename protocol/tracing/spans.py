"""One side of a call while it runs: the span and the duration that its end completes."""

import os
import time
from collections.abc import Sequence
from functools import cached_property
from logging import getLogger
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
from ..fence import FENCE, shown
from . import semconv as name
from .gate import attributes_of
from .sampling import ALONE, SamplingRatio
from .semconv import NetworkAttributes

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

#: Where the API keeps the application's provider. It has no public way to ask that costs less than
#: a span; should the name go, every call asks for a span, and nothing else changes.
_PROVIDER: Final = "_TRACER_PROVIDER"
#: Methods that get series of their own at the client. All others are one.
MOST_METHODS: Final = 1_000

_logger: Final = getLogger("tracewire.tracing")


class CallTelemetry:
    """A call that is traced, timed, or both. Its owner ends it once, by ``finish``.

    ``span``: what is sent of it and current below it, None where it has none.
    """

    __slots__ = ("_kind", "_method", "_network", "_recorder", "_started", "span")

    def __init__(
        self,
        recorder: "CallRecorder",
        kind: SpanKind,
        span: Span | None,
        method: str,
        network: NetworkAttributes,
    ) -> None:
        self._recorder, self._kind, self.span = recorder, kind, span
        self._method, self._network = method, network
        self._started = time.perf_counter()

    def reached(self, network: NetworkAttributes) -> None:
        """A connection was found for it: the other end is known."""
        if self.span is not None:
            try:
                self.span.set_attributes(network.of_peer)
            except BaseException as error:
                FENCE.contain(_logger, "a span failed", error)

    def finish(self, status: Status, error: BaseException | None = None) -> None:
        """Ends it. ``error``: what failed it, where there is more to say than the status."""
        outcome: dict[str, str | int] = {name.STATUS_CODE: status.name}
        if status is not Status.OK and self._failed(status):
            outcome[name.ERROR_TYPE] = status.name
        if self.span is not None:
            _end(self.span, outcome, error)
        histogram = self._recorder.durations.get(self._kind)
        if histogram is not None:
            took = time.perf_counter() - self._started
            series = {**self._series(status), **outcome}
            try:
                histogram.record(took, series, self._exemplar())
            except BaseException as failed:
                FENCE.contain(_logger, "the histogram of durations failed", failed)

    def _failed(self, status: Status) -> bool:
        return self._kind is not SpanKind.SERVER or status in name.SERVER_FAULTS

    def _series(self, status: Status) -> dict[str, str | int]:
        """A server's own address would make new series with each of its starts."""
        if self._kind is SpanKind.SERVER:
            return {name.SYSTEM: name.TRACEWIRE, name.METHOD: self._method}
        method = self._recorder.series_of(self._method, status)
        return {name.SYSTEM: name.TRACEWIRE, name.METHOD: method, **self._network.series}

    def _exemplar(self) -> Context | None:
        """The Context of the exemplar."""
        return None if self.span is None else set_span_in_context(self.span, Context())


def _end(span: Span, outcome: dict[str, str | int], error: BaseException | None) -> None:
    """Whatever fails on the way, it is ended."""
    try:
        span.set_attributes(outcome)
        if name.ERROR_TYPE in outcome:
            span.set_status(StatusCode.ERROR, _description(error))
    except BaseException as failed:
        FENCE.contain(_logger, "a span failed", failed)
    try:
        span.end()
    except BaseException as failed:
        FENCE.contain(_logger, "the end of a span failed", failed)


def _description(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return shown(error.message if isinstance(error, RpcError) else error)


class CallRecorder:
    """Begins the spans and durations of calls.

    ``durations``: the histograms of both sides, none unless a meter provider asks for them.
    ``timed``: whether there are any.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None, meter_provider: "MeterProvider | None"
    ) -> None:
        self._tracer_provider = tracer_provider
        self._named = tracer_provider is not None or OTEL_PYTHON_TRACER_PROVIDER in os.environ
        self.durations = {} if meter_provider is None else name.durations(meter_provider)
        self.timed = bool(self.durations)
        self._methods: set[str] = set()

    def records(self, traced: bool) -> bool:
        """Whether anything may come of a call: nothing does until the application has an SDK."""
        if self.timed:
            return True
        return traced and (self._named or getattr(api, _PROVIDER, self) is not None)

    def series_of(self, method: str, status: Status) -> str:
        """The method that a client's duration counts for.

        One that nobody served so far has no series: a gateway's callers would name them.
        """
        if method not in self._methods:
            if status is Status.UNIMPLEMENTED or len(self._methods) >= MOST_METHODS:
                return name.OTHER
            self._methods.add(method)
        return method

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
        network: NetworkAttributes,
        *,
        traced: bool,
        served: bool = True,
        context: Context | None = None,
        links: Sequence[Link] = (),
        ratio: SamplingRatio = ALONE,
    ) -> CallTelemetry | None:
        """A call that begins; None where nothing is to be finished.

        ``traced``: whether it has a span. ``served``: whether it is known to have such a method.
        ``ratio``: of the fan-out that it is below.
        """
        method = shown(method)
        named = method if served else name.OTHER
        span = None
        if traced:
            attributes: dict[str, str | int] = {
                name.SYSTEM: name.TRACEWIRE,
                name.METHOD: named,
                **network.span,
            }
            if network.peer_port is not None:
                attributes[name.PEER_PORT] = network.peer_port
            if not served and method:
                attributes[name.METHOD_ORIGINAL] = method
            if ratio != ALONE:
                attributes |= attributes_of(ratio)
            title = method if served else name.TRACEWIRE
            try:
                span = self._tracer.start_span(title, context, kind, attributes, links)
                if not span.get_span_context().is_valid:
                    span = None  # of a provider that records nothing
            except BaseException as error:
                span = None
                FENCE.contain(_logger, "a span could not be started", error)
        if span is None and kind not in self.durations:
            return None
        return CallTelemetry(self, kind, span, named, network)
