"""What waits for room to be sent, first come first served (C-81)."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final

from tracewire.codec.constants import STREAM_PREFIX

#: Gives the frame as it is now, by the time that is left until its deadline. C-85
Encoding = Callable[[], bytes]


class WaitingResult:
    """What a handler gave, ready to be written. It keeps its id and its connection's slot. C-93"""

    __slots__ = ("frame", "id", "size")

    def __init__(self, id: int, frame: bytes) -> None:
        self.id, self.frame = id, frame
        self.size = STREAM_PREFIX + len(frame)


class WaitingCall:
    """A call. One with a deadline is encoded again once it is admitted. C-85

    ``size``: bytes of its record.
    """

    __slots__ = ("encode", "id", "size")

    def __init__(self, id: int, size: int, encode: Encoding) -> None:
        self.id, self.encode = id, encode
        self.size = STREAM_PREFIX + size


class WaitingMessage:
    """A notification or a message. ``sender``: is told once it was written, or failed, if any."""

    __slots__ = ("frame", "sender", "size")

    def __init__(self, sender: object, frame: bytes) -> None:
        self.sender, self.frame = sender, frame
        self.size = STREAM_PREFIX + len(frame)


Waiter = WaitingResult | WaitingCall | WaitingMessage

#: Of results in keys, whose ids are the other side's.
_RESULT: Final = -1


#: Of every connection that nobody waits for yet: most have no other for all their lives.
_NOBODY: Final[OrderedDict[Hashable, Waiter]] = OrderedDict()


class Waiting:
    """The queue. Who gives up leaves it at once; ``size``: bytes of all in it."""

    __slots__ = ("_waiters", "size")

    def __init__(self) -> None:
        #: Calls by their ids, results by theirs negated, messages by who sends them.
        self._waiters = _NOBODY
        self.size = 0

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters.values())

    def push(self, waiter: Waiter) -> None:
        if self._waiters is _NOBODY:
            self._waiters = OrderedDict()
        self._waiters[_key(waiter)] = waiter
        self.size += waiter.size

    def pop(self) -> Waiter:
        """The first. KeyError where none waits."""
        _, waiter = self._waiters.popitem(last=False)
        self.size -= waiter.size
        return waiter

    def remove(self, waiter: Waiter) -> None:
        self._remove(_key(waiter))

    def has_call(self, id: int) -> bool:
        return id in self._waiters

    def clear(self) -> None:
        self._waiters.clear()
        self.size = 0

    def remove_call(self, id: int) -> bool:
        """Whether it waited."""
        return self._remove(id)

    def remove_result(self, id: int) -> bool:
        return self._remove(_RESULT * id)

    def remove_message(self, sender: object) -> bool:
        return self._remove(sender)

    def _remove(self, key: Hashable) -> bool:
        waiter = self._waiters.pop(key, None)
        if waiter is None:
            return False
        self.size -= waiter.size
        return True


def _key(waiter: Waiter) -> Hashable:
    if isinstance(waiter, WaitingResult):
        return _RESULT * waiter.id
    if isinstance(waiter, WaitingCall):
        return waiter.id
    return waiter if waiter.sender is None else waiter.sender
