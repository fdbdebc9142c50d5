"""Peer: a connection on an asyncio transport. Either side may call the other.

The connection decides what bytes mean and what is written; a peer moves bytes, starts handlers and
wakes callers. What is written in one turn of the event loop goes to the transport at once.

A peer belongs to the event loop and the process that made it. It is not safe for threads.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from math import inf
from threading import get_ident
from typing import Any, Final

from tracewire.codec import Frame, Status

from . import conventions
from . import events as e
from .connection import Connection
from .constants import Executed
from .endpoint import Endpoint
from .ends import ends_of
from .handling import Handlers, status_of
from .input import buffer_of
from .outgoing import Outgoing, cascaded, result, written
from .states import State
from .status import RpcError
from .sweeper import Sweeper, sweeper_of
from .tracing import Tracing

#: Records that are written at once, so that the other side works on them while this one goes on.
#: Fewer wait for the end of the turn, and share one write.
_ENOUGH: Final = 16

_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class Peer(asyncio.BufferedProtocol, asyncio.Protocol):
    """The other side of a connection. Made by ``connect`` and by servers."""

    __slots__ = (
        "__weakref__",
        "_closed",
        "_connection",
        "_ending",
        "_endpoint",
        "_ends",
        "_flushing",
        "_handlers",
        "_forks",
        "_input",
        "_loop",
        "_shut",
        "_sweeper",
        "_thread",
        "_transport",
        "_watched",
        "_writable",
    )

    _transport: asyncio.Transport

    def __init__(self, endpoint: Endpoint) -> None:
        loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._loop = loop
        self._forks = _forks
        self._thread = get_ident()
        self._connection = Connection(
            loop.time,
            connector=endpoint.connector,
            mode=endpoint.mode,
            limits=endpoint.limits,
            agent=endpoint.agent,
            load=endpoint.load,
            counts=endpoint.counts,
            grease=endpoint.new_grease(),
        )
        self._ends = conventions.NOWHERE
        self._input = buffer_of(loop)
        self._sweeper: Sweeper = sweeper_of(loop)
        self._watched = inf
        self._handlers = Handlers(self._connection, endpoint, self._wrote)
        self._flushing = self._shut = False
        #: While the transport wants no more: done when it does again.
        self._writable: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        #: Done once no call can begin any more, if somebody waits for that.
        self._ending: asyncio.Future[None] | None = None

    # For callers.

    @property
    def url(self) -> str:
        """The address that was connected to, or listened on."""
        return self._endpoint.url

    @property
    def trust(self) -> str:
        """How far the other side's context is believed: parent, link or ignore."""
        return self._endpoint.trust

    @property
    def agent(self) -> str | None:
        """Who the other side says it is; None if it does not, or did not yet."""
        hello = self._connection.peer
        return None if hello is None else hello.agent

    def counts(self) -> dict[str, int]:
        """What was passed over in silence, by name: a listener's, over all of its connections."""
        return dict(self._endpoint.counts)

    @property
    def is_open(self) -> bool:
        """Whether a call may begin."""
        return self._connection.state is State.OPEN

    @property
    def tracing(self) -> Tracing:
        """What its calls are traced with."""
        return self._endpoint.tracing

    @property
    def takes_more(self) -> bool:
        """Whether what is sent goes out now: not while the other side reads too slowly."""
        return self._writable is None

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
        """Calls a method of the other side and gives what it returns.

        ``timeout``: seconds. In a handler its own deadline holds as well, unless ``cascade`` is
        False. ``metadata``: text keys and values of the subset of section 3.2. ``returns``: the
        type to convert to, by msgspec. RpcError if the call fails; cancelling cancels the call.
        """
        self._check_use()
        if cascade:
            timeout = cascaded(timeout)
        around = self._endpoint.around_calls
        if around is None:
            return await self._call(method, body, timeout, metadata, returns)

        async def proceed(call: Outgoing) -> Any:
            return await self._call(call.method, call.body, call.timeout, call.metadata, returns)

        return await around(Outgoing(method, body, timeout, metadata), proceed)

    async def _call(
        self,
        method: str,
        body: object,
        timeout: float | None,
        metadata: Mapping[str, object] | None,
        returns: Any,
    ) -> Any:
        payload, extensions = written(body, metadata)
        if self._writable is not None:
            timeout = await self.wait_for_room(timeout)
        trace, sent, operation = self._endpoint.tracing.client(method, extensions, self._ends)
        outcome: asyncio.Future[Frame] = asyncio.Future(loop=self._loop)
        id = 0
        try:
            id = self._connection.request(outcome, method, payload, trace, sent, timeout)
            self._wrote()
            frame = await outcome
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self._connection.cancel(id)
                self._wrote()
            if operation is not None:
                operation.finish(status_of(error), error)
            raise
        if operation is not None:
            operation.finish(Status.OK)
        return result(method, frame, returns)

    async def notify(
        self,
        method: str,
        body: object = None,
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Tells the other side something; nobody answers. RpcError if it cannot be sent."""
        self._check_use()
        payload, extensions = written(body, metadata)
        if self._writable is not None:
            await self.wait_for_room()
        trace, sent = self._endpoint.tracing.inject(extensions)
        self._connection.notify(method, payload, trace, sent)
        self._wrote()

    async def send(self, message: bytes) -> None:
        """A message without a method: bare, or an envelope once the other side reads frames."""
        self._check_use()
        if self._writable is not None:
            await self.wait_for_room()
        trace, extensions = None, None
        if self._connection.may_frame:
            trace, extensions = self._endpoint.tracing.inject()
        self._connection.send(message, trace, extensions)
        self._wrote()

    def forward(self, frame: bytes) -> None:
        """Sends a notification that is encoded already, now. RpcError if it cannot be sent."""
        self._check_use()
        self._connection.forward(frame)
        self._wrote()

    async def drain(self, text: str | None = None) -> None:
        """Ends the connection in good order: calls that were accepted are answered first."""
        self._check_use()
        self.leave(text)
        await self.wait_closed()

    async def close(self) -> None:
        """Ends the connection now: open calls fail, handlers are cancelled on both sides."""
        self._check_use()
        self._connection.cancel_all()  # from its closing alone the other side learns nothing
        self._connection.drain("closed")
        self._flush()
        self._apply(self._connection.lost("the connection was closed here"))
        self._end(self._endpoint.limits.discard_seconds)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Returns once the connection is gone and every handler ended."""
        if self._closed is not None:
            await asyncio.shield(self._closed)
        await self._handlers.wait()

    async def wait_ending(self) -> None:
        """Returns once no call can begin any more, while some may still be open."""
        if self.is_open:
            if self._ending is None:
                self._ending = self._loop.create_future()
            await asyncio.shield(self._ending)

    async def wait_for_room(self, timeout: float | None = None) -> float | None:
        """Returns once it takes more, with what is left of the timeout then. C-24"""
        until = None if timeout is None else self._loop.time() + timeout
        try:
            async with asyncio.timeout_at(until):
                while self._writable is not None:  # who waited before may have filled it again
                    await asyncio.shield(self._writable)
        except TimeoutError:
            said = "the deadline passed before the call could be sent"
            raise RpcError(Status.DEADLINE_EXCEEDED, said, executed=Executed.NO) from None
        return None if until is None else until - self._loop.time()

    def leave(self, text: str | None = None) -> None:
        """Begins to drain."""
        self._connection.drain(text)
        self._wrote()

    def refuse(self) -> None:
        """Closes a connection that is one too many."""
        self._transport.abort()

    def _check_use(self) -> None:
        if self._forks != _forks:
            raise RuntimeError("this peer was made before the process forked; connect again")
        # Not by the running loop, which asks the system for the process each time.
        if get_ident() != self._thread or not self._loop.is_running():
            raise RuntimeError("this peer belongs to another event loop; connect in this one")

    # For the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass
        endpoint = self._endpoint
        self._ends, self._handlers.ends = ends_of(endpoint.url, endpoint.connector, transport)
        self._closed = self._loop.create_future()
        self._endpoint.opened(self)
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
        can_half_close = self._transport.can_write_eof()
        return can_half_close and self._connection.state is not State.CLOSED

    def connection_lost(self, error: Exception | None) -> None:
        reason = "closed the connection" if error is None else f"was lost: {error}"
        self._apply(self._connection.lost(reason))
        self._handlers.lost()
        self._follow(State.CLOSED)
        self._sweeper.forget(self)
        self.resume_writing()
        assert self._closed is not None
        if not self._closed.done():
            self._closed.set_result(None)
        self._endpoint.closed(self)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def sweep(self) -> float:
        """See Swept."""
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

    def _end_turn(self) -> None:
        self._flushing = False
        self._flush()

    def _flush(self) -> None:
        connection = self._connection
        if connection.pending:
            self._transport.write(connection.output())
            if self._transport.get_write_buffer_size() > self._endpoint.limits.write_buffer:
                self._apply(connection.overflow())
                self._transport.abort()
        if connection.state is not State.OPEN:
            self._follow(connection.state)
        if connection.wake < self._watched:
            self._watched = connection.wake
            self._sweeper.watch(self, connection.wake)

    def _follow(self, state: State) -> None:
        """Does to the transport what the connection's state asks for."""
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)
        if state is State.CLOSED:
            self._end(self._endpoint.limits.linger_seconds)
        elif state is State.LINGERING and not self._shut:
            self._shut = True
            self._shut_down_writing()

    def _shut_down_writing(self) -> None:
        if self._transport.can_write_eof():
            try:
                self._transport.write_eof()
            except OSError:  # the other side is gone, of which the loop has not told yet
                self._transport.abort()

    def _end(self, patience: float) -> None:
        """Closes the transport; what is written is still sent while the other side reads it."""
        if not self._transport.is_closing():
            self._transport.close()
            self._abort_if_stalled(inf, patience)

    def _abort_if_stalled(self, before: float, patience: float) -> None:
        """``before``: bytes that waited to be sent ``patience`` seconds ago."""
        left = self._transport.get_write_buffer_size()
        if left >= before:
            self._transport.abort()
        elif left:
            self._loop.call_later(patience, self._abort_if_stalled, left, patience)

    def _apply(self, events: list[e.Happening]) -> None:
        for event in events:
            _APPLY[type(event)](self, event)

    def _answered(self, event: e.Answered) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            outcome.set_result(event.frame)

    def _failed(self, event: e.Failed) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            outcome.set_exception(event.error)

    def _requested(self, event: e.Requested) -> None:
        self._handlers.requested(event, self)

    def _notified(self, event: e.Notified) -> None:
        self._handlers.notified(event, self)

    def _received(self, event: e.Received) -> None:
        self._handlers.received(event, self)

    def _cancelled(self, event: e.Cancelled) -> None:
        self._handlers.cancelled(event)

    def _ignored(self, event: e.Happening) -> None:
        """What only the connection needed to know."""


_APPLY: Final[dict[type, Callable[[Peer, Any], None]]] = {
    e.Requested: Peer._requested,
    e.Answered: Peer._answered,
    e.Failed: Peer._failed,
    e.Notified: Peer._notified,
    e.Received: Peer._received,
    e.Cancelled: Peer._cancelled,
    e.Greeted: Peer._ignored,
    e.Leaving: Peer._ignored,
    e.Ponged: Peer._ignored,
}
