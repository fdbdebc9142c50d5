"""Trace context of OpenTelemetry, to and from messages.

Three states travel: undecided (the receiver's sampler decides), decided not sampled (no root below,
whoever asks), and ids. What is not sampled costs no SDK call, no text map and no reading of ids.
"""

import time
from collections.abc import Callable, Container
from logging import getLogger
from random import Random
from typing import Final, TypeAlias, get_args

from opentelemetry import trace as api
from opentelemetry.context import Context, get_current
from opentelemetry.metrics import MeterProvider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Link, Span, SpanKind, set_span_in_context

from tracewire import codec
from tracewire.codec import NOT_SAMPLED, Frame, TraceContext
from tracewire.codec.constants import FANOUT
from tracewire.codec.writing import Buffer, Extensions, Trace

from ..constants import TRUSTS, Mode, Trust
from ..draws import RANDOM
from ..errors import RpcError
from ..fence import FENCE
from .context import SPAN_KEY, Values, around, current_span, is_suppressed, trace_of
from .counters import export_self_cost
from .fanout import FanOut
from .gate import Gate, links_of, links_of_child, thinned
from .policy import POLICIES, Propagate
from .propagators import ForeignPropagators, with_baggage
from .received import Received
from .sampling import ALONE, Rate, default_rate, how_many, ratio_below
from .semconv import NOWHERE, NetworkAttributes
from .spans import CallRecorder, CallTelemetry
from .trust import RateLimit

_logger: Final = getLogger("tracewire.tracing")
_UNREADABLE: Final = "the context of a span could not be read"

#: Makes bytes of a trace and extensions.
Encode: TypeAlias = Callable[[Trace, Extensions | None], bytes]


class Tracing:
    """How an application sends, trusts and records traces. May be shared by threads.

    ``propagate``: what is sent (the table of section 8 of the specification). ``off`` sends nothing
    and starts no spans; what arrives is still continued. ``trust``: of `received`, `extract` and
    every listener; None is *parent* for the former, and by the URL for listeners. ``baggage``:
    whether it is sent and read. ``tracer_provider``, ``propagator``: the application's global ones
    unless given. ``meter_provider``: where given, durations of calls and the counts of `self_cost`
    are recorded. ``stranger_roots``: how many roots a second callers may cause who are not trusted
    as parents. ``clock``: seconds that only grow, for that rate. ``fanout_rate``: the part of so
    many recipients that keeps a trace. ``random``: what chooses them.
    """

    def __init__(
        self,
        propagate: Propagate = "ids",
        trust: Trust | None = None,
        *,
        baggage: bool = False,
        tracer_provider: api.TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
        stranger_roots: float = 100.0,
        fanout_rate: Rate = default_rate,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        if propagate not in POLICIES:
            raise ValueError(f"propagate must be one of {get_args(Propagate)}, not {propagate!r}")
        if trust is not None and trust not in TRUSTS:
            raise ValueError(f"trust must be one of {TRUSTS}, not {trust!r}")
        self.propagate, self.trust = propagate, trust
        self._sends, self._sends_ids, self._not_sampled = POLICIES[propagate]
        self._given_trust: Trust = trust or "parent"
        self._baggage = baggage
        self._propagators = ForeignPropagators(propagator, baggage)
        self._rate, self._random = fanout_rate, random or RANDOM
        roots = RateLimit(stranger_roots, clock)
        self._gate = Gate(roots, fanout_rate, self._random, self._propagators, baggage)
        self._calls = CallRecorder(tracer_provider, meter_provider)
        self._records = self._sends or self._calls.timed
        if meter_provider is not None:
            export_self_cost(meter_provider)

    # For a transport that the application already has.

    def wrap(self, message: Buffer, extensions: Extensions | None = None) -> bytes:
        """The message in an envelope that carries the current context.

        ``extensions``: keys and values of the application, and known keys but 1 and 3, as
        `tracewire.codec.wrap` takes them.
        """
        trace, extensions = self.inject(extensions)
        return codec.wrap(message, trace, extensions)

    def fan_out(self, message: Buffer, recipients: int) -> FanOut:
        """The envelopes of a message for so many recipients, to be sent to one each.

        ValueError for less than none.
        """
        return self.copies(recipients, lambda trace, keys: codec.wrap(message, trace, keys))

    def broadcast(self, message: Buffer, receivers: int) -> bytes:
        """One envelope for so many receivers, who draw themselves which of them are sampled.

        For brokers, where the sender cannot choose. ValueError for less than none.
        """
        _check_count(receivers)
        if not self._sends:
            return codec.wrap(message)
        context, span, trace, extensions = self._current(None, None)
        if (
            span is None
            or not isinstance(trace, TraceContext)
            or not trace.sampled
            or not receivers
        ):
            return codec.wrap(message, NOT_SAMPLED, extensions)  # T-9
        asking = *ratio_below(context, trace.trace_id).times(1, 1), receivers  # T-10
        extensions = {**(extensions or {}), FANOUT: asking}
        return codec.wrap(message, trace, self._carried(context, span, trace, extensions))

    def received(
        self, data: Buffer, *, mode: Mode = "both", understood: Container[int] = ()
    ) -> Received:
        """A context manager, inside of which the message's context is current. Starts no span.

        Arguments and errors are those of `tracewire.codec.unwrap`.
        """
        return Received(codec.unwrap(data, mode=mode, understood=understood), self)

    # For encoders and decoders of frames.

    def inject(
        self, extensions: Extensions | None = None, span: Span | None = None
    ) -> tuple[Trace, Extensions | None]:
        """A span's context as encoders take it: ``trace`` and ``extensions``.

        ``extensions``: all that the frame will have. They are not changed, but come back with
        baggage, the numbers of the fan-out that this is below, and a foreign propagator's carrier
        where there are any. ``span``: None is the current one.
        """
        if not self._sends:
            return None, extensions
        context = get_current()
        if self._baggage:
            extensions = with_baggage(context, extensions)
        if span is None:
            span = context.get(SPAN_KEY)  # type: ignore[assignment]
        trace = None
        if span is not None:
            try:
                trace = trace_of(span, context)
            except BaseException as error:
                FENCE.contain(_logger, _UNREADABLE, error)
        if span is None or trace is None:
            # An exporter's own calls must not become roots at the collector.
            return (NOT_SAMPLED if is_suppressed(context) else None), extensions  # T-4
        if not trace.sampled:
            return (trace if self._sends_ids else self._not_sampled), extensions
        ratio = ratio_below(context, trace.trace_id)  # type: ignore[union-attr]
        if ratio != ALONE and (extensions is None or FANOUT not in extensions):
            extensions = {**(extensions or {}), FANOUT: tuple(ratio)}
        return trace, self._carried(context, span, trace, extensions)  # type: ignore[arg-type]

    def extract(self, frame: Frame) -> Context:
        """The context to handle a message under: the surrounding one with the caller's span.

        Where the caller decided nothing there is no span, and a root may start. A bare message
        says nothing, and leaves the context as it is.
        """
        values = self.read(frame)
        return get_current() if values is None else around(values, get_current())

    def read(self, frame: Frame) -> Values | None:
        """What a message puts into the context, each time anew; None where it leaves it alone."""
        if frame.kind is None:
            context = get_current()
            span = current_span(context)
            current = span is not None and self._trace_of(span, context) is not None
            return self._gate.bare(self._given_trust, current)
        return self._gate.hand_out(frame, self._given_trust)

    def links(self, frame: Frame, trust: Trust | None = None) -> list[Link]:
        """What a span of a message's handling is linked to. ``trust``: None is this object's.

        *parent*: the context that created the message, its own where it names no other, with the
        numbers of its fan-out. *link*: the caller's ids. *ignore*: nothing.
        """
        return links_of(frame, trust or self._given_trust)

    def copies(
        self, recipients: int, encode: Encode, extensions: Extensions | None = None
    ) -> FanOut:
        """The copies of what ``encode`` makes of a trace and extensions, as `fan_out` says.

        ``extensions``: all that the frame will have.
        """
        _check_count(recipients)
        if not recipients:
            return FanOut(0, 0, b"", b"", self._random)
        if not self._sends:
            plain = encode(None, extensions)
            return FanOut(recipients, 0, plain, plain, self._random)
        context, span, trace, extensions = self._current(extensions, None)
        unsampled = encode(NOT_SAMPLED, extensions)
        if span is None or not isinstance(trace, TraceContext) or not trace.sampled:
            return FanOut(recipients, 0, unsampled, unsampled, self._random)  # T-9
        keeping = how_many(recipients, self._rate, self._random)  # T-8
        if keeping < recipients:
            trace = thinned(trace)
        ratio = ratio_below(context, trace.trace_id).times(recipients, keeping)
        extensions = {**(extensions or {}), FANOUT: tuple(ratio)}
        sampled = encode(trace, self._carried(context, span, trace, extensions))
        return FanOut(recipients, keeping, sampled, unsampled, self._random)

    # For peers.

    def client(self, method: str, network: NetworkAttributes = NOWHERE) -> CallTelemetry | None:
        """A call that an application asks for: what to finish with what it gets.

        None where it is neither traced nor timed. Its ``span`` is to be given to `inject`. Below
        what is not sampled no span is started; where nothing is decided the sampler is asked once,
        and its answer sent.
        """
        if not self._records:
            return None
        context = get_current()
        span: Span | None = context.get(SPAN_KEY)  # type: ignore[assignment]
        trace = None
        if span is not None:
            try:
                trace = trace_of(span, context)
            except BaseException as error:
                FENCE.contain(_logger, _UNREADABLE, error)
        decided = trace is not None and not trace.sampled
        if decided and not self._calls.timed:
            return None
        traced = self._sends and not decided
        if not self._calls.records(traced) or is_suppressed(context):
            return None
        ratio = ALONE
        if isinstance(trace, TraceContext):
            ratio = ratio_below(context, trace.trace_id)
        return self._calls.begin(SpanKind.CLIENT, method, network, traced=traced, ratio=ratio)

    def server(
        self, frame: Frame, trust: Trust, network: NetworkAttributes = NOWHERE, served: bool = True
    ) -> tuple[Context, CallTelemetry | None]:
        """A request or notification that arrived: the context to attach, and what to finish.

        ``served``: whether there is such a method, as far as was asked. The last is None where it
        is neither traced nor timed.
        """
        values = self._gate.admit(frame, trust)
        surroundings = get_current()
        context = around(values, surroundings) if surroundings else Context(values)
        message = values.get(SPAN_KEY)
        decided = message is not None and not message.trace.sampled  # type: ignore[attr-defined]
        if not self._records or (decided and not self._calls.timed):
            if trust != "parent" and not decided:
                self._gate.pay()
            return context, None
        traced = self._sends and not decided
        telemetry = None
        if self._calls.records(traced) and not is_suppressed(context):
            telemetry = self._begin(frame, trust, network, context, traced, served)
        span = None if telemetry is None else telemetry.span
        if span is not None:
            context = set_span_in_context(span, context)
        recording = span is not None and span.is_recording()
        if trust != "parent" and not decided and (span is None or recording):
            self._gate.pay()
        return context, telemetry if recording or self._calls.timed else None

    def message(self, frame: Frame, trust: Trust) -> Context:
        """A message without a method that arrived over a connection: the context to attach."""
        return around(self._gate.hand_out(frame, trust), get_current())

    def refused(
        self, frame: Frame, trust: Trust, network: NetworkAttributes, error: RpcError
    ) -> None:
        """A request or notification that was refused before its method was asked for."""
        _, telemetry = self.server(frame, trust, network, served=False)
        if telemetry is not None:
            telemetry.finish(error.status, error)

    # How a span becomes what is sent.

    def _begin(
        self,
        frame: Frame,
        trust: Trust,
        network: NetworkAttributes,
        context: Context,
        traced: bool,
        served: bool,
    ) -> CallTelemetry | None:
        links, ratio = [], ALONE
        if traced:
            links = links_of_child(frame, trust)
            if isinstance(frame.trace, TraceContext):
                ratio = ratio_below(context, frame.trace.trace_id)
        return self._calls.begin(
            SpanKind.SERVER,
            frame.method or "",
            network,
            traced=traced,
            served=served,
            context=context,
            links=links,
            ratio=ratio,
        )

    def _current(
        self, extensions: Extensions | None, span: Span | None
    ) -> tuple[Context, Span | None, Trace, Extensions | None]:
        """The context, its span unless another is given, the span's trace, and baggage."""
        context = get_current()
        if self._baggage:
            extensions = with_baggage(context, extensions)
        if span is None:
            span = current_span(context)
        trace = None if span is None else self._trace_of(span, context)
        return context, span, trace, extensions

    def _trace_of(self, span: Span, context: Context) -> Trace:
        try:
            return trace_of(span, context)
        except BaseException as error:
            FENCE.contain(_logger, _UNREADABLE, error)
            return None

    def _carried(
        self, context: Context, span: Span, trace: TraceContext, extensions: Extensions | None
    ) -> Extensions | None:
        """The extensions with what foreign propagators say of a sampled span."""
        if not self._propagators.current:
            return extensions
        return self._propagators.inject(context, span, trace, extensions)


def _check_count(recipients: int) -> None:
    if recipients < 0:
        raise ValueError(f"a message goes to no recipient or more, not to {recipients}")
