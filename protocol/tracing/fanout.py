"""The copies of one message for many recipients, of whom some keep its trace (section 8.2).

All others are told that it is not sampled. So one fan-out does not become a million spans.
"""

from collections.abc import Iterator
from itertools import chain, repeat
from math import exp, lgamma, log
from random import Random

from .sampling import draw


class FanOut:
    """The copies of one message for many recipients: iterating gives each one's, in turn.

    `Tracing.fan_out` makes it. Choosing takes one draw for each that is chosen, and no memory.
    Iterate once: each iteration chooses anew, and the weights are those of one.

    Attributes:
        recipients: how many there are, which is its length too.
        keeping: how many of them get the copy with the trace.
        sampled: the copy with the trace.
        unsampled: that of all others.
    """

    __slots__ = ("_random", "keeping", "recipients", "sampled", "unsampled")

    def __init__(
        self, recipients: int, keeping: int, sampled: bytes, unsampled: bytes, random: Random
    ) -> None:
        self.recipients, self.keeping = recipients, keeping
        self.sampled, self.unsampled = sampled, unsampled
        self._random = random

    def __len__(self) -> int:
        return self.recipients

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._runs())

    def _runs(self) -> Iterator[Iterator[bytes] | tuple[bytes, ...]]:
        left = self.recipients
        for wanted in range(self.keeping, 0, -1):
            passed = _passed_over(left, wanted, self._random)
            yield repeat(self.unsampled, passed)
            yield (self.sampled,)
            left -= passed + 1
        yield repeat(self.unsampled, left)


def _passed_over(left: int, wanted: int, random: Random) -> int:
    """How many of those who are ``left`` come before the first of the ``wanted`` ones.

    That it is at least s has the probability C(left - s, wanted) / C(left, wanted). One draw is
    turned round: a guess that takes the chosen as evenly spread is off by a few places at most.
    """
    if wanted == left:
        return 0
    drew = log(1.0 - draw(random))

    def at_least(passed: int) -> float:
        """The logarithm of the probability, less what is the same for all."""
        return lgamma(left - passed + 1) - lgamma(left - passed - wanted + 1)

    bound = drew + at_least(0)
    spread = left - (wanted - 1) / 2
    most = left - wanted
    passed = min(most, max(0, int(spread * (1.0 - exp(drew / wanted)))))
    while passed > 0 and at_least(passed) <= bound:
        passed -= 1
    while passed < most and at_least(passed + 1) > bound:
        passed += 1
    return passed
