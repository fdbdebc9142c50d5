"""The writing side of a peer's transport: whether there is room, and how it ends."""

import asyncio
from math import inf

from tracewire.codec import Status

from ..errors import not_executed


class Writer:
    """Writes to ``transport``, to be set once it is there. ``limit``: bytes that may wait in it.

    ``room``: None while the transport takes more, else done when it does again.
    """

    __slots__ = ("_limit", "_loop", "_shut", "room", "transport")

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._shut = False
        self.room: asyncio.Future[None] | None = None

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
        if self._shut or not self.transport.can_write_eof():
            return
        self._shut = True
        try:
            self.transport.write_eof()
        except OSError:  # the other side is gone, of which the loop has not told yet
            self.transport.abort()

    def close(self, patience: float) -> None:
        """Closes the transport; what was written is still sent while the other side reads it.

        ``patience``: seconds in which it must have read some.
        """
        if not self.transport.is_closing():
            self.transport.close()
            self._abort_if_stalled(inf, patience)

    def _abort_if_stalled(self, before: float, patience: float) -> None:
        """``before``: bytes that waited to be sent ``patience`` seconds ago."""
        left = self.transport.get_write_buffer_size()
        if left >= before:
            self.transport.abort()
        elif left:
            self._loop.call_later(patience, self._abort_if_stalled, left, patience)
