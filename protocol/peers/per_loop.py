"""What belongs to one event loop: a timer for deadlines, a buffer for input, and who may use it."""

import asyncio
import os
from math import inf
from threading import get_ident
from typing import Final, Protocol

from ..connection.deadlines import Deadlines
from ..transports.loop_local import loop_local

#: Deadlines are looked at so many seconds apart at least, so that many near ones share a timer.
GRANULARITY: Final = 0.001
#: Bytes that are read at a time.
BUFFER_SIZE: Final = 65_536


class Expiring(Protocol):
    """What has deadlines."""

    def expire(self) -> float:
        """Does what is due, at the time that was asked for or a little later.

        Gives the loop's time at which to be asked again, inf for never.
        """


class DeadlineTimer:
    """One timer for the deadlines of all peers of an event loop.

    A timer for each call would cost more than the call. A peer says when it next has something to
    do; the timer wakes for the earliest of all, and the peer says again.
    """

    __slots__ = ("_at", "_deadlines", "_expiring", "_loop", "_timer", "_woke")

    def __init__(self) -> None:
        #: By the ``id`` of each that has a time.
        self._expiring: dict[int, Expiring] = {}
        self._deadlines = Deadlines()
        self._loop = asyncio.get_running_loop()
        self._at = inf
        self._woke = -inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, expiring: Expiring, when: float) -> None:
        """Wakes it at ``when`` and not before, whenever it was to be woken till now."""
        self._expiring[id(expiring)] = expiring
        self._deadlines.set(id(expiring), when)
        self._arm(when)

    def forget(self, expiring: Expiring) -> None:
        if self._expiring.pop(id(expiring), None) is not None:
            self._deadlines.times.pop(id(expiring), None)

    def _arm(self, when: float) -> None:
        if when >= self._at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at = when
        self._timer = self._loop.call_at(max(when, self._woke + GRANULARITY), self._wake)

    def _wake(self) -> None:
        self._at, self._timer = inf, None
        now = self._woke = self._loop.time()
        for number in self._deadlines.due(now):
            expiring = self._expiring.pop(number, None)
            if expiring is None:  # it ended by what became of one before
                continue
            again = expiring.expire()
            if again < inf:
                self._expiring[number] = expiring
                self._deadlines.set(number, max(again, now + GRANULARITY))
        self._arm(self._deadlines.next)


def deadline_timer_of(loop: asyncio.AbstractEventLoop) -> DeadlineTimer:
    return loop_local(loop, "deadlines", DeadlineTimer)


def input_buffer_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    """Where the transports of the loop's peers put what they read.

    A peer makes sense of its input before the loop goes on, so no two need room at the same time,
    and an idle connection needs none. asyncio would else ask for 256 KiB with each read.
    """
    return loop_local(loop, "input", lambda: memoryview(bytearray(BUFFER_SIZE)))


_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class LoopAffinity:
    """The process and the event loop that something was made in, and may be used in alone.

    ``what``, for messages, and ``again``: what to do elsewhere.
    """

    __slots__ = ("_again", "_forks", "_loop", "_thread", "_what")

    def __init__(self, what: str, again: str) -> None:
        self._what, self._again = what, again
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._forks = _forks

    @property
    def forked(self) -> bool:
        """Whether this is a child: what is the parent's is then not for this process to end."""
        return self._forks != _forks

    def check(self) -> None:
        """RuntimeError where it is used elsewhere."""
        if self._forks != _forks:
            raise RuntimeError(f"{self._what} was made before the process forked; {self._again}")
        # Not by the running loop, which asks the system for the process each time.
        if get_ident() != self._thread or not self._loop.is_running():
            raise RuntimeError(f"{self._what} belongs to another event loop; {self._again}")
