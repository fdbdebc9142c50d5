"""The calls that this side of a connection made and that are open."""

from math import inf
from typing import Final

from tracewire.codec import Status

from .constants import Executed
from .events import Failed
from .status import RpcError

#: What ``end`` gives for an id that no call is open under.
UNKNOWN: Final = object()


class Calls:
    """Each under its id, with the caller that its outcome goes to and the time it expires."""

    __slots__ = ("_callers", "_expiry", "_next_id")

    def __init__(self) -> None:
        self._callers: dict[int, object] = {}
        self._expiry: dict[int, float] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._callers)

    @property
    def next_id(self) -> int:
        """Of the call that begins next; above MAX_ID there is none. C-11"""
        return self._next_id

    def begin(self, caller: object, expires: float | None) -> int:
        id = self._next_id
        self._next_id = id + 1
        self._callers[id] = caller
        if expires is not None:
            self._expiry[id] = expires
        return id

    def end(self, id: int) -> object:
        """The caller, whose call is over; UNKNOWN if there is none."""
        self._expiry.pop(id, None)
        return self._callers.pop(id, UNKNOWN)

    def expired(self, now: float) -> list[int]:
        return [id for id, at in self._expiry.items() if at <= now]

    @property
    def wake(self) -> float:
        """When the next call expires."""
        return min(self._expiry.values(), default=inf)

    def fail(self, last_accepted: int, message: str) -> list[Failed]:
        """Every call fails UNAVAILABLE, for no response can come any more. C-19"""
        failed = []
        for id, caller in self._callers.items():
            executed = Executed.NO if id > last_accepted else Executed.MAYBE
            error = RpcError(Status.UNAVAILABLE, message, executed=executed)
            failed.append(Failed(caller, error))
        self._callers.clear()
        self._expiry.clear()
        return failed
