"""One message to many recipients (section 8.2): who keeps its trace, and how much they weigh.

Of n recipients k keep the trace, and what each of them records weighs n/k, so that the weights sum
to n. All others are told that it is not sampled. So one fan-out does not become a million spans.

The pair (n, k) of what is being handled is kept in OpenTelemetry's context: a fan-out from there
multiplies it.
"""

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from math import exp, gcd, lgamma, log, log10
from random import Random
from typing import Final, NamedTuple

from opentelemetry.context import Context, create_key, get_current

from .constants import FANOUT_NUMBER

Rate = Callable[[int], float]

_PAIR_KEY: Final = create_key("tracewire-fanout")


class Pair(NamedTuple):
    """``recipients``: how many there were, over all fan-outs so far; ``kept``: how many of them
    keep the trace."""

    recipients: int
    kept: int

    @property
    def weight(self) -> float:
        """How many recipients what one of them records stands for."""
        return self.recipients / self.kept

    def times(self, recipients: int, kept: int) -> "Pair":
        """Of one more fan-out. T-12"""
        if self is ALONE:
            return Pair(recipients, kept)  # T-8
        recipients, kept = self.recipients * recipients, self.kept * kept
        common = gcd(recipients, kept)
        recipients, kept = recipients // common, kept // common
        while recipients > FANOUT_NUMBER:  # kept is never the larger one
            recipients, kept = recipients // 2, max(1, kept // 2)
        return Pair(recipients, kept)


ALONE: Final = Pair(1, 1)


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


def current_pair() -> Pair:
    """Of the message that is being handled; 1 of 1 outside of a fan-out."""
    return get_current().get(_PAIR_KEY, ALONE)  # type: ignore[return-value]  # only pairs are put there


def current_weight() -> float:
    """How many recipients what is recorded here stands for; 1 outside of a fan-out."""
    return current_pair().weight


def pair_of(context: Context) -> Pair | None:
    return context.get(_PAIR_KEY)  # type: ignore[return-value]


def with_pair(context: Context, pair: Pair) -> Context:
    return Context({**context, _PAIR_KEY: pair})


def drawn(fanout: tuple[int, ...], rate: Rate, random: Random) -> Pair | None:
    """What a receiver reads of a sampled message's fanout; None where it was not drawn. T-11"""
    recipients, kept, *undrawn = fanout
    if not undrawn:
        return Pair(recipients, kept)
    receivers = undrawn[0]
    wanted = max(1, round(receivers * min(1.0, rate(receivers))))  # T-10
    if random.random() * receivers >= wanted:
        return None
    return Pair(recipients * receivers, kept * wanted)


def how_many(recipients: int, rate: Rate, random: Random) -> int:
    """Of so many recipients, those who keep the trace. T-8"""
    wanted = recipients * min(1.0, rate(recipients))
    whole = int(wanted)
    return max(1, whole + (random.random() < wanted - whole))


class FanOut:
    """The images of one message for so many ``recipients``: iterating gives each one's, in turn.

    ``kept``: the image that ``keeping`` of them get, chosen anew by each iteration. ``rest``: that
    of all others. Choosing takes one draw for each that is chosen, and no memory.
    """

    __slots__ = ("_random", "keeping", "kept", "recipients", "rest")

    def __init__(
        self, recipients: int, keeping: int, kept: bytes, rest: bytes, random: Random
    ) -> None:
        self.recipients, self.keeping = recipients, keeping
        self.kept, self.rest = kept, rest
        self._random = random

    def __len__(self) -> int:
        return self.recipients

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._runs())

    def _runs(self) -> Iterator[Iterator[bytes] | tuple[bytes, ...]]:
        left = self.recipients
        for wanted in range(self.keeping, 0, -1):
            passed = _passed_over(left, wanted, self._random)
            yield repeat(self.rest, passed)
            yield (self.kept,)
            left -= passed + 1
        yield repeat(self.rest, left)


def _passed_over(left: int, wanted: int, random: Random) -> int:
    """How many of those who are ``left`` come before the first of the ``wanted`` ones.

    That it is at least s has the probability C(left - s, wanted) / C(left, wanted). One draw is
    turned round: a guess that takes the chosen as evenly spread is off by a few places at most.
    """
    if wanted == left:
        return 0
    draw = log(1.0 - random.random())

    def at_least(passed: int) -> float:
        """The logarithm of the probability, less what is the same for all."""
        return lgamma(left - passed + 1) - lgamma(left - passed - wanted + 1)

    bound = draw + at_least(0)
    spread = left - (wanted - 1) / 2
    most = left - wanted
    passed = min(most, max(0, int(spread * (1.0 - exp(draw / wanted)))))
    while passed > 0 and at_least(passed) <= bound:
        passed -= 1
    while passed < most and at_least(passed + 1) > bound:
        passed += 1
    return passed
