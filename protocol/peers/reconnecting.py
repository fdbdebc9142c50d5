"""A connection that is made again when it ends."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Final, Self, TypeVar, overload
from weakref import WeakSet

from tracewire.codec import Status

from ..connection.messages import check_text
from ..errors import ModeUnknown, RpcError, not_executed
from ..tracing import Tracing
from .calling import deadline_after
from .peer import DRAIN_SECONDS, Peer
from .per_loop import LoopAffinity

_T = TypeVar("_T")

logger: Final = logging.getLogger("tracewire.peer")

#: Seconds: the longest first pause after a failure, and the longest of all.
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0


class Reconnecting:
    """A peer whose connection is made again when it ends, as ``connect(...).kept()`` gives.

    Pauses between attempts double until a connection lasts, and each is drawn at random up to that,
    so that the clients of a server that restarts do not come all at once. A call that is open when
    the connection ends fails; one that begins while there is none waits for the next, or fails
    UNAVAILABLE, executed = no, at its timeout. Nothing is called twice: whether to is for the
    application, which knows what may run again. It is a `Caller`, and `notify_all` takes it.
    """

    def __init__(self, connect: Callable[[], Awaitable[Peer]], url: str, tracing: Tracing) -> None:
        self._connect = connect
        #: The address that is connected to.
        self.url = url
        #: What its calls are traced with.
        self.tracing = tracing
        self._affinity = LoopAffinity("this peer", "connect again")
        self._clock = asyncio.get_running_loop().time
        self._longest = FIRST_PAUSE
        #: Those that may still have calls open.
        self._peers: WeakSet[Peer] = WeakSet()
        #: The latest, or the next while there is none.
        self._peer: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep())
        self._keeping.add_done_callback(self._kept)

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._connected().__await__()

    async def __aenter__(self) -> Self:
        return await self._connected()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection on which a call may begin now."""
        return self._open_peer() is not None

    @property
    def takes_more(self) -> bool:
        """Whether what is sent goes out now: not while there is no connection."""
        peer = self._open_peer()
        return peer is not None and peer.takes_more

    @overload
    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: type[_T],
        cascade: bool = True,
    ) -> _T: ...
    @overload
    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: Any = object,
        cascade: bool = True,
    ) -> Any: ...
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
        """Calls a method once there is a connection, as `Peer.call` does.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            timeout: seconds until the call fails, waiting for a connection included.
            metadata: text keys, and values of the subset of section 3.2.
            returns: the type to convert the result to, by msgspec.
            cascade: whether the deadline of the handler that calls holds as well.

        Returns:
            The result; as it was decoded where no type is given.

        Raises:
            RpcError: the call failed; UNAVAILABLE, executed = no, where no connection came in time.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
            RuntimeError: another event loop or process made it.
        """
        deadline = None if timeout is None else deadline_after(timeout)
        peer = await self._current(deadline)
        left = None if deadline is None else deadline - self._clock()
        return await peer.call(
            method, body, timeout=left, metadata=metadata, returns=returns, cascade=cascade
        )

    async def notify(
        self, method: str, body: object = None, *, metadata: Mapping[str, object] | None = None
    ) -> None:
        """Tells the other side something once there is a connection, as `Peer.notify` does.

        It waits for a connection as long as that takes: put a timeout around it where that is
        too long.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            metadata: text keys, and values of the subset of section 3.2.

        Raises:
            RpcError: it cannot be sent; executed = no.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
            RuntimeError: another event loop or process made it.
        """
        await (await self._current()).notify(method, body, metadata=metadata)

    def forward(self, frame: bytes) -> None:
        """Sends a notification that is encoded already, on the connection that there is.

        Args:
            frame: what `tracewire.codec.encode_notification` gives, without even keys.

        Raises:
            RpcError: UNAVAILABLE where there is no connection; executed = no.
        """
        peer = self._open_peer()
        if peer is None:
            raise _unavailable(f"there is no connection to {self.url}")
        peer.forward(frame)

    async def wait_for_room(self, deadline: float | None = None) -> None:
        """Returns once there is a connection that takes more.

        Args:
            deadline: a time of the event loop's clock; None waits as long as it takes.

        Raises:
            RpcError: the deadline passed, or no connection comes any more; executed = no.
        """
        await (await self._current(deadline)).wait_for_room(deadline)

    async def drain(
        self, text: str | None = None, *, timeout: float | None = DRAIN_SECONDS
    ) -> bool:
        """Ends the connection in good order, and makes no other.

        Args:
            text: why, for the other side.
            timeout: seconds after which it goes on as `close`; None for never.

        Returns:
            Whether all had ended in time.

        Raises:
            RuntimeError: another event loop or process made it.
        """
        check_text(text)
        if timeout is not None:
            deadline_after(timeout)  # what is no length of time ends nothing
        await self._stop()
        ended = await asyncio.gather(*(peer.drain(text, timeout=timeout) for peer in self._peers))
        return all(ended)

    async def close(self) -> None:
        """Ends the connection now, and makes no other. Calls that wait for one fail.

        Raises:
            RuntimeError: another event loop or process made it.
        """
        await self._stop()
        await asyncio.gather(*(peer.close() for peer in self._peers))

    async def _stop(self) -> None:
        self._affinity.check()
        self._keeping.cancel()
        await asyncio.wait({self._keeping})

    async def _connected(self) -> Self:
        """The first connection fails as ``connect`` does; later ones are tried again."""
        first: set[asyncio.Future[Any]] = {self._keeping, self._peer}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if self._keeping.done():
            if self._keeping.cancelled():
                raise self._gone()
            self._keeping.result()
        return self

    def _open_peer(self) -> Peer | None:
        """The connection on which a call may begin now."""
        return next((peer for peer in self._peers if peer.is_open), None)

    async def _current(self, deadline: float | None = None) -> Peer:
        """The connection, once there is one."""
        self._affinity.check()
        try:
            async with asyncio.timeout_at(deadline):
                while not self._keeping.done():
                    peer = await asyncio.shield(self._peer)
                    if peer.is_open:
                        return peer
                    await asyncio.sleep(0)  # until it is seen that this one ended
        except TimeoutError:
            raise _unavailable(f"there is no connection to {self.url}") from None
        raise self._gone()

    async def _keep(self) -> None:
        """Connects, and again whenever the connection ends."""
        peer = await self._connect()
        while True:
            self._peers.add(peer)
            self._peer.set_result(peer)
            began = self._clock()
            await peer.wait_ending()
            if self._clock() - began > self._longest:
                self._longest = FIRST_PAUSE
            self._peer = asyncio.get_running_loop().create_future()
            peer = await self._again()

    async def _again(self) -> Peer:
        while True:
            await asyncio.sleep(random.uniform(0, self._longest))
            self._longest = min(2 * self._longest, LONGEST_PAUSE)
            try:
                return await self._connect()
            except (OSError, ModeUnknown) as error:
                logger.warning("connecting to %s again failed: %s", self.url, error)

    def _kept(self, keeping: "asyncio.Task[None]") -> None:
        """No connection comes any more: calls that wait for one fail."""
        if not self._peer.done():
            self._peer.set_exception(self._gone())
            self._peer.exception()  # nobody has to wait for it

    def _gone(self) -> RpcError:
        """Why no connection comes any more."""
        if self._keeping.cancelled():
            return _unavailable(f"the connection to {self.url} was closed here")
        return _unavailable(f"connecting to {self.url} failed: {self._keeping.exception()}")


def _unavailable(said: str) -> RpcError:
    return not_executed(Status.UNAVAILABLE, said)
