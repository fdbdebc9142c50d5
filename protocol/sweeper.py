"""One timer per event loop for the deadlines of all its peers.

A timer for each call would cost more than the call. A peer says when it next has something to do;
the sweeper wakes for the earliest of all, and the peer says again.
"""

import asyncio
from math import inf
from typing import Final, Protocol
from weakref import WeakKeyDictionary

#: Sweeps are at least so many seconds apart, so that many near deadlines share one.
GRANULARITY: Final = 0.001


class Swept(Protocol):
    """What can be swept: ``sweep`` is called at the time it asked for, or a little later."""

    def sweep(self) -> float:
        """Does what is due; the loop's time at which to be swept again, inf for never."""


class Sweeper:
    __slots__ = ("_at", "_timer", "_times")

    def __init__(self) -> None:
        self._times: dict[Swept, float] = {}
        self._at = inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, swept: Swept, when: float) -> None:
        """Sweeps it at ``when``, or before if it was to be swept before."""
        if when < self._times.get(swept, inf):
            self._times[swept] = when
            self._arm(when)

    def forget(self, swept: Swept) -> None:
        self._times.pop(swept, None)

    def _arm(self, when: float) -> None:
        if when >= self._at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._sweep)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        self._at, self._timer = inf, None
        for swept in [each for each, at in self._times.items() if at <= now]:
            del self._times[swept]
            again = swept.sweep()
            if again < inf:
                self._times[swept] = max(again, now + GRANULARITY)
        if self._times:
            self._arm(min(self._times.values()))


_sweepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Sweeper] = WeakKeyDictionary()


def sweeper_of(loop: asyncio.AbstractEventLoop) -> Sweeper:
    sweeper = _sweepers.get(loop)
    if sweeper is None:
        sweeper = _sweepers[loop] = Sweeper()
    return sweeper
