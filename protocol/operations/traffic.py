"""How many messages of a destination went each way, and for how long no bare one did."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, get_args

Dialect = Literal["bare", "framed"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)


class DialectCounts:
    """Counts that only grow. A framed message costs an addition, a bare one the clock as well.

    A thread cannot lose a count of another: CPython does not switch inside ``+= 1`` on a slot.
    """

    __slots__ = ("_clock", "_quiet_since", "bare", "framed")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.bare = self.framed = 0
        self._clock = clock
        #: When the last bare message was counted, or else the first of all.
        self._quiet_since: float | None = None

    def count(self, dialect: Dialect) -> None:
        """One message."""
        if dialect == "framed":
            self.framed += 1
            if self._quiet_since is None:
                self._quiet_since = self._clock()
        elif dialect == "bare":
            self.bare += 1
            self._quiet_since = self._clock()
        else:
            raise ValueError(f"a message is counted as one of {DIALECTS}, not {dialect!r}")

    def quiet(self, now: float) -> float | None:
        """Seconds for which messages were counted and none was bare; None where none was counted.

        One who does not count is not taken for one who hears nothing.
        """
        return None if self._quiet_since is None else max(0.0, now - self._quiet_since)


class Traffic(NamedTuple):
    """The messages of a destination that this process counted."""

    sent: DialectCounts
    received: DialectCounts
