"""What a peer does while its other side does not take what it is sent (section 7.10)."""

import asyncio
from math import inf
from typing import Protocol

from ..connection.connection import Connection
from ..connection.events import Event
from ..connection.start_queue import Startable
from ..constants import UNQUEUED_BYTES
from .backlog import Backlog, Backlogged
from .stalls import NOT_WATCHED, Stalls, bytes_taken
from .writer import Writer


class Congested(Backlogged, Protocol):
    """A peer."""

    def start(self, event: Startable) -> None:
        """Starts a handler."""

    def apply(self, events: list[Event]) -> None:
        """Does what they ask for."""

    def cut(self) -> None:
        """Ends it: the other side takes too little."""


class Congestion:
    """Admits who waits for room, starts what waits to start, and sees that it goes on."""

    __slots__ = (
        "_backlog",
        "_connection",
        "_loop",
        "_peer",
        "_relieving",
        "_stall_seconds",
        "_stalls",
        "_writer",
    )

    def __init__(
        self,
        peer: Congested,
        connection: Connection,
        writer: Writer,
        backlog: Backlog,
        stall_seconds: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._peer, self._connection, self._writer = peer, connection, writer
        self._backlog = backlog
        self._stall_seconds = stall_seconds
        self._stalls = NOT_WATCHED
        self._loop = loop
        self._relieving = False

    @property
    def due(self) -> float:
        """When ``check`` is to be called, inf for never."""
        return self._stalls.due

    def relieve(self, left: int) -> None:
        """``left``: bytes that are not written yet."""
        connection, peer, outbox = self._connection, self._peer, self._connection.outbox
        peer.apply(connection.written(left))
        if self._relieving:  # by a handler that was started below, where it goes on
            return
        self._relieving = True
        try:
            while True:
                while (event := connection.next_to_start()) is not None:
                    peer.start(event)
                if not outbox.pending:
                    break
                peer.apply(connection.written(self._writer.write(outbox.take())))
        finally:
            self._relieving = False
        self._note()

    def check(self) -> None:
        """Looks whether the other side takes enough, where it is time to."""
        now, outbox = self._loop.time(), self._connection.outbox
        if now < self._stalls.due:
            return
        if not self._writer.left:
            self._stalls.end()
        elif self._stalls.check(now, self._taken, outbox.size > outbox.limit):
            self._stalls.end()
            self._peer.cut()

    def end(self) -> None:
        """The connection is gone."""
        self._stalls.end()
        self._backlog.forget(self._peer)

    def _note(self) -> None:
        """What is left, for those who bound it."""
        connection, outbox = self._connection, self._connection.outbox
        if outbox.unqueued > UNQUEUED_BYTES:  # C-84
            self._peer.overflow()
            return
        # Where the transport has not paused it tells of no progress, and holds little.
        kept_back = self._writer.is_paused or outbox.congested
        self._backlog.note(self._peer, connection.size if kept_back else 0)
        if self._stalls.due == inf and self._writer.left:
            if self._stalls is NOT_WATCHED:
                self._stalls = Stalls(self._stall_seconds)
            self._stalls.begin(self._loop.time(), self._taken)

    @property
    def _taken(self) -> int:
        return bytes_taken(self._writer.transport, self._connection.outbox.taken)
