"""Pings: their own ids, and strikes against a side that sends too many (C-15)."""

from math import inf

from .constants import PING_INTERVAL_SECONDS, PING_STRIKES


class Pings:
    """``awaited``: when the ping of ours was sent whose pong is not here yet. ``strikes``: of the
    other side, to be cleared when another frame of it is read."""

    __slots__ = ("_last", "_next_id", "awaited", "strikes")

    def __init__(self) -> None:
        self._next_id = 1
        self._last = -inf
        self.strikes = 0
        self.awaited: float | None = None

    def next_id(self) -> int:
        id = self._next_id
        self._next_id += 1
        return id

    def strike(self, now: float) -> bool:
        """A ping was read: whether it is the strike that is one too many."""
        if now - self._last < PING_INTERVAL_SECONDS:
            self.strikes += 1
        self._last = now
        return self.strikes >= PING_STRIKES
