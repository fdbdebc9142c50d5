"""Whether the other side is there: silence, slow records, and pings (rules C-15 and C-26)."""

from math import inf

from ..constants import PING_INTERVAL_SECONDS, PING_STRIKES


class Keepalive:
    """Watches what arrives, by times of the connection's clock.

    ``last_input``: when it came. ``record_began``: when the record began that is not whole yet,
    None between records. ``awaited``: when the ping was sent whose pong is not here yet.
    ``strikes``: pings of the other side that came too soon, to be cleared by its other frames.
    """

    __slots__ = (
        "_interval",
        "_last_ping",
        "_next_id",
        "_record_seconds",
        "awaited",
        "last_input",
        "record_began",
        "strikes",
    )

    def __init__(self, now: float, interval: float | None, record_seconds: float) -> None:
        """``interval``: seconds of silence after which a ping is sent, None for never."""
        self._interval = inf if interval is None else interval
        self._record_seconds = record_seconds
        self._last_ping = -inf
        self._next_id = 1
        self.last_input = now
        self.record_began: float | None = None
        self.awaited: float | None = None
        self.strikes = 0

    def next_ping(self) -> int:
        """The id of a ping of ours: a sequence of its own."""
        id = self._next_id
        self._next_id += 1
        return id

    def strike(self) -> bool:
        """A ping was read: whether it is the strike that is one too many. C-15"""
        if self.last_input - self._last_ping < PING_INTERVAL_SECONDS:
            self.strikes += 1
        self._last_ping = self.last_input
        return self.strikes >= PING_STRIKES

    @property
    def record_due(self) -> float:
        """When the record that has begun must be whole. C-26"""
        return inf if self.record_began is None else self.record_began + self._record_seconds

    @property
    def ping_due(self) -> float:
        """When the silence has lasted so long that a ping is sent, or that its pong is missed."""
        return (self.last_input if self.awaited is None else self.awaited) + self._interval
