"""A connection that is made again when it ends."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Final, Self

from tracewire.codec import Status

from .constants import Executed
from .peer import Peer
from .rollout import ModeUnknown
from .status import RpcError

logger: Final = logging.getLogger("tracewire.peer")

#: Seconds: the longest first pause after a failure, and the longest of all.
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0


class Reconnecting:
    """A peer whose connection is made again when it ends, as ``connect(...).kept()`` gives.

    Pauses between attempts double, and each is drawn at random up to that, so that the clients of a
    server that restarts do not come all at once. A call that is open when the connection ends
    fails; one that begins while there is none waits for the next, or fails UNAVAILABLE, executed =
    no, at its timeout. Nothing is called twice.
    """

    def __init__(self, connect: Callable[[], Awaitable[Peer]], url: str) -> None:
        self._connect = connect
        #: The address that is connected to.
        self.url = url
        self._peer: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep())

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._connected().__await__()

    async def __aenter__(self) -> Self:
        return await self._connected()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection on which a call may begin now."""
        return self._peer.done() and not self._peer.cancelled() and self._peer.result().is_open

    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: Any = object,
        cascade: bool = True,
    ) -> Any:
        """As of Peer; ``timeout`` holds for waiting for a connection too."""
        clock = asyncio.get_running_loop().time
        began = clock()
        peer = await self._current(timeout)
        left = None if timeout is None else timeout - (clock() - began)
        return await peer.call(
            method, body, timeout=left, metadata=metadata, returns=returns, cascade=cascade
        )

    async def notify(
        self, method: str, body: object = None, *, metadata: Mapping[str, object] | None = None
    ) -> None:
        """As of Peer, once there is a connection."""
        await (await self._current()).notify(method, body, metadata=metadata)

    async def drain(self, text: str | None = None) -> None:
        """Ends the connection in good order, and makes no other."""
        self._keeping.cancel()
        if self._peer.done() and not self._peer.cancelled():
            await self._peer.result().drain(text)

    async def close(self) -> None:
        """Ends the connection now, and makes no other."""
        self._keeping.cancel()
        if self._peer.done() and not self._peer.cancelled():
            await self._peer.result().close()
        else:
            self._peer.cancel()

    async def _connected(self) -> Self:
        """The first connection fails as ``connect`` does; later ones are tried again."""
        first: set[asyncio.Future[Any]] = {self._peer, self._keeping}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if self._keeping.done():
            self._keeping.result()
        return self

    async def _current(self, timeout: float | None = None) -> Peer:
        if self._keeping.done():
            raise _unavailable(f"the connection to {self.url} was closed here")
        try:
            return await asyncio.wait_for(asyncio.shield(self._peer), timeout)
        except TimeoutError:
            raise _unavailable(f"there is no connection to {self.url}") from None

    async def _keep(self) -> None:
        """Connects, and again whenever the connection ends."""
        peer = await self._connect()
        while True:
            self._peer.set_result(peer)
            await peer.wait_ending()
            self._peer = asyncio.get_running_loop().create_future()
            peer = await self._again()

    async def _again(self) -> Peer:
        longest = FIRST_PAUSE
        while True:
            await asyncio.sleep(random.uniform(0, longest))
            try:
                return await self._connect()
            except (OSError, ModeUnknown) as error:
                logger.warning("connecting to %s again failed: %s", self.url, error)
                longest = min(2 * longest, LONGEST_PAUSE)


def _unavailable(said: str) -> RpcError:
    return RpcError(Status.UNAVAILABLE, said, executed=Executed.NO)
