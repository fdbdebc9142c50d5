"""The writing side of a peer's transport: whether there is room, and how it ends."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any, Final
from weakref import WeakSet

from tracewire.codec import Status

from ..errors import not_executed


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
    """Writes to ``transport``, to be set once it is there. ``limit``: bytes that may wait in it.

    ``room``: None while the transport takes more, else done when it does again.
    """

    __slots__ = ("__weakref__", "_copy", "_limit", "_loop", "_shut", "room", "transport")

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._shut = False
        self._copy: int | None = None
        self.transport = _GONE
        self.room: asyncio.Future[None] | None = None
        _writers.add(self)

    def write(self, data: bytes) -> bool:
        """Whether what waits then is within the limit. C-26"""
        if not self.transport.is_closing():  # of which the peer is told only in a later turn
            self.transport.write(data)
        return self.transport.get_write_buffer_size() <= self._limit

    def pause(self) -> None:
        if self.room is None:
            self.room = self._loop.create_future()

    def resume(self) -> None:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        self.room = None

    async def wait_for_room(self, deadline: float | None) -> None:
        """Returns once the transport takes more; RpcError at the deadline. C-24"""
        try:
            async with asyncio.timeout_at(deadline):
                while self.room is not None:  # who waited before may have filled it again
                    await asyncio.shield(self.room)
        except TimeoutError:
            said = "the deadline passed before the call could be sent"
            raise not_executed(Status.DEADLINE_EXCEEDED, said) from None

    def shut_down(self) -> None:
        """Writes no more, where the transport can say so; what was written is still sent."""
        if self._shut or self.transport.is_closing() or not self.transport.can_write_eof():
            return
        self._shut = True
        try:
            self.transport.write_eof()
        except OSError:  # the other side is gone, of which the loop has not told yet
            self.abort()

    def close(self, patience: float) -> None:
        """Closes the transport; what was written is still sent while the other side reads it.

        ``patience``: seconds in which it must have read some.
        """
        if not self.transport.is_closing():
            self._end(self.transport.close)
            self._abort_if_stalled(inf, patience)

    def abort(self) -> None:
        """Closes the transport now; what was not sent yet is dropped."""
        self._end(self.transport.abort)

    def lost(self) -> None:
        """The transport is gone: so is the connection, also where forked children have copies."""
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

    def _abort_if_stalled(self, before: float, patience: float) -> None:
        """``before``: bytes that waited to be sent ``patience`` seconds ago."""
        left = self.transport.get_write_buffer_size()
        if left >= before:
            self.abort()
        elif left:
            self._loop.call_later(patience, self._abort_if_stalled, left, patience)


_writers: Final[WeakSet[Writer]] = WeakSet()


def _let_go() -> None:
    """In a forked child: the connections are the parent's, also where handlers end here."""
    for writer in _writers:
        writer.transport = _GONE


os.register_at_fork(after_in_child=_let_go)
