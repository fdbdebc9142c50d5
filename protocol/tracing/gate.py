"""The gate that every message passes on its way in: what of its context counts here.

Requests, notifications, messages without a method, and what `received` and `extract` are given. It
applies trust, the rate of strangers' roots, and the draw of a broadcast, once for each message.
"""

from random import Random

from opentelemetry.trace import Link

from tracewire.codec import NOT_SAMPLED, Frame, TraceContext
from tracewire.codec.constants import CREATION, FANOUT

from ..constants import Trust
from .context import (
    PAIR_KEY,
    SPAN_KEY,
    RemoteSpan,
    Values,
    baggage_key,
    link_to,
    link_to_stranger,
    unsampled,
)
from .counters import COST
from .propagators import ForeignPropagators, read_baggage
from .sampling import (
    ALONE,
    Pair,
    Rate,
    SamplingRatio,
    drawn,
    has_entered,
    leaves_some_out,
    reduced,
)
from .semconv import KEPT, RECIPIENTS
from .tracestate import without_threshold
from .trust import RateLimit


class Gate:
    """``roots``: how many strangers may cause. ``rate`` and ``random``: of broadcasts' draws.

    ``baggage``: whether it is read.
    """

    __slots__ = ("_baggage", "_propagators", "_random", "_rate", "_roots")

    def __init__(
        self,
        roots: RateLimit,
        rate: Rate,
        random: Random,
        propagators: ForeignPropagators,
        baggage: bool,
    ) -> None:
        self._roots, self._rate, self._random = roots, rate, random
        self._propagators = propagators
        self._baggage = baggage

    def admit(self, frame: Frame, trust: Trust) -> Values:
        """What the message puts into the Context that it is handled under; nothing if undecided.

        Of a stranger who is undecided the root is still to be paid, by `pay`, if one starts.
        """
        if trust != "parent":
            return self._of_stranger(frame)
        trace = frame.trace
        if trace is NOT_SAMPLED or (trace is None and FANOUT in frame.extensions):  # T-13
            COST.skipped += 1
            values = unsampled()
        elif trace is None:
            COST.undecided += 1
            values = {}  # T-1
        elif trace.sampled:
            return self._of_sampled(frame, trace)
        else:
            COST.skipped += 1
            values = {SPAN_KEY: RemoteSpan(trace)}
        return self._with_baggage(frame, values) if self._baggage else values

    def hand_out(self, frame: Frame, trust: Trust) -> Values:
        """As admit, where no span of ours is started: a stranger's root is paid by the message."""
        values = self.admit(frame, trust)
        if trust != "parent" and not values:
            self.pay()
        return values

    def bare(self, trust: Trust, current: bool) -> Values | None:
        """As admit, for a bare message on the application's own transport, which says nothing.

        None leaves the Context as it is. ``current``: whether a span is; where none is, a stranger
        pays for the root that may start.
        """
        COST.undecided += 1
        if trust == "parent" or current:
            return None
        if not self._roots.left():
            return self._refused()
        self.pay()
        return None

    def pay(self) -> None:
        """A stranger caused a root, or may."""
        self._roots.take()

    def _of_stranger(self, frame: Frame) -> Values:
        """For a caller whose context does not count, save that it may be linked to. T-5, T-6"""
        if not self._roots.left():
            return self._refused()
        if frame.trace is None:
            COST.undecided += 1
        else:
            COST.rerooted += 1
        return {}

    def _refused(self) -> Values:
        COST.roots_refused += 1
        return unsampled()  # T-7

    def _of_sampled(self, frame: Frame, trace: TraceContext) -> Values:
        """For a caller who is trusted as parent. T-3"""
        fanout = frame.extensions.get(FANOUT)
        ratio = ALONE
        if isinstance(fanout, tuple):
            found = drawn(fanout, self._rate, self._random)
            if found is None:
                COST.fanouts_thinned += 1
                COST.skipped += 1
                return self._with_baggage(frame, unsampled())  # T-11
            if leaves_some_out(fanout, self._rate):
                trace = thinned(trace)
            ratio = found
        COST.continued += 1
        values: Values = {SPAN_KEY: RemoteSpan(trace)}
        if ratio is not ALONE or has_entered():
            values[PAIR_KEY] = Pair(trace.trace_id, ratio)
        if self._baggage:
            values = self._with_baggage(frame, values)
        return self._propagators.extract(frame, values) if self._propagators.current else values

    def _with_baggage(self, frame: Frame, values: Values) -> Values:
        entries = read_baggage(frame) if self._baggage else None
        return values if entries is None else {**values, baggage_key(): entries}


def thinned(trace: TraceContext) -> TraceContext:
    """The trace for one of some recipients who keep it, while others do not."""
    state = without_threshold(trace.state)
    if state == trace.state:
        return trace
    return TraceContext(trace.trace_id, trace.span_id, trace.flags, state)


def links_of(frame: Frame, trust: Trust) -> list[Link]:
    """What a span that does not continue the message's trace is linked to.

    *parent*: the context that created the message, which is its own where it names no other, with
    the numbers of its fan-out. *link*: the caller's ids. *ignore*: nothing.
    """
    if trust == "parent":
        created = frame.extensions.get(CREATION) or frame.trace
        if isinstance(created, TraceContext):
            return [link_to(created, _fanout_attributes(frame))]
    elif trust == "link" and isinstance(frame.trace, TraceContext):
        return [link_to_stranger(frame.trace)]  # T-5
    return []


def links_of_child(frame: Frame, trust: Trust) -> list[Link]:
    """The same of a span that continues the trace of a parent: only of what else there is."""
    if trust == "parent" and CREATION not in frame.extensions:
        return []
    return links_of(frame, trust)


def _fanout_attributes(frame: Frame) -> dict[str, int] | None:
    """None where there was no fan-out, or where it is still to be drawn who keeps the trace."""
    fanout = frame.extensions.get(FANOUT)
    if not isinstance(fanout, tuple) or len(fanout) > 2:
        return None
    return attributes_of(reduced(*fanout))


def attributes_of(ratio: SamplingRatio) -> dict[str, int]:
    """What spans and links say of a fan-out."""
    return {RECIPIENTS: ratio.recipients, KEPT: ratio.kept}
