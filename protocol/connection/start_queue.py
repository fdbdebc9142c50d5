"""What was read and may not start yet, in order (C-88)."""

from collections import OrderedDict
from typing import Final

from ..constants import QUEUED_BYTES
from .events import MessageReceived, NotificationReceived, RequestReceived

Startable = RequestReceived | NotificationReceived | MessageReceived


#: Of every connection where nothing waits yet: most have no other for all their lives.
_NOTHING: Final[OrderedDict[int, Startable]] = OrderedDict()


class StartQueue:
    """Requests, notifications and messages whose handlers wait for this side's output to be read.

    ``limit``: bytes that their payloads may have together, each counted as 64 more. C-89, C-102.
    ``size``: bytes that they have.
    """

    __slots__ = ("_events", "_number", "limit", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._number = 0
        #: Requests by their ids; what nobody answers, by numbers below 0.
        self._events = _NOTHING

    def __len__(self) -> int:
        return len(self._events)

    def push(self, event: Startable) -> bool:
        """Whether it was taken: not beyond the limit."""
        size = _size(event)
        if self.size + size > self.limit:
            return False
        if self._events is _NOTHING:
            self._events = OrderedDict()
        if isinstance(event, RequestReceived):
            self._events[event.id] = event
        else:
            self._number -= 1
            self._events[self._number] = event
        self.size += size
        return True

    def pop(self) -> Startable:
        """The first. KeyError where there is none."""
        _, event = self._events.popitem(last=False)
        self.size -= _size(event)
        return event

    def remove(self, id: int) -> RequestReceived | None:
        """The request, which is not to start any more; None if it is not here."""
        event = self._events.pop(id, None)
        if event is None:
            return None
        assert isinstance(event, RequestReceived)
        self.size -= _size(event)
        return event

    def clear(self) -> list[int]:
        """The ids of the requests that were here."""
        ids = [id for id in self._events if id > 0]
        self._events.clear()
        self.size = 0
        return ids


def _size(event: Startable) -> int:
    payload = event.message if isinstance(event, MessageReceived) else event.frame.payload
    return len(payload) + QUEUED_BYTES
