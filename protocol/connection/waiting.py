"""What waits for room to be sent, first come first served (C-81)."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final

from tracewire.codec import Status, Trace, encode_request
from tracewire.codec.constants import STREAM_PREFIX, TIMEOUT
from tracewire.codec.item import BSTR
from tracewire.codec.value import encode_head
from tracewire.codec.writing import Extensions

from ..errors import not_executed
from ..wire import write_timeout

NEVER_SENT: Final = "the deadline passed before the call could be sent"


class WaitingResult:
    """What a handler gave, ready to be written. It keeps its id and its connection's slot. C-93"""

    __slots__ = ("frame", "id", "size")

    def __init__(self, id: int, frame: bytes) -> None:
        self.id, self.frame = id, frame
        self.size = STREAM_PREFIX + len(frame)


class WaitingCall:
    """A call, which is encoded once it is admitted.

    ``size``: bytes of its record.
    """

    __slots__ = ("_expires", "_extensions", "_method", "_payload", "_trace", "id", "size")

    def __init__(
        self,
        id: int,
        method: str,
        payload: bytes,
        trace: Trace,
        extensions: Extensions | None,
        expires: float | None,
    ) -> None:
        self.id, self._method, self._payload = id, method, payload
        self._trace, self._extensions, self._expires = trace, extensions, expires
        empty = len(encode_request(id, method, b"", trace, extensions)) - len(encode_head(BSTR, 0))
        self.size = STREAM_PREFIX + empty + len(encode_head(BSTR, len(payload))) + len(payload)

    def encode(self, clock: Callable[[], float]) -> bytes:
        """With the time that is left now. RpcError where none is. C-85"""
        extensions = self._extensions
        if self._expires is not None:
            microseconds = write_timeout(self._expires - clock())
            if microseconds < 1:  # C-74
                raise not_executed(Status.DEADLINE_EXCEEDED, NEVER_SENT)
            extensions = {**(extensions or {}), TIMEOUT: microseconds}
        return encode_request(self.id, self._method, self._payload, self._trace, extensions)


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
