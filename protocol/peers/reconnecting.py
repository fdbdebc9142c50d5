"""A connection that is made again when it ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from contextvars import Context
from math import inf
from typing import Any, Final, Self, TypeVar, overload
from weakref import WeakSet

from tracewire.codec import Status

from ..connection.messages import check_text
from ..draws import RANDOM
from ..errors import RpcError, not_executed
from ..fence import FENCE, shown
from ..tracing import Tracing
from ..tracing.semconv import network_attributes
from ..tracing.spans import CallTelemetry
from ..transports.schemes import server_name
from .calling import deadline_after, recorded
from .changes import Changes
from .peer import DRAIN_SECONDS, Peer, closing, waiting_for_an_end
from .per_loop import LoopAffinity

_T = TypeVar("_T")

logger: Final = logging.getLogger("tracewire.peer")

#: Seconds: the longest first pause after a failure, and the longest of all, unless told.
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
#: Seconds between two attempts, at most, while a call waits for one.
_WANTED: Final = 1.0
#: The least that an attempt may take.
_ATTEMPT: Final = 1.0
#: Between two lines about an outage.
_SAY_AGAIN: Final = 60.0


class Reconnecting:
    """A peer whose connection is made again when it ends, as ``connect(...).kept()`` gives.

    Pauses between attempts double until a connection lasts, and each is drawn at random up to that,
    so that the clients of a server that restarts do not come all at once; a call that waits cuts
    one short. A call that is open when the connection ends fails; one that begins while there is
    none waits for the next, or fails UNAVAILABLE, executed = no, at its timeout. Nothing is called
    twice: whether to is for the application, which knows what may run again. It is a `Caller`, and
    `notify_all` takes it.

    Nothing runs before it is awaited or entered. Then one task keeps the connection, and survives
    every failure until this is closed.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Peer]],
        url: str,
        tracing: Tracing,
        wait: bool = False,
        pauses: tuple[float, float] = (FIRST_PAUSE, LONGEST_PAUSE),
    ) -> None:
        """``pauses``: the longest first one, and the longest."""
        loop = asyncio.get_running_loop()
        self._connect = connect
        #: The address that is connected to.
        self.url = url
        #: What its calls are traced with.
        self.tracing = tracing
        self._network = network_attributes(*server_name(url))
        self._affinity = LoopAffinity("this peer", "connect again")
        self._clock = loop.time
        self._wait_for_first = wait
        self._first, self._longest = pauses
        self._pause = self._first
        self._changes = Changes(loop)
        #: Those that may still have calls open.
        self._peers: WeakSet[Peer] = WeakSet()
        #: The latest.
        self._peer: Peer | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._attempted = -inf
        #: Calls that wait for a connection.
        self._waiting = 0
        #: Attempts that failed since the last line about them, and when that was.
        self._failed, self._said = 0, -inf
        self._opening = False
        self._closed = False

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._begin().__await__()

    async def __aenter__(self) -> Self:
        return await self._begin()

    async def __aexit__(self, *_: object) -> None:
        if not self._affinity.forked:  # else it is the parent's
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
        self._affinity.check()
        deadline = None if timeout is None else deadline_after(timeout)
        telemetry, _ = self.tracing.client(method, self._network)
        asked = self._ask(telemetry, method, body, deadline, metadata, returns, cascade)
        return await (asked if telemetry is None else recorded(telemetry, asked))

    async def _ask(
        self,
        telemetry: CallTelemetry | None,
        method: str,
        body: object,
        deadline: float | None,
        metadata: Mapping[str, object] | None,
        returns: Any,
        cascade: bool,
    ) -> Any:
        """A call, once there is a connection."""
        peer = await self._current(deadline)
        if telemetry is not None:
            telemetry.reached(peer.network)
        return await peer.ask(telemetry, method, body, deadline, metadata, returns, cascade)

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
            RpcError: UNAVAILABLE where there is no connection, RESOURCE_EXHAUSTED where others wait
                to be sent before it; executed = no.
        """
        peer = self._open_peer()
        if peer is None:
            raise _unavailable(f"there is no connection to {self.url}")
        peer.forward(frame)

    async def forward_in_turn(self, frame: bytes, deadline: float | None = None) -> None:
        """As `forward`, once there is a connection and room in it.

        Args:
            frame: what `tracewire.codec.encode_notification` gives, without even keys.
            deadline: a time of the event loop's clock; None waits as long as it takes.

        Raises:
            RpcError: the deadline passed, or no connection comes any more; executed = no.
        """
        await (await self._current(deadline)).forward_in_turn(frame, deadline)

    async def drain(
        self, text: str | None = None, *, timeout: float | None = DRAIN_SECONDS
    ) -> bool:
        """Ends the connection in good order, and makes no other.

        In a handler, or a task that it started, it returns once all others have ended.

        Args:
            text: why, for the other side.
            timeout: seconds after which it goes on as `close`; None for never.

        Returns:
            Whether all had ended in time.

        Raises:
            RuntimeError: another event loop or process made it.
        """
        self._affinity.check()
        deadline = None if timeout is None else deadline_after(timeout)
        check_text(text)
        self._stop()
        for peer in self._peers:
            peer.leave(text)
        with waiting_for_an_end() as is_over:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wait(is_over)
            except TimeoutError:
                await self.close()
                return False
        return True

    async def close(self) -> None:
        """Ends the connection now, and makes no other. Calls that wait for one fail.

        A handler that closes it is not cancelled itself.

        Raises:
            RuntimeError: another event loop or process made it.
        """
        self._stop()
        with closing() as is_over:
            for peer in self._peers:
                peer.end()
            await self._wait(is_over)

    def _stop(self) -> None:
        self._affinity.check()
        self._closed = True
        self._changes.notify()
        if self._keeping is not None:
            self._keeping.cancel()

    async def _wait(self, is_over: Callable[[Peer], bool]) -> None:
        if self._keeping is not None:
            await asyncio.wait({self._keeping})
        for peer in [*self._peers]:
            await peer.wait_until(is_over)

    async def _begin(self) -> Self:
        """The first connection fails as ``connect`` does; later ones are tried again."""
        self._affinity.check()
        if self._closed or self._opening:
            raise RuntimeError("this was closed, or is being opened; call kept() again")
        if self._keeping is not None:
            return self
        if not self._wait_for_first:
            self._opening = True
            try:
                self._use(await self._connect())
            finally:
                self._opening = False
            if self._closed:
                raise self._no_connection()
        # Not by a task factory of the application, which may fail.
        self._keeping = asyncio.Task(
            self._keep(),
            loop=asyncio.get_running_loop(),
            name=f"keeps {self.url}",
            context=Context(),  # whoever began it may be a handler, whose call ends
        )
        return self

    def _use(self, peer: Peer) -> None:
        self._peers.add(peer)
        self._peer = peer
        if self._closed:  # in the very turn in which it was made
            peer.end()
        self._changes.notify()

    def _open_peer(self) -> Peer | None:
        """The connection on which a call may begin now."""
        peer = self._peer
        return peer if peer is not None and peer.is_open else None

    async def _current(self, deadline: float | None = None) -> Peer:
        """The connection, once there is one."""
        self._affinity.check()
        if self._closed or (self._peer is None and self._keeping is None):
            raise self._no_connection()
        peer = self._open_peer()
        if peer is not None:
            return peer
        self._waiting += 1
        self._changes.notify()
        try:
            async with asyncio.timeout_at(deadline):
                await self._changes.until(lambda: self._closed or self.is_open)
        except TimeoutError:
            raise _unavailable(f"there is no connection to {self.url}") from None
        finally:
            self._waiting -= 1
        return await self._current(deadline)

    def _no_connection(self) -> RpcError:
        """Why none comes."""
        if self._closed:
            return _unavailable(f"the connection to {self.url} was closed here")
        return _unavailable(
            f"the connection to {self.url} was not begun: await kept(), or enter it"
        )

    async def _keep(self) -> None:
        """Connects, and again whenever the connection ends."""
        while not self._closed:
            peer = self._peer
            if peer is None:
                self._use(await self._again())
                continue
            began = self._clock()
            await peer.wait_ending()
            if self._clock() - began > self._pause:
                self._pause = self._first
            self._peer = None

    async def _again(self) -> Peer:
        """The next connection. Only being stopped ends the attempts."""
        while True:
            await self._rest()
            self._attempted = self._clock()
            try:
                async with asyncio.timeout(max(self._longest, _ATTEMPT)):
                    peer = await self._connect()
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:
                if _is_cancelled():
                    raise asyncio.CancelledError from None
                self._note(error)
            else:
                self._failed, self._said = 0, -inf
                return peer

    async def _rest(self) -> None:
        """The pause before the next attempt; none before the very first."""
        if self._attempted == -inf and self._wait_for_first and not self._peers:
            return
        until = self._clock() + RANDOM.uniform(0, self._pause)
        self._pause = min(2 * self._pause, self._longest)

        def due() -> float:
            return min(until, self._attempted + _WANTED) if self._waiting else until

        while (left := due() - self._clock()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changes.wait()

    def _note(self, error: BaseException) -> None:
        """Says at once that there is no connection, and once a minute that there still is none."""
        self._failed += 1
        if self._clock() < self._said + _SAY_AGAIN:
            return
        self._said = self._clock()
        said = shown(error) or type(error).__name__
        try:
            logger.warning("no connection to %s, attempt %d: %s", self.url, self._failed, said)
        except BaseException as failure:  # of a filter or a handler of the application's
            FENCE.contain(logger, "an outage cannot be logged", failure)


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task, and not only what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _unavailable(said: str) -> RpcError:
    return not_executed(Status.UNAVAILABLE, said)
