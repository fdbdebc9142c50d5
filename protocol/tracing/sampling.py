"""The arithmetic of fan-outs (section 8.2): how many keep a trace, and how much they weigh.

Of n recipients k keep the trace, and what each of them records weighs n/k, so that the weights sum
to n. The ratio (n, k) of what is being handled belongs to its trace: it counts while a span of that
trace is current, goes on with each message that is sent below, and a fan-out from there multiplies
it. It is kept in OpenTelemetry's Context, and in a variable of ours, since some bridges between
libraries of tracing make Contexts that keep nothing but the span.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from logging import getLogger
from math import gcd, log10
from random import Random
from typing import Final, NamedTuple

from opentelemetry.context import Context, get_current

from tracewire.codec import TraceContext

from ..constants import FANOUT_NUMBER
from ..draws import RANDOM
from ..fence import FENCE
from .context import PAIR_KEY, UNREADABLE, current_span, trace_of

Rate = Callable[[int], float]

_logger: Final = getLogger("tracewire.tracing")


class SamplingRatio(NamedTuple):
    """How many recipients keep a trace.

    ``recipients``: how many there were, over all fan-outs so far. ``kept``: how many of them keep
    the trace.
    """

    recipients: int
    kept: int

    @property
    def weight(self) -> float:
        """How many recipients what one of them records stands for."""
        return self.recipients / self.kept

    def times(self, recipients: int, kept: int) -> "SamplingRatio":
        """The ratio after one more fan-out. T-12"""
        if self is ALONE:
            return SamplingRatio(recipients, kept)  # T-8
        recipients, kept = self.recipients * recipients, self.kept * kept
        common = gcd(recipients, kept)
        return _bounded(recipients // common, kept // common)


ALONE: Final = SamplingRatio(1, 1)


class Pair(NamedTuple):
    """A ratio, and the trace that it came with."""

    trace_id: int
    ratio: SamplingRatio


def default_rate(recipients: int) -> float:
    """The part that keeps the trace: 1 of 1, 0.1 of 100, 0.001 of 10,000 and more.

    In between it is linear in logarithms of both.
    """
    if recipients <= 1:
        return 1.0
    decades = log10(recipients)
    if decades >= 4:
        return 0.001
    return 10 ** (-decades / 2 if decades <= 2 else 1 - decades)


#: The pair of the message that is handled here.
_entered: Final[ContextVar[Pair | None]] = ContextVar("tracewire_fanout", default=None)


def enter(context: Context) -> Token[Pair | None]:
    """From here on the pair of this Context is that of the message that is handled."""
    return _entered.set(_pair_in(context))


def leave(token: Token[Pair | None]) -> None:
    """Undoes enter. ValueError in another execution context than that was in."""
    _entered.reset(token)


def has_entered() -> bool:
    """Whether the message that is handled here came by a fan-out."""
    return _entered.get() is not None


def ratio_below(context: Context, trace: TraceContext) -> SamplingRatio:
    """The ratio of what is recorded in a trace: 1 of 1 where none came with it."""
    pair = _pair_in(context) or _entered.get()
    # The id is made when it is asked for, so only where there is a pair.
    return pair.ratio if pair is not None and pair.trace_id == trace.trace_id else ALONE


def _pair_in(context: Context) -> Pair | None:
    return context.get(PAIR_KEY)  # type: ignore[return-value]  # only pairs are put there


def current_ratio() -> SamplingRatio:
    """The ratio of the message that is being handled; 1 of 1 outside of a fan-out."""
    context = get_current()
    span = current_span(context)
    try:
        trace = None if span is None else trace_of(span, context)
    except BaseException as error:
        FENCE.contain(_logger, UNREADABLE, error)
        return ALONE
    return ratio_below(context, trace) if isinstance(trace, TraceContext) else ALONE


def current_weight() -> float:
    """How many recipients what is recorded here stands for.

    Multiply counts and durations by it where a fan-out must not look small: its weights sum to the
    number of recipients. Where nothing keeps the trace nothing is to be recorded.

    Returns:
        1 outside of a fan-out, else at least 1.
    """
    return current_ratio().weight


def drawn(fanout: tuple[int, ...], rate: Rate, random: Random) -> SamplingRatio | None:
    """What a receiver reads of a sampled message's fanout; None where it was not drawn. T-11"""
    recipients, kept, *undrawn = fanout
    if not undrawn:
        return reduced(recipients, kept)
    receivers = undrawn[0]
    wanted = wanted_of(receivers, rate)
    if draw(random) * receivers >= wanted:
        return None
    return reduced(recipients * receivers, kept * wanted)


def leaves_some_out(fanout: tuple[int, ...], rate: Rate) -> bool:
    """Whether some of a broadcast's receivers are not to keep its trace."""
    return len(fanout) > 2 and wanted_of(fanout[2], rate) < fanout[2]


def wanted_of(receivers: int, rate: Rate) -> int:
    """How many of so many receivers keep the trace, on average. T-10"""
    wanted = round(receivers * _part(rate, receivers))
    return min(receivers, max(1, wanted))  # a float may be over the number that it stands for


def how_many(recipients: int, rate: Rate, random: Random) -> int:
    """How many of so many recipients keep the trace. T-8"""
    wanted = recipients * _part(rate, recipients)
    whole = int(wanted)
    return min(recipients, max(1, whole + (draw(random) < wanted - whole)))


def draw(random: Random) -> float:
    """A number from 0 up to 1, by an application's generator if that works."""
    try:
        number = random.random()
        if 0 <= number < 1:
            return number
        raise ValueError(f"the generator drew {number!r}, which is not from 0 up to 1")
    except BaseException as error:
        FENCE.contain(_logger, "the generator of random numbers failed", error)
        return RANDOM.random()


def _part(rate: Rate, recipients: int) -> float:
    """The rate as the application's function gives it if that works, from 0 to 1."""
    try:
        part = float(rate(recipients))
        if part >= 0:  # nor NaN
            return min(1.0, part)
        raise ValueError(f"the rate of fan-outs is {part!r}, and not from 0 to 1")
    except BaseException as error:
        FENCE.contain(_logger, "the function for the rate of fan-outs failed", error)
        return default_rate(recipients)


def reduced(recipients: int, kept: int) -> SamplingRatio:
    """A ratio from outside, whose numbers are brought below the bound if they are over it."""
    if recipients <= FANOUT_NUMBER:
        return SamplingRatio(recipients, kept)
    common = gcd(recipients, kept)
    return _bounded(recipients // common, kept // common)


def _bounded(recipients: int, kept: int) -> SamplingRatio:
    while recipients > FANOUT_NUMBER:  # kept is never the larger one
        recipients, kept = recipients // 2, max(1, kept // 2)
    return SamplingRatio(recipients, kept)
