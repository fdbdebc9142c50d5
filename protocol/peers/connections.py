"""The connections of one server, from before their handshake until their handlers have ended."""

import asyncio
from collections.abc import Callable
from weakref import WeakSet

from .changes import Changes
from .config import PeerConfig
from .peer import Peer


class Connections:
    """Who takes the connections of a server's listener.

    ``opening``: those of which nothing is known yet but that they were accepted. ``open``: those
    that are connected.
    """

    def __init__(self, config: PeerConfig) -> None:
        self._config = config
        self._changes = Changes(asyncio.get_running_loop())
        self.opening: set[Peer] = set()
        self.open: set[Peer] = set()
        #: Those that are gone. What runs of their handlers holds them.
        self._gone: WeakSet[Peer] = WeakSet()
        #: What is done with those that come late: the server has begun to end.
        self._meet_late: Callable[[Peer], None] | None = None

    def admit(self) -> Peer | None:
        if len(self.opening) + len(self.open) >= self._config.limits.connections:
            self._config.counts["connections_refused"] += 1
            return None
        peer = Peer(self._config, self._made, self._lost)
        self.opening.add(peer)
        return peer

    def failed(self, peer: Peer) -> None:
        peer.connection_lost(None)  # not every loop tells it, and what was told is told once

    def end_all(self, end: Callable[[Peer], None]) -> None:
        """Begins to end all, those that are still being opened too once they are connected."""
        self._meet_late = end
        for peer in (*self.open, *self._gone):
            end(peer)

    async def wait(self, is_over: Callable[[Peer], bool]) -> None:
        """Returns once it is so of all."""
        await self._changes.until(lambda: not self.opening)
        while left := [peer for peer in (*self.open, *self._gone) if not is_over(peer)]:
            for peer in left:
                await peer.wait_until(is_over)

    async def wait_until(self, is_so: Callable[[], object]) -> None:
        """Returns once it is so, which is asked after each change here."""
        await self._changes.until(is_so)

    def notify(self) -> None:
        """Something has changed for those who wait here."""
        self._changes.notify()

    def _made(self, peer: Peer) -> None:
        self.opening.discard(peer)
        self.open.add(peer)
        self._changes.notify()
        if self._meet_late is not None:
            self._meet_late(peer)

    def _lost(self, peer: Peer) -> None:
        self.opening.discard(peer)
        self.open.discard(peer)
        self._gone.add(peer)
        self._changes.notify()
