"""Trace context of OpenTelemetry, to and from messages.

Three states travel: undecided (the receiver's sampler decides), decided not sampled (no root below,
whoever asks), and ids. What is not sampled costs no SDK call, no text map and no reading of ids.
"""

import time
from collections.abc import Callable, Container
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Link, Span, SpanKind, set_span_in_context

from tracewire import codec
from tracewire.codec import NOT_SAMPLED, Frame, Trace, TraceContext
from tracewire.codec.constants import CREATION, FANOUT
from tracewire.codec.writing import Buffer, Extensions

from ..constants import TRUSTS, Mode, Trust, one_of
from .context import (
    DECIDED,
    UNDECIDED,
    continued,
    current_span,
    is_skipped,
    link_to,
    link_to_stranger,
    skipped,
    trace_of,
)
from .counters import COST, export_self_cost
from .fanout import FanOut
from .policy import POLICIES, Propagate
from .propagators import (
    is_foreign,
    under_baggage,
    under_carrier,
    with_baggage,
    with_carrier,
)
from .received import Received
from .sampling import (
    ALONE,
    Rate,
    SamplingRatio,
    current_ratio,
    default_rate,
    drawn,
    how_many,
    ratio_of,
    with_ratio,
)
from .semconv import KEPT, NOWHERE, RECIPIENTS, NetworkAttributes
from .spans import CallRecorder, CallTelemetry
from .trust import RateLimit

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

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
        propagator: TextMapPropagator | None = None,
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
        self._lean = self._given_trust == "parent" and not baggage
        self._given_propagator = propagator
        self._plain: TextMapPropagator | None = None  # seen last, and not foreign
        self._roots = RateLimit(stranger_roots, clock)
        self._rate, self._random = fanout_rate, random or Random()
        self._calls = CallRecorder(tracer_provider, meter_provider)
        #: Whether a call that is not sampled has nothing but that to say.
        self._plainly = self._sends and not (baggage or self._calls.timed)
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
            recipients: how many there are, at least one.

        Returns:
            One copy with the trace and one without: iterating gives each recipient's in turn.

        Raises:
            ValueError: there is no recipient.
        """
        return self.copies(recipients, lambda trace, keys: codec.wrap(message, trace, keys))

    def broadcast(self, message: Buffer, receivers: int) -> bytes:
        """One envelope for so many receivers, who draw themselves which of them are sampled.

        For brokers, where the sender cannot choose. Where it can, `fan_out` keeps exactly as many
        as are wanted.

        Args:
            message: the application's bytes.
            receivers: about how many will get it, at least one.

        Returns:
            The bytes to send.

        Raises:
            ValueError: there is no receiver.
        """
        _check_count(receivers)
        trace, extensions = self.inject()
        if not self._sends:
            return codec.wrap(message)
        if not isinstance(trace, TraceContext) or not trace.sampled:
            return codec.wrap(message, NOT_SAMPLED, extensions)  # T-9
        asking = *current_ratio().times(1, 1), receivers  # T-10
        return codec.wrap(message, trace, {**(extensions or {}), FANOUT: asking})

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
        return Received(
            codec.unwrap(data, mode=mode, understood=understood), self.extract, self.links
        )

    # For encoders and decoders of frames.

    def inject(
        self, extensions: Extensions | None = None, span: Span | None = None
    ) -> tuple[Trace, Extensions | None]:
        """A span's context as encoders take it.

        Args:
            extensions: all that the frame will have. They are not changed, but come back with
                baggage and a foreign propagator's carrier where there are any.
            span: None is the current one.

        Returns:
            The arguments ``trace`` and ``extensions`` of the codec's encoders.
        """
        if not self._sends:
            return None, extensions
        if self._baggage:
            extensions = with_baggage(extensions)
        if span is None:
            span = current_span()
        if span is None:
            return None, extensions  # T-4
        trace = trace_of(span)
        if trace is None:
            return None, extensions  # T-4
        if trace is NOT_SAMPLED or not trace.sampled:
            return (trace if self._sends_ids else self._not_sampled), extensions
        propagator = self._given_propagator or get_global_textmap()
        if propagator is not self._plain and self._is_foreign(propagator):
            extensions = with_carrier(propagator, span, trace, extensions)
        return trace, extensions

    def extract(self, frame: Frame) -> Context:
        """The context to handle a message under: the caller's, or one where a root may start.

        Each call of it counts as a message, and draws anew where a receiver of a `broadcast` is to
        draw: extract once a message.

        Args:
            frame: as `tracewire.codec.decode` or ``unwrap`` gives it.

        Returns:
            A context, for ``opentelemetry.context.attach``.
        """
        if self._lean and frame.trace is NOT_SAMPLED:
            return skipped(NOT_SAMPLED)
        if self._given_trust == "parent":
            return self._continued(frame)
        context = self._of_stranger(frame)
        if context is UNDECIDED:
            self._roots.take()
        return context

    def links(self, frame: Frame, trust: Trust | None = None) -> list[Link]:
        """What a span of a message's handling is linked to.

        Args:
            frame: the message.
            trust: None is this object's.

        Returns:
            Of *parent* the context that created the message, if it says so; of *link* the caller;
            of *ignore* nothing.
        """
        trust = trust or self._given_trust
        if trust == "parent":
            creation = frame.extensions.get(CREATION)
            return [link_to(creation)] if isinstance(creation, TraceContext) else []
        if trust == "link" and isinstance(frame.trace, TraceContext):
            return [link_to_stranger(frame.trace)]  # T-5
        return []

    def copies(
        self, recipients: int, encode: Encode, extensions: Extensions | None = None
    ) -> FanOut:
        """The copies of a frame of any kind for so many recipients, as `fan_out` says.

        Args:
            recipients: how many there are, at least one.
            encode: makes bytes of a trace and extensions; it is called at most twice.
            extensions: all that the frame will have.

        Returns:
            One copy with the trace and one without: iterating gives each recipient's in turn.

        Raises:
            ValueError: there is no recipient.
        """
        _check_count(recipients)
        trace, extensions = self.inject(extensions)
        if not self._sends:
            plain = encode(None, extensions)
            return FanOut(recipients, 0, plain, plain, self._random)
        unsampled = encode(NOT_SAMPLED, extensions)
        if not isinstance(trace, TraceContext) or not trace.sampled:
            return FanOut(recipients, 0, unsampled, unsampled, self._random)  # T-9
        keeping = how_many(recipients, self._rate, self._random)  # T-8
        ratio = current_ratio().times(recipients, keeping)
        sampled = encode(trace, {**(extensions or {}), FANOUT: tuple(ratio)})
        return FanOut(recipients, keeping, sampled, unsampled, self._random)

    # For peers.

    def client(
        self,
        method: str,
        extensions: Extensions | None = None,
        endpoint: NetworkAttributes = NOWHERE,
    ) -> tuple[Trace, Extensions | None, CallTelemetry | None]:
        """A call that begins. Below what is not sampled no span is started; where nothing is
        decided the sampler is asked once, and its answer sent.

        Args:
            method: the name that is called.
            extensions: all that the frame will have.
            endpoint: what the span says of the connection.

        Returns:
            ``trace`` and ``extensions`` as `inject` gives them, and what is to be finished when the
            call ends: None where it is neither traced nor timed.
        """
        if not (self._sends or self._calls.timed):
            return None, extensions, None
        span = current_span()
        trace = None if span is None else trace_of(span)
        decided = trace is not None and not trace.sampled
        if decided and self._plainly:
            return (trace if self._sends_ids else self._not_sampled), extensions, None
        operation = None
        traced = self._sends and not decided
        if self._calls.records(traced):
            started, operation = self._calls.begin(SpanKind.CLIENT, method, endpoint, traced)
            span = started or span
        return *self.inject(extensions, span), operation

    def server(
        self, frame: Frame, trust: Trust, endpoint: NetworkAttributes = NOWHERE, served: bool = True
    ) -> tuple[Context, CallTelemetry | None]:
        """A request or notification that arrived.

        Args:
            frame: as it came.
            trust: of who sent it.
            endpoint: what the span says of the connection.
            served: whether there is such a method.

        Returns:
            The context to attach, and what is to be finished when the handler ended: None where it
            is neither traced nor timed.
        """
        trace = frame.trace
        if trust == "parent" and self._plainly and trace is not None and not trace.sampled:
            return skipped(trace), None
        context = self._continued(frame) if trust == "parent" else self._of_stranger(frame)
        traced = self._sends and not is_skipped(context)
        if not self._calls.records(traced):
            return context, None
        links = self.links(frame, trust) if traced else []
        span, operation = self._calls.begin(
            SpanKind.SERVER, frame.method or "", endpoint, traced, served, context, links
        )
        if span is not None:
            context = set_span_in_context(span, context)
            if trust != "parent" and span.is_recording():
                self._roots.take()
            if (ratio := ratio_of(context)) is not None:
                span.set_attributes({RECIPIENTS: ratio.recipients, KEPT: ratio.kept})
        return context, operation

    # How a span becomes what is sent, and a frame a context.

    def _continued(self, frame: Frame) -> Context:
        """The context of a caller who is trusted as parent. T-3"""
        trace = frame.trace
        if trace is None and FANOUT in frame.extensions:
            trace = NOT_SAMPLED  # T-13
        if trace is None:
            COST.undecided += 1
            context = UNDECIDED  # T-1
        elif trace is NOT_SAMPLED or not trace.sampled:
            context = skipped(trace)
        else:
            context = self._of_sampled(frame, trace)
        return under_baggage(frame, context) if self._baggage else context

    def _of_sampled(self, frame: Frame, trace: TraceContext) -> Context:
        ratio = self._drawn(frame)
        if ratio is None:
            COST.fanouts_thinned += 1
            return skipped(NOT_SAMPLED)  # T-11
        COST.continued += 1
        context = continued(trace)
        if ratio is not ALONE:
            context = with_ratio(context, ratio)
        propagator = self._given_propagator or get_global_textmap()
        if propagator is not self._plain and self._is_foreign(propagator):
            context = under_carrier(propagator, frame, context)
        return context

    def _drawn(self, frame: Frame) -> SamplingRatio | None:
        fanout = frame.extensions.get(FANOUT)
        return drawn(fanout, self._rate, self._random) if isinstance(fanout, tuple) else ALONE

    def _of_stranger(self, frame: Frame) -> Context:
        """For a caller whose own context does not count, save that it may be linked to. T-5, T-6"""
        if not self._roots.left():
            COST.roots_refused += 1
            return DECIDED.context  # T-7
        if frame.trace is None:
            COST.undecided += 1
        else:
            COST.rerooted += 1
        return UNDECIDED

    def _is_foreign(self, propagator: TextMapPropagator) -> bool:
        foreign = is_foreign(propagator)
        if not foreign:
            self._plain = propagator
        return foreign


def _check_count(recipients: int) -> None:
    if recipients < 1:
        raise ValueError(f"a message goes to at least one recipient, not {recipients}")
