"""Trace context of OpenTelemetry, to and from messages.

Three states travel: undecided (the receiver's sampler decides), decided not sampled (no root below,
whoever asks), and ids. What is not sampled costs no SDK call, no text map and no reading of ids.
"""

import time
from collections.abc import Callable, Container
from logging import getLogger
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry import trace as api
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, Span, SpanKind, set_span_in_context

from tracewire import codec
from tracewire.codec import NOT_SAMPLED, Frame, Trace, TraceContext
from tracewire.codec.constants import FANOUT
from tracewire.codec.writing import Buffer, Extensions

from ..constants import FANOUT_NUMBER, TRUSTS, Mode, Trust, one_of
from ..draws import RANDOM
from ..errors import RpcError
from ..fence import FENCE
from .context import SPAN_KEY, UNREADABLE, Values, around, current_span, is_suppressed, trace_of
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

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.propagators.textmap import TextMapPropagator

_logger: Final = getLogger("tracewire.tracing")

#: Makes bytes of a trace and extensions.
Encode: TypeAlias = Callable[[Trace, Extensions | None], bytes]


class Tracing:
    """How an application sends, trusts and records traces. May be shared by threads.

    It works with opentelemetry-api alone; without an SDK in the application nothing is recorded.
    One serves a whole process: make another where something is to be sent or trusted otherwise.

    Args:
        propagate: what is sent: ids, decision, sampled-only or off (the table of section 8 of the
            specification). ``off`` sends nothing and starts no spans; what arrives is still
            continued.
        trust: of `received`, `extract` and every listener: parent, link or ignore. None is
            *parent* for the former, and by the URL for listeners.
        baggage: whether it is sent and read. It may tell others more than they should know.
        tracer_provider: the application's global one unless given.
        meter_provider: where given, durations of calls and the counts of `self_cost` are recorded;
            the global one is not used.
        propagator: the application's global one unless given.
        stranger_roots: how many roots a second callers may cause who are not trusted as parents.
        fanout_rate: the part of so many recipients that keeps a trace.
        clock: seconds that only grow, for the rate of roots.
        random: what chooses recipients.

    Raises:
        ValueError: a word is none of the option's, or the rate of roots is negative.
    """

    def __init__(
        self,
        propagate: Propagate = "ids",
        trust: Trust | None = None,
        *,
        baggage: bool = False,
        tracer_provider: api.TracerProvider | None = None,
        meter_provider: "MeterProvider | None" = None,
        propagator: "TextMapPropagator | None" = None,
        stranger_roots: float = 100.0,
        fanout_rate: Rate = default_rate,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self.propagate = one_of("propagate", propagate, tuple(POLICIES))
        self.trust = None if trust is None else one_of("trust", trust, TRUSTS)
        if not callable(fanout_rate):
            raise TypeError(f"fanout_rate must be a function, not {fanout_rate!r}")
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

        For one receiver that reads frames. For many, `fan_out` or `broadcast`, or each would record
        a span; where receivers may read none, `Rollout.wrap`.

        Args:
            message: the application's bytes.
            extensions: keys and values of the application, and known keys but 1 and 3, as
                `tracewire.codec.wrap` takes them.

        Returns:
            The bytes to send.

        Raises:
            FrameError: the extensions make no valid frame. Context never does: it is shed.
            TypeError: a value has the wrong type.
        """
        trace, extensions = self.inject(extensions)
        return codec.wrap(message, trace, extensions)

    def fan_out(self, message: Buffer, recipients: int) -> FanOut:
        """The envelopes of a message for so many recipients, to be sent to one each.

        For a sender that knows its recipients; through a broker, `broadcast`.

        Args:
            message: the application's bytes.
            recipients: how many there are; for none there are no envelopes.

        Returns:
            One copy with the trace and one without: iterating gives each recipient's in turn.

        Raises:
            TypeError: it is no whole number.
            ValueError: there are less than none, or more than 2**53.
        """
        return self.copies(recipients, lambda trace, keys: codec.wrap(message, trace, keys))

    def broadcast(self, message: Buffer, receivers: int) -> bytes:
        """One envelope for so many receivers, who draw themselves which of them are sampled.

        For brokers, where the sender cannot choose. Where it can, `fan_out` keeps exactly as many
        as are wanted.

        Args:
            message: the application's bytes.
            receivers: about how many will get it; none keep no trace.

        Returns:
            The bytes to send.

        Raises:
            TypeError: it is no whole number.
            ValueError: there are less than none, or more than 2**53.
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
        asking = *ratio_below(context, trace).times(1, 1), receivers  # T-10
        extensions = {**(extensions or {}), FANOUT: asking}
        return codec.wrap(message, trace, self._carried(context, span, trace, extensions))

    def received(
        self, data: Buffer, *, mode: Mode = "both", understood: Container[int] = ()
    ) -> Received:
        """A context manager, inside of which the message's context is current. Starts no span.

        Args:
            data: the bytes that arrived.
            mode: both reads envelopes and bare messages, framed and bare one of them. Mode both is
                wrong where outsiders choose the first bytes of bare messages (M-6).
            understood: even keys that the application understands.

        Returns:
            What is entered by ``with``: the message's body, its frame, and links for a span.

        Raises:
            FrameError: the bytes are no message of this mode. Drop it, count it, and go on.
            ValueError: the mode is none of the three.
        """
        return Received(codec.unwrap(data, mode=mode, understood=understood), self)

    # For encoders and decoders of frames.

    def inject(
        self, extensions: Extensions | None = None, span: Span | None = None
    ) -> tuple[Trace, Extensions | None]:
        """A span's context as encoders take it.

        Args:
            extensions: all that the frame will have. They are not changed, but come back with
                baggage, the numbers of the fan-out that this is below, and a foreign propagator's
                carrier where there are any.
            span: None is the current one.

        Returns:
            The arguments ``trace`` and ``extensions`` of the codec's encoders.
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
                FENCE.contain(_logger, UNREADABLE, error)
        if span is None or trace is None:
            # An exporter's own calls must not become roots at the collector.
            return (NOT_SAMPLED if is_suppressed(context) else None), extensions  # T-4
        if not trace.sampled:
            return (trace if self._sends_ids else self._not_sampled), extensions
        ratio = ratio_below(context, trace)  # type: ignore[arg-type]
        if ratio != ALONE and (extensions is None or FANOUT not in extensions):
            extensions = {**(extensions or {}), FANOUT: tuple(ratio)}
        return trace, self._carried(context, span, trace, extensions)  # type: ignore[arg-type]

    def extract(self, frame: Frame) -> Context:
        """The context to handle a message under: the surrounding one with the caller's span.

        Where the caller decided nothing there is no span, and a root may start. A bare message
        says nothing, and leaves the context as it is. Each call of it counts as a message, and
        draws anew where a receiver of a `broadcast` is to draw: extract once a message.

        Args:
            frame: as `tracewire.codec.decode` or ``unwrap`` gives it.

        Returns:
            A context, for ``opentelemetry.context.attach``.
        """
        values = self.read(frame)
        return get_current() if values is None else around(values, get_current())

    def read(self, frame: Frame) -> Values | None:
        """What a message puts into the context, each time anew.

        Args:
            frame: as `tracewire.codec.decode` or ``unwrap`` gives it.

        Returns:
            Values by the context's keys; None where it leaves the context alone.
        """
        if frame.kind is None:
            context = get_current()
            span = current_span(context)
            current = span is not None and self._trace_of(span, context) is not None
            return self._gate.bare(self._given_trust, current)
        if self._given_trust == "parent":  # nobody pays
            return self._gate.admit(frame, "parent")
        return self._gate.hand_out(frame, self._given_trust)

    def links(self, frame: Frame, trust: Trust | None = None) -> list[Link]:
        """What a span of a message's handling is linked to.

        Args:
            frame: the message.
            trust: None is this object's.

        Returns:
            Of *parent* the context that created the message, its own where it names no other, with
            the numbers of its fan-out; of *link* the caller's ids; of *ignore* nothing.
        """
        return links_of(frame, trust or self._given_trust)

    def copies(
        self, recipients: int, encode: Encode, extensions: Extensions | None = None
    ) -> FanOut:
        """The copies of a frame of any kind for so many recipients, as `fan_out` says.

        Args:
            recipients: how many there are; for none there are no copies.
            encode: makes bytes of a trace and extensions; it is called at most twice.
            extensions: all that the frame will have.

        Returns:
            One copy with the trace and one without: iterating gives each recipient's in turn.

        Raises:
            TypeError: it is no whole number.
            ValueError: there are less than none, or more than 2**53.
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
        ratio = ratio_below(context, trace).times(recipients, keeping)
        extensions = {**(extensions or {}), FANOUT: tuple(ratio)}
        sampled = encode(trace, self._carried(context, span, trace, extensions))
        return FanOut(recipients, keeping, sampled, unsampled, self._random)

    # For peers.

    def client(
        self, method: str, network: NetworkAttributes = NOWHERE
    ) -> tuple[CallTelemetry | None, Trace]:
        """A call that an application asks for. Below what is not sampled no span is started; where
        nothing is decided the sampler is asked once, and its answer sent.

        Args:
            method: the name that is called.
            network: what the span says of the connection.

        Returns:
            What is to be finished with what the application gets: None where it is neither traced
            nor timed. Its ``span`` is to be given to `inject`. And what is sent of the trace, where
            no more is to be said: None where that is for `inject` to say.
        """
        if not self._records:
            return None, None
        context = get_current()
        span: Span | None = context.get(SPAN_KEY)  # type: ignore[assignment]
        trace = None
        if span is not None:
            try:
                trace = trace_of(span, context)
            except BaseException as error:
                FENCE.contain(_logger, UNREADABLE, error)
        decided = trace is not None and not trace.sampled
        if decided and not self._calls.timed:
            if self._baggage or not self._sends:
                return None, None
            return None, (trace if self._sends_ids else self._not_sampled)
        traced = self._sends and not decided
        if not self._calls.records(traced) or is_suppressed(context):
            return None, None
        ratio = ALONE
        if isinstance(trace, TraceContext):
            ratio = ratio_below(context, trace)
        begun = self._calls.begin(SpanKind.CLIENT, method, network, traced=traced, ratio=ratio)
        return begun, None

    def server(
        self, frame: Frame, trust: Trust, network: NetworkAttributes = NOWHERE, served: bool = True
    ) -> tuple[Context, CallTelemetry | None]:
        """A request or notification that arrived, to be handled in variables of its own.

        Args:
            frame: as it came.
            trust: of who sent it.
            network: what the span says of the connection.
            served: whether there is such a method, as far as was asked.

        Returns:
            The context to attach, and what is to be finished when the handler ended: None where it
            is neither traced nor timed.
        """
        values = self._gate.admit(frame, trust)
        context = around(values, get_current())
        message = values.get(SPAN_KEY) if values else None
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
        recording = span is not None and _is_recording(span)
        if trust != "parent" and not decided and (span is None or recording):
            self._gate.pay()
        return context, telemetry if recording or self._calls.timed else None

    def message(self, frame: Frame, trust: Trust) -> Context:
        """A message without a method that arrived over a connection.

        Args:
            frame: as it came.
            trust: of who sent it.

        Returns:
            The context to attach.
        """
        return around(self._gate.hand_out(frame, trust), get_current())

    def refused(
        self, frame: Frame, trust: Trust, network: NetworkAttributes, error: RpcError
    ) -> None:
        """A request or notification that was refused before its method was asked for.

        Args:
            frame: as it came.
            trust: of who sent it.
            network: what the span says of the connection.
            error: why; its status is the answer's.
        """
        if not self._records:
            return  # nothing is handed out that a stranger would pay for
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
                ratio = ratio_below(context, frame.trace)
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
            FENCE.contain(_logger, UNREADABLE, error)
            return None

    def _carried(
        self, context: Context, span: Span, trace: TraceContext, extensions: Extensions | None
    ) -> Extensions | None:
        """The extensions with what foreign propagators say of a sampled span."""
        if not self._propagators.current:
            return extensions
        return self._propagators.inject(context, span, trace, extensions)


def _is_recording(span: Span) -> bool:
    try:
        return span.is_recording()
    except BaseException as error:
        FENCE.contain(_logger, "a span could not be asked whether it records", error)
        return True


def _check_count(recipients: int) -> None:
    """Whether or not anything is sampled: that does not decide what can be sent."""
    if not isinstance(recipients, int):
        raise TypeError(f"the number of recipients is a whole one, not {recipients!r}")
    if recipients > FANOUT_NUMBER:
        raise ValueError(f"there are at most {FANOUT_NUMBER} recipients, not {recipients}")
    if recipients < 0:
        raise ValueError(f"a message goes to no recipient or more, not to {recipients}")
