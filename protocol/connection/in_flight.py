"""Calls that are open: those that this side made, and those that it accepted."""

from collections.abc import Iterator
from math import inf
from typing import Final

from tracewire.codec import Status

from ..constants import Executed
from ..errors import RpcError
from .deadlines import NO_DEADLINES, Deadlines
from .events import CallFailed

#: What ``OutgoingCalls.end`` gives for an id that no call is open under.
UNKNOWN: Final = object()

#: One connection may have this part of a server's slots while others want some. C-79
_SHARES: Final = 4
#: Seconds for which a connection wants slots that was refused one.
_WANTED: Final = 1.0


class OutgoingCalls:
    """The calls of this side, each with the caller that its outcome goes to.

    ``deadlines``: when they expire.
    """

    __slots__ = ("_next_id", "_open", "deadlines")

    def __init__(self) -> None:
        self._open: dict[int, object] = {}
        self._next_id = 1
        self.deadlines = NO_DEADLINES

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[int]:
        return iter(self._open)

    @property
    def next_id(self) -> int:
        """The id of the call that begins next; above MAX_ID there is none. C-11"""
        return self._next_id

    def begin(self, caller: object, expires: float | None) -> int:
        """``expires``: None where it does not."""
        id = self._next_id
        self._next_id = id + 1
        self._open[id] = caller
        if expires is not None:
            if self.deadlines is NO_DEADLINES:
                self.deadlines = Deadlines()
            self.deadlines.set(id, expires)
        return id

    def end(self, id: int) -> object:
        """The caller, whose call is over; UNKNOWN if there is none."""
        self.deadlines.times.pop(id, None)
        return self._open.pop(id, UNKNOWN)

    def refuse(self, last_accepted: int, message: str) -> list[CallFailed]:
        """Calls above the last that is accepted fail UNAVAILABLE: they never run. C-53"""
        late = [id for id in self._open if id > last_accepted]
        return [_unavailable(self.end(id), message, Executed.NO) for id in late]

    def fail(self, message: str) -> list[CallFailed]:
        """Every call fails UNAVAILABLE, for no response can come any more. C-19"""
        return [_unavailable(self.end(id), message, Executed.MAYBE) for id in [*self._open]]


def _unavailable(caller: object, message: str, executed: Executed) -> CallFailed:
    return CallFailed(caller, RpcError(Status.UNAVAILABLE, message, executed=executed))


class ConcurrencyLimit:
    """How many requests all connections of a server handle at once (C-25).

    ``limit``: how many there may be. ``taken``: how many there are. ``share``: how many of them one
    connection may have while others want some. C-79. ``wanted``: until when they count as wanting.
    """

    __slots__ = ("limit", "share", "taken", "wanted")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.share = max(1, limit // _SHARES)
        self.taken = 0
        self.wanted = -inf


class IncomingCalls:
    """The requests in flight, each with the status it was cancelled with.

    A request that was cancelled holds its place until its handler ended. C-16. ``limit``: how many
    there may be on this connection; ``server``: the limit of all connections. ``read``: how many
    requests were read, accepted or not. ``deadlines``: when those expire that were not cancelled.
    """

    __slots__ = ("_cancels", "_causes", "_limit", "_server", "deadlines", "last_id", "read")

    def __init__(self, limit: int, server: ConcurrencyLimit) -> None:
        self._causes: dict[int, Status | None] = {}
        self._limit = limit
        self._server = server
        self.read = self._cancels = 0
        self.last_id = 0
        self.deadlines = NO_DEADLINES

    def __len__(self) -> int:
        return len(self._causes)

    def __contains__(self, id: int) -> bool:
        return id in self._causes

    def __iter__(self) -> Iterator[int]:
        return iter(self._causes)

    def is_full(self, now: float) -> bool:
        """Whether no request more is accepted. C-25, C-79"""
        server, taken = self._server, len(self._causes)
        if taken >= self._limit:
            return True
        if server.taken >= server.limit:
            if taken < server.share:
                server.wanted = now + _WANTED
            return True
        return server.wanted > now and taken >= server.share

    def arrive(self, id: int) -> bool:
        """A request was read, to be accepted or refused: whether its id is free. C-13, C-46"""
        if id in self._causes:
            return False
        self.read += 1
        if id > self.last_id:
            self.last_id = id
        return True

    def count_cancel(self) -> bool:
        """A cancel was read: whether there are more of them than of requests. C-44"""
        self._cancels += 1
        return self._cancels > self.read

    def accept(self, id: int, expires: float | None) -> None:
        self._causes[id] = None
        self._server.taken += 1
        if expires is not None:
            if self.deadlines is NO_DEADLINES:
                self.deadlines = Deadlines()
            self.deadlines.set(id, expires)

    def cause(self, id: int) -> Status | None:
        """The status that the request was cancelled with, None if it was not."""
        return self._causes.get(id)

    def cancel(self, id: int, status: Status) -> bool:
        """Whether there is a handler to cancel: not if it is gone, or was cancelled before."""
        self.deadlines.times.pop(id, None)
        if self._causes.get(id, UNKNOWN) is not None:
            return False
        self._causes[id] = status
        return True

    def end(self, id: int) -> None:
        """The response is being written: id and place are free. KeyError if not in flight."""
        del self._causes[id]
        self._server.taken -= 1
        self.deadlines.times.pop(id, None)

    def give_back(self, id: int) -> None:
        """The handler has ended and its result waits: the server's place alone is free. C-93

        KeyError if it is not in flight.
        """
        if id not in self._causes:
            raise KeyError(id)
        self._server.taken -= 1

    def end_given_back(self, id: int) -> None:
        """As ``end``, of one whose result waited."""
        del self._causes[id]
        self.deadlines.times.pop(id, None)
