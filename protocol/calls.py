"""The calls that this side of a connection made and that are open."""

from collections.abc import Iterator
from math import inf
from typing import Final

from tracewire.codec import Status

from .constants import Executed
from .events import Failed
from .status import RpcError

#: What ``end`` gives for an id that no call is open under.
UNKNOWN: Final = object()
_NONE: Final = UNKNOWN, inf


class Calls:
    """Each under its id, with the caller that its outcome goes to and the time it expires."""

    __slots__ = ("_next_id", "_open")

    def __init__(self) -> None:
        self._open: dict[int, tuple[object, float]] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[int]:
        return iter(self._open)

    @property
    def next_id(self) -> int:
        """Of the call that begins next; above MAX_ID there is none. C-11"""
        return self._next_id

    def begin(self, caller: object, expires: float) -> int:
        """``expires``: inf where it does not."""
        id = self._next_id
        self._next_id = id + 1
        self._open[id] = caller, expires
        return id

    def end(self, id: int) -> object:
        """The caller, whose call is over; UNKNOWN if there is none."""
        return self._open.pop(id, _NONE)[0]

    def expired(self, now: float) -> list[int]:
        return [id for id, (_, expires) in self._open.items() if expires <= now]

    @property
    def wake(self) -> float:
        """When the next call expires."""
        return min((expires for _, expires in self._open.values()), default=inf)

    def refuse(self, last_accepted: int, message: str) -> list[Failed]:
        """Calls above the last that is accepted fail UNAVAILABLE: they never run. C-18"""
        late = [id for id in self._open if id > last_accepted]
        return [_unavailable(self.end(id), message, Executed.NO) for id in late]

    def fail(self, message: str) -> list[Failed]:
        """Every call fails UNAVAILABLE, for no response can come any more. C-19"""
        return [_unavailable(self.end(id), message, Executed.MAYBE) for id in [*self._open]]


def _unavailable(caller: object, message: str, executed: Executed) -> Failed:
    return Failed(caller, RpcError(Status.UNAVAILABLE, message, executed=executed))
