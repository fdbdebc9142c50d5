"""The arithmetic of fan-outs (section 8.2): how many keep a trace, and how much they weigh.

Of n recipients k keep the trace, and what each of them records weighs n/k, so that the weights sum
to n. The ratio (n, k) of what is being handled is kept in OpenTelemetry's context: a fan-out from
there multiplies it.
"""

from collections.abc import Callable
from math import gcd, log10
from random import Random
from typing import Final, NamedTuple

from opentelemetry.context import Context, create_key, get_current

from ..constants import FANOUT_NUMBER

Rate = Callable[[int], float]

_RATIO_KEY: Final = create_key("tracewire-fanout")


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
        recipients, kept = recipients // common, kept // common
        while recipients > FANOUT_NUMBER:  # kept is never the larger one
            recipients, kept = recipients // 2, max(1, kept // 2)
        return SamplingRatio(recipients, kept)


ALONE: Final = SamplingRatio(1, 1)


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


def current_ratio() -> SamplingRatio:
    """The ratio of the message that is being handled; 1 of 1 outside of a fan-out."""
    return get_current().get(_RATIO_KEY, ALONE)  # type: ignore[return-value]  # only ratios are put there


def current_weight() -> float:
    """How many recipients what is recorded here stands for.

    Multiply counts and durations by it where a fan-out must not look small: its weights sum to the
    number of recipients. Where nothing keeps the trace nothing is to be recorded.

    Returns:
        1 outside of a fan-out, else at least 1.
    """
    return current_ratio().weight


def ratio_of(context: Context) -> SamplingRatio | None:
    return context.get(_RATIO_KEY)  # type: ignore[return-value]


def with_ratio(context: Context, ratio: SamplingRatio) -> Context:
    return Context({**context, _RATIO_KEY: ratio})


def drawn(fanout: tuple[int, ...], rate: Rate, random: Random) -> SamplingRatio | None:
    """What a receiver reads of a sampled message's fanout; None where it was not drawn. T-11"""
    recipients, kept, *undrawn = fanout
    if not undrawn:
        return SamplingRatio(recipients, kept)
    receivers = undrawn[0]
    wanted = max(1, round(receivers * min(1.0, rate(receivers))))  # T-10
    if random.random() * receivers >= wanted:
        return None
    return SamplingRatio(recipients * receivers, kept * wanted)


def how_many(recipients: int, rate: Rate, random: Random) -> int:
    """How many of so many recipients keep the trace. T-8"""
    wanted = recipients * min(1.0, rate(recipients))
    whole = int(wanted)
    return max(1, whole + (random.random() < wanted - whole))
