"""The writing side of a peer's transport: what it does not take yet, and how it ends."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

from .stalls import bytes_taken

#: Bytes that a transport is given beyond what the system takes; the rest is held here, where it is
#: not moved with each write.
_HIGH_WATER: Final = 65_536

#: Of every connection that had nothing to hold yet: most have no other for all their lives.
_NOTHING: Final[deque[bytes]] = deque()


class _Gone(asyncio.Transport):
    """The transport of a connection that is not there."""

    def is_closing(self) -> bool:
        return True

    def can_write_eof(self) -> bool:
        return False

    def write(self, data: object) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


_GONE: Final = _Gone()


class Writer:
    """Writes to its transport. ``limit``: bytes that may wait, by which the transport's own are."""

    __slots__ = (
        "__weakref__",
        "_copy",
        "_held",
        "_held_size",
        "_limit",
        "_loop",
        "_paused",
        "_shut",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._shut = self._paused = False
        self._copy: int | None = None
        #: What the transport was not given yet.
        self._held = _NOTHING
        self._held_size = 0
        self.transport = _GONE
        _writers.add(self)

    def begin(self, transport: asyncio.Transport) -> None:
        """The connection is there."""
        self.transport = transport
        if self._limit <= _HIGH_WATER:  # it has to pause below the limit
            transport.set_write_buffer_limits(high=self._limit - 1)

    def write(self, data: bytes) -> int:
        """Gives how many bytes are not written yet."""
        transport = self.transport
        if self._paused:
            if self._held is _NOTHING:
                self._held = deque()
            self._held.append(data)
            self._held_size += len(data)
        elif not transport.is_closing():  # of which the peer is told only in a later turn
            transport.write(data)
        return transport.get_write_buffer_size() + self._held_size

    @property
    def left(self) -> int:
        """Bytes that are not written yet."""
        return self.transport.get_write_buffer_size() + self._held_size

    @property
    def is_paused(self) -> bool:
        """Whether the transport takes no more, and will tell once it does."""
        return self._paused

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        """The transport takes more: it is given what is held, as long as it does."""
        self._paused = False
        self._give(lambda: not self._paused)

    def _give(self, may_go_on: Callable[[], bool]) -> None:
        while self._held and may_go_on():
            data = self._held.popleft()
            self._held_size -= len(data)
            if not self.transport.is_closing():
                self.transport.write(data)

    def shut_down(self) -> None:
        """Writes no more, where the transport can say so; what was written is still sent."""
        if self._shut or self.transport.is_closing() or not self.transport.can_write_eof():
            return
        self._shut = True
        self._give(lambda: True)
        try:
            self.transport.write_eof()
        except OSError:  # the other side is gone, of which the loop has not told yet
            self.abort()

    def close(self, patience: float) -> None:
        """Closes the transport; what was written is still sent while the other side reads it.

        ``patience``: seconds in which it must have read some.
        """
        if not self.transport.is_closing():
            self._give(lambda: True)
            self._end(self.transport.close)
            self._abort_if_stalled(None, patience)

    def abort(self) -> None:
        """Closes the transport now; what was not sent yet is dropped."""
        self._drop()
        self._end(self.transport.abort)

    def lost(self) -> None:
        """The transport is gone: so is the connection, also where forked children have copies."""
        self._drop()
        self._paused = False
        number, self._copy = self._copy, None
        if number is None:
            return
        try:
            copy = socket.socket(fileno=number)
        except OSError:  # the system has no room to say what it is
            os.close(number)
            return
        with copy, suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)

    def _end(self, end: Callable[[], None]) -> None:
        """Keeps the socket beyond the transport, whose buffer is empty or given up only then."""
        sock: Any = self.transport.get_extra_info("socket")
        if self._copy is None and sock is not None and not self.transport.is_closing():
            with suppress(OSError):  # descriptors are out: to close it must do
                self._copy = os.dup(sock.fileno())
        end()

    def _drop(self) -> None:
        self._held.clear()
        self._held_size = 0

    def _abort_if_stalled(self, before: int | None, patience: float) -> None:
        """``before``: what the other side had taken ``patience`` seconds ago."""
        left = self.transport.get_write_buffer_size()
        taken = bytes_taken(self.transport, -left)
        if not left:
            return
        if taken == before:
            self.abort()
        else:
            self._loop.call_later(patience, self._abort_if_stalled, taken, patience)


_writers: Final[WeakSet[Writer]] = WeakSet()


def _let_go() -> None:
    """In a forked child: the connections are the parent's, also where handlers end here."""
    for writer in _writers:
        writer.transport = _GONE


os.register_at_fork(after_in_child=_let_go)
