"""Peer: a connection on an asyncio transport. Either side may call the other.

The connection decides what bytes mean and what is written; a peer moves bytes, starts handlers and
wakes callers. What is written in one turn of the event loop goes to the transport at once.

A peer belongs to the event loop and the process that made it. It is not safe for threads.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Any, Final, TypeVar, overload

from tracewire.codec import Frame, Status

from ..connection import events as e
from ..connection.connection import Connection
from ..connection.shutdown import State
from ..constants import Trust
from ..tracing import Tracing
from ..tracing.semconv import NOWHERE, attributes_of_server
from ..transports.schemes import server_name
from .call import running_call
from .calling import OutgoingCall, earlier, intercepted, result, written
from .changes import Changes
from .config import PeerConfig
from .handlers import Handlers, status_of
from .per_loop import DeadlineTimer, LoopAffinity, deadline_timer_of, input_buffer_of
from .writer import Writer

_T = TypeVar("_T")

#: Records that are written at once, so that the other side works on them while this one goes on.
#: Fewer wait for the end of the turn, and share one write.
_ENOUGH: Final = 16

#: States from which a connection may go while notifications are handled, that answer nobody.
_ENDING: Final = (State.DRAINING, State.LEAVING, State.FINISHING, State.LINGERING)

#: Seconds that a drain takes at most, unless told.
DRAIN_SECONDS: Final = 30.0


def _ignore(peer: "Peer") -> None:
    """Nobody asked to be told."""


class Peer(asyncio.BufferedProtocol, asyncio.Protocol):
    """The other side of a connection. Made by ``connect`` and by servers."""

    __slots__ = (
        "__weakref__",
        "_affinity",
        "_changes",
        "_config",
        "_connection",
        "_flushing",
        "_gone",
        "_handlers",
        "_input",
        "_loop",
        "_lost",
        "_made",
        "_network",
        "_timer",
        "_watched",
        "_writer",
    )

    def __init__(
        self,
        config: PeerConfig,
        made: Callable[["Peer"], None] = _ignore,
        gone: Callable[["Peer"], None] = _ignore,
    ) -> None:
        """``made`` and ``gone`` are told when the connection comes and goes."""
        loop = asyncio.get_running_loop()
        self._config = config
        self._made, self._gone = made, gone
        self._loop = loop
        self._affinity = LoopAffinity("this peer", "connect again")
        self._connection = Connection(
            loop.time,
            connector=config.connector,
            mode=config.mode,
            limits=config.limits,
            agent=config.agent,
            server=config.concurrency,
            counts=config.counts,
            grease=config.new_grease(),
        )
        self._network = NOWHERE
        self._input = input_buffer_of(loop)
        self._timer: DeadlineTimer = deadline_timer_of(loop)
        self._watched = inf
        self._handlers = Handlers(self._connection, config, self._answered_one)
        self._writer = Writer(loop, config.limits.write_buffer)
        self._flushing = False
        #: The transport is gone.
        self._lost = False
        #: For those who wait for its end.
        self._changes = Changes(loop)

    # For callers.

    @property
    def url(self) -> str:
        """The address that was connected to, or listened on."""
        return self._config.url

    @property
    def trust(self) -> Trust:
        """How far the other side's context is believed: parent, link or ignore."""
        return self._config.trust

    @property
    def agent(self) -> str | None:
        """Who the other side says it is; None if it does not, or did not yet."""
        hello = self._connection.peer
        return None if hello is None else hello.agent

    def counts(self) -> dict[str, int]:
        """What was passed over in silence, by name: a listener's, over all of its connections."""
        return dict(self._config.counts)

    @property
    def is_open(self) -> bool:
        """Whether a call may begin."""
        return self._connection.state is State.OPEN

    @property
    def tracing(self) -> Tracing:
        """What its calls are traced with."""
        return self._config.tracing

    @property
    def takes_more(self) -> bool:
        """Whether what is sent goes out now: not while the other side reads too slowly."""
        return self._writer.room is None

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
        """Calls a method of the other side and gives what it returns. Cancelling cancels the call.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            timeout: seconds until the call fails, waiting for room to send it included.
            metadata: text keys, and values of the subset of section 3.2.
            returns: the type to convert the result to, by msgspec.
            cascade: whether the deadline of the handler that calls holds as well.

        Returns:
            The result; as it was decoded where no type is given.

        Raises:
            RpcError: the call failed; its status says how, ``executed`` whether it ran.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        deadline = None if timeout is None else self._loop.time() + timeout
        outer = running_call() if cascade else None
        if outer is not None:
            deadline = earlier(deadline, outer.deadline)  # C-24
        interceptors = self._config.call_interceptors
        if not interceptors:
            return await self._call(method, body, metadata, deadline, returns)

        async def proceed(call: OutgoingCall) -> Any:
            bound = call.deadline if outer is None else earlier(call.deadline, outer.deadline)
            return await self._call(call.method, call.body, call.metadata, bound, returns)

        call = OutgoingCall(method, body, metadata, deadline, self._loop.time)
        return await intercepted(interceptors, proceed)(call)

    async def _call(
        self,
        method: str,
        body: object,
        metadata: Mapping[str, object] | None,
        deadline: float | None,
        returns: Any,
    ) -> Any:
        payload, extensions = written(body, metadata)
        if self._writer.room is not None:
            await self.wait_for_room(deadline)
        trace, sent, telemetry = self._config.tracing.client(method, extensions, self._network)
        outcome: asyncio.Future[Frame] = asyncio.Future(loop=self._loop)
        id = 0
        try:
            id = self._connection.request(outcome, method, payload, trace, sent, deadline)
            self._wrote()
            frame = await outcome
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self._connection.cancel(id)
                self._wrote()
            if telemetry is not None:
                telemetry.finish(status_of(error), error)
            raise
        if telemetry is not None:
            telemetry.finish(Status.OK)
        return result(method, frame, returns)

    async def notify(
        self,
        method: str,
        body: object = None,
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Tells the other side something; nobody answers. Waits for room to send it.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            metadata: text keys, and values of the subset of section 3.2.

        Raises:
            RpcError: it cannot be sent; executed = no.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        payload, extensions = written(body, metadata)
        if self._writer.room is not None:
            await self.wait_for_room()
        trace, sent = self._config.tracing.inject(extensions)
        self._connection.notify(method, payload, trace, sent)
        self._wrote()

    async def send(self, message: bytes) -> None:
        """A message without a method: bare, or an envelope once the other side reads frames."""
        self._affinity.check()
        if self._writer.room is not None:
            await self.wait_for_room()
        trace, extensions = None, None
        if self._connection.may_frame:
            trace, extensions = self._config.tracing.inject()
        self._connection.send(message, trace, extensions)
        self._wrote()

    def forward(self, frame: bytes) -> None:
        """Sends a notification that is encoded already, now. RpcError if it cannot be sent."""
        self._affinity.check()
        self._connection.forward(frame)
        self._wrote()

    async def drain(
        self, text: str | None = None, *, timeout: float | None = DRAIN_SECONDS
    ) -> bool:
        """Ends the connection in good order: calls that were accepted are answered first.

        Args:
            text: why, for the other side.
            timeout: seconds after which it goes on as `close`; None for never.

        Returns:
            Whether all had ended in time.
        """
        self._affinity.check()
        self.leave(text)
        with waiting_for_an_end() as is_over:
            try:
                async with asyncio.timeout(timeout):
                    await self.wait_until(is_over)
            except TimeoutError:
                await self.close()
                return False
        return True

    async def close(self) -> None:
        """Ends the connection now: open calls fail, handlers are cancelled on both sides.

        A handler that closes it is not cancelled itself.
        """
        self._affinity.check()
        with closing() as is_over:
            self.end()
            await self.wait_until(is_over)

    def end(self) -> None:
        """What of ``close`` needs no waiting: all but the waiting. May be called again."""
        self._connection.cancel_all()  # from its closing alone the other side learns nothing
        self._connection.drain("closed")
        self._flush()
        self._apply(self._connection.lost("the connection was closed here"))
        self._writer.close(self._config.limits.discard_seconds)
        if self._lost:
            self._handlers.lost()

    async def wait_closed(self) -> None:
        """Returns once the connection is gone and every handler ended."""
        with waiting_for_an_end() as is_over:
            await self.wait_until(is_over)

    async def wait_until(self, is_so: "Callable[[Peer], object]") -> None:
        """Returns once it is so, for what says something about an end."""
        await self._changes.until(lambda: is_so(self))

    def is_over(self) -> bool:
        """Whether the connection is gone and no handler runs."""
        return self._lost and not self._handlers.busy

    def is_over_for_handlers(self) -> bool:
        """The same, but that handlers may run which wait for that themselves, and be answered."""
        handlers, connection = self._handlers, self._connection
        if handlers.others_busy or not (self._lost or handlers.some_wait):
            return False
        own = handlers.requests_that_wait
        return self._lost or (connection.requests_open == own and not connection.calls_open)

    async def wait_ending(self) -> None:
        """Returns once no call can begin any more, while some may still be open."""
        await self._changes.until(lambda: not self.is_open)

    async def wait_for_room(self, deadline: float | None = None) -> None:
        """Returns once it takes more; RpcError DEADLINE_EXCEEDED at a time of the loop's clock."""
        await self._writer.wait_for_room(deadline)

    def leave(self, text: str | None = None) -> None:
        """Begins to drain."""
        self._connection.drain(text)
        self._wrote()

    def refuse(self) -> None:
        """Closes a connection that is one too many."""
        self._writer.abort()

    # For the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._writer.transport = transport  # type: ignore[assignment]  # uvloop's is no subclass
        name = transport.get_extra_info("peername")
        peer_address = name[0] if isinstance(name, tuple) else None
        to_server, from_server = attributes_of_server(*server_name(self.url), peer_address)
        if self._config.connector:
            self._network, self._handlers.network = to_server, from_server
        else:
            self._network, self._handlers.network = from_server, to_server
        self._made(self)
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._input

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(self._input[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        for event in self._connection.receive(data):
            _APPLY[type(event)](self, event)
        if self._connection.pending:
            self._flush()
        else:
            self._wrote()  # after the first step of what was just woken

    def eof_received(self) -> bool:
        self._apply(self._connection.end())
        self._flush()
        if self._writer.transport.can_write_eof() and self._connection.state is not State.CLOSED:
            return True
        self._writer.close(self._config.limits.linger_seconds)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self._lost:
            return
        reason = "closed the connection" if error is None else f"was lost: {error}"
        in_good_order = error is None and self._connection.state in _ENDING
        self._apply(self._connection.lost(reason))
        if not in_good_order:
            self._handlers.lost()
        self._writer.lost()
        self._lost = True
        self._follow(State.CLOSED)
        self._timer.forget(self)
        self.resume_writing()
        self._gone(self)

    def pause_writing(self) -> None:
        self._writer.pause()

    def resume_writing(self) -> None:
        self._writer.resume()

    def expire(self) -> float:
        """See Expiring."""
        self._apply(self._connection.expire())
        self._watched = self._connection.wake
        self._flush()
        return self._watched

    # Between the two.

    def _wrote(self) -> None:
        """Flushes at the end of this turn of the loop, or at once where there is enough."""
        if self._connection.pending >= _ENOUGH:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._end_turn)

    def _answered_one(self) -> None:
        """A handler has ended."""
        self._wrote()
        self._changes.notify()

    def _end_turn(self) -> None:
        self._flushing = False
        self._flush()

    def _flush(self) -> None:
        connection = self._connection
        if connection.pending and not self._writer.write(connection.output()):
            self._apply(connection.overflow())
            self._writer.abort()
        if connection.state is not State.OPEN:
            self._follow(connection.state)
        if connection.wake < self._watched:
            self._watched = connection.wake
            self._timer.watch(self, connection.wake)

    def _follow(self, state: State) -> None:
        """Does to the transport what the connection's state asks for."""
        self._changes.notify()
        if state is State.CLOSED:
            self._writer.close(self._config.limits.linger_seconds)
        elif state is State.LINGERING:
            self._writer.shut_down()

    def _apply(self, events: list[e.Event]) -> None:
        for event in events:
            _APPLY[type(event)](self, event)

    def _answered(self, event: e.CallAnswered) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            outcome.set_result(event.frame)

    def _failed(self, event: e.CallFailed) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            outcome.set_exception(event.error)

    def _requested(self, event: e.RequestReceived) -> None:
        self._handlers.requested(event, self)

    def _notified(self, event: e.NotificationReceived) -> None:
        self._handlers.notified(event, self)

    def _received(self, event: e.MessageReceived) -> None:
        self._handlers.received(event, self)

    def _cancelled(self, event: e.RequestCancelled) -> None:
        self._handlers.cancelled(event)

    def _ignored(self, event: e.Event) -> None:
        """What only the connection needed to know."""


_APPLY: Final[dict[type, Callable[[Peer, Any], None]]] = {
    e.RequestReceived: Peer._requested,
    e.CallAnswered: Peer._answered,
    e.CallFailed: Peer._failed,
    e.NotificationReceived: Peer._notified,
    e.MessageReceived: Peer._received,
    e.RequestCancelled: Peer._cancelled,
    e.HelloReceived: Peer._ignored,
    e.GoawayReceived: Peer._ignored,
    e.PongReceived: Peer._ignored,
}


@contextmanager
def waiting_for_an_end() -> Iterator[Callable[[Peer], bool]]:
    """What has to be so of peers for a drain or a close to return.

    In a handler, or a task of its: no end waits for its call meanwhile, or each would wait for the
    other.
    """
    call = running_call()
    if call is None or not isinstance(call.peer, Peer):
        yield Peer.is_over
        return
    peer = call.peer
    peer._handlers.begin_to_wait(call)
    peer._changes.notify()
    try:
        yield Peer.is_over_for_handlers
    finally:
        peer._handlers.end_to_wait(call)


@contextmanager
def closing() -> Iterator[Callable[[Peer], bool]]:
    """The same of a close, which does not cancel the handler that asked for it."""
    call = running_call()
    if call is not None and isinstance(call.peer, Peer):
        call.peer._handlers.spare(call)
    with waiting_for_an_end() as is_over:
        yield is_over
