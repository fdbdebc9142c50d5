"""Sessions, the connected devices of users, and the ways in which messages for them are read."""

import json
from collections import Counter, deque
from typing import Final

import cbor2
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracewire.codec import Frame, TraceContext, is_frame, peek_trace, unwrap
from tracewire.protocol import Census, Tracing
from tracewire.protocol.operations.traffic import Dialect
from tracewire.protocol.tracing.sampling import current_ratio
from tracewire.protocol.tracing.semconv import KEPT, RECIPIENTS

from .setting import Setting
from .spans import Spans

_TEXT_MAP: Final = TraceContextTextMapPropagator()
_SPAN: Final = "deliver"


class Sessions:
    """All sessions of one process. Each keeps its last messages for the device.

    ``delivered``: how many messages each post has brought.
    """

    def __init__(self, count: int) -> None:
        self._messages: list[deque[bytes]] = [deque(maxlen=4) for _ in range(count)]
        self.delivered: Counter[int] = Counter()

    def deliver(self, session: int, message: bytes) -> None:
        self._messages[session].append(message)
        self.delivered[json.loads(message)["post"]] += 1


class Bare(Sessions):
    """As a process that knows no frames."""

    read = Sessions.deliver


class Framed(Sessions):
    """As a generation 1 process, by its CBOR library alone: what follows the payload is ignored."""

    def read(self, session: int, data: bytes) -> None:
        self.deliver(session, cbor2.loads(data).value[3])


class Traced(Sessions):
    """As a process that uses tracewire, and reads both dialects.

    ``extracted``: how many contexts went through the text map. ``heard``: messages by dialect.
    """

    def __init__(self, name: str, count: int, setting: Setting, spans: Spans) -> None:
        super().__init__(count)
        self.name, self._spans = name, spans
        self.census = Census()
        self.extracted = 0
        self.heard = {"bare": 0, "framed": 0}
        self.set(setting)

    def set(self, setting: Setting) -> None:
        self._tracing = Tracing(setting.policy)
        self._tracer: Tracer | None = None
        if setting.traced:
            self._tracer = self._spans.provider(setting).get_tracer(self.name)
        self._peeks = setting.without != "peek"

    def read(self, session: int, data: bytes) -> None:
        """Only frames are traced: of bare messages each would start a root."""
        tracer = self._tracer if is_frame(data) else None
        if tracer is None or (self._peeks and peek_trace(data) is False):
            with self._tracing.received(data) as got:
                self._handle(session, got.frame)
        elif self._peeks:
            with self._tracing.received(data) as got:
                self._handle_in_span(tracer, session, got.frame)
        else:
            self._extract(tracer, session, data)

    def _extract(self, tracer: Tracer, session: int, data: bytes) -> None:
        """As by the SDK alone: a text map for each message, and a span whatever it says."""
        frame = unwrap(data)
        carrier = {}
        if isinstance(frame.trace, TraceContext):
            carrier["traceparent"] = frame.trace.to_traceparent()
        self.extracted += 1
        token = attach(_TEXT_MAP.extract(carrier, context=self._base(frame)))
        try:
            self._handle_in_span(tracer, session, frame)
        finally:
            detach(token)

    def _base(self, frame: Frame) -> Context:
        """What keeps a message that is decided, or that was fanned out, from starting a root."""
        return Context() if frame.trace is None else self._tracing.extract(frame)

    def _handle_in_span(self, tracer: Tracer, session: int, frame: Frame) -> None:
        with tracer.start_as_current_span(_SPAN, kind=SpanKind.CONSUMER) as span:
            if span.is_recording():
                pair = current_ratio()
                span.set_attributes({RECIPIENTS: pair.recipients, KEPT: pair.kept})
            self._handle(session, frame)

    def _handle(self, session: int, frame: Frame) -> None:
        dialect: Dialect = "bare" if frame.kind is None else "framed"
        self.census.received(self.name, dialect)
        self.heard[dialect] += 1
        self.deliver(session, frame.payload)
