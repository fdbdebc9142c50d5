"""The rate of the roots that strangers cause (section 8.1)."""

import time
from collections.abc import Callable
from logging import getLogger
from typing import Final

from ..fence import FENCE

_logger: Final = getLogger("tracewire.tracing")


class RateLimit:
    """How many roots strangers may start: a bucket of one second's worth of ``rate``. T-7

    ``clock``: seconds that only grow.
    """

    __slots__ = ("_clock", "_filled", "_most", "_rate", "_tokens")

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not isinstance(rate, (int, float)):
            raise TypeError(f"the rate of roots is a number, not {rate!r}")
        if not rate >= 0:  # nor NaN
            raise ValueError(f"the rate of roots must not be negative, but is {rate}")
        self._rate, self._clock = rate, clock
        self._most = self._tokens = max(rate, 1.0) if rate else 0.0
        self._filled = clock()

    def left(self) -> bool:
        """Whether one may be started now."""
        try:
            now = self._clock()
            passed = max(0.0, now - self._filled)  # a clock that was set back takes none away
            self._tokens = min(self._most, self._tokens + passed * self._rate)
            self._filled = now
        except BaseException as error:
            FENCE.contain(_logger, "the clock of the rate of roots failed", error)
        return self._tokens >= 1

    def take(self) -> None:
        """One was started."""
        self._tokens -= 1
