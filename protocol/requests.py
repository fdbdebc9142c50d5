"""The requests that this side of a connection accepted and has not answered."""

from collections.abc import Iterator
from math import inf
from typing import Final

from tracewire.codec import Status

from .load import Load

#: What ``end`` gives for an id that no request is in flight under.
UNKNOWN: Final = object()


class Requests:
    """Ids in flight, each with the status it was cancelled with. ``limit``: how many there may be.

    A request that was cancelled holds its place until its handler ended. C-16
    """

    __slots__ = ("_causes", "_expiry", "_limit", "_load", "last_id")

    def __init__(self, limit: int, load: Load) -> None:
        self._causes: dict[int, Status | None] = {}
        self._expiry: dict[int, float] = {}
        self._limit = limit
        self._load = load
        self.last_id = 0

    def __len__(self) -> int:
        return len(self._causes)

    def __contains__(self, id: int) -> bool:
        return id in self._causes

    def __iter__(self) -> Iterator[int]:
        return iter(self._causes)

    @property
    def full(self) -> bool:
        """C-25"""
        return len(self._causes) >= self._limit or self._load.taken >= self._load.limit

    def accept(self, id: int, expires: float | None) -> None:
        self._causes[id] = None
        self._load.taken += 1
        if id > self.last_id:
            self.last_id = id
        if expires is not None:
            self._expiry[id] = expires

    def cause(self, id: int) -> Status | None:
        """The status that the request was cancelled with, None if it was not."""
        return self._causes.get(id)

    def cancel(self, id: int, status: Status) -> bool:
        """Whether there is a handler to cancel: not if it is gone, or was cancelled before."""
        self._expiry.pop(id, None)
        if self._causes.get(id, UNKNOWN) is not None:
            return False
        self._causes[id] = status
        return True

    def end(self, id: int) -> None:
        """The response is being written: id and place are free. KeyError if not in flight."""
        del self._causes[id]
        self._load.taken -= 1
        self._expiry.pop(id, None)

    def expired(self, now: float) -> list[int]:
        return [id for id, at in self._expiry.items() if at <= now]

    @property
    def wake(self) -> float:
        """When the next request expires."""
        return min(self._expiry.values(), default=inf)
