"""Peer: a connection on an asyncio transport. Either side may call the other.

The connection decides what bytes mean and what is written; a peer moves bytes, starts handlers and
wakes callers. What is written in one turn of the event loop goes to the transport at once.

A peer belongs to the event loop and the process that made it. It is not safe for threads.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import Any, Final, TypeVar, overload

from tracewire.codec import Frame, Status, Trace

from ..body.body import check_type
from ..connection import events as e
from ..connection.connection import Connection
from ..connection.messages import check_text
from ..connection.shutdown import State
from ..connection.start_queue import Startable
from ..constants import Trust
from ..errors import not_executed
from ..tracing import Tracing
from ..tracing.semconv import NOWHERE, NetworkAttributes, network_attributes
from ..tracing.spans import CallTelemetry
from ..transports.schemes import server_name
from .call import running_call
from .calling import (
    OutgoingCall,
    deadline_after,
    earlier,
    intercepted,
    recorded,
    result,
    written,
)
from .changes import Changes
from .config import PeerConfig
from .congestion import Congestion
from .handlers import Handlers
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
    """The other side of a connection. Made by ``connect`` and by servers.

    It belongs to the event loop and the process that made it, and is not safe for threads: use
    elsewhere raises RuntimeError. It ends with its connection; `connect(url).kept()` gives one that
    does not.
    """

    __slots__ = (
        "__weakref__",
        "_affinity",
        "_changes",
        "_config",
        "_congestion",
        "_connection",
        "_flushing",
        "_gone",
        "_handlers",
        "_input",
        "_loop",
        "_lost",
        "_made",
        "_outbox",
        "_timer",
        "_watched",
        "_writer",
        "network",
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
        #: What spans of its calls say of the connection.
        self.network: NetworkAttributes = NOWHERE
        self._input = input_buffer_of(loop)
        self._timer: DeadlineTimer = deadline_timer_of(loop)
        self._watched = inf
        self._handlers = Handlers(self._connection, config, self._answered_one)
        self._outbox = self._connection.outbox
        self._writer = Writer(loop, config.limits.write_buffer)
        self._congestion = Congestion(
            self,
            self._connection,
            self._writer,
            config.backlog,
            config.limits.stall_seconds,
            loop,
        )
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
        """What was passed over in silence.

        Returns:
            Counts by name, a copy; of a listener's peer those of all of its connections.
        """
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
        return not self._outbox.congested

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
            TypeError: the body or the metadata cannot be written, or ``returns`` not be read.
            ValueError: no method has that name, or a key of the metadata is kept for Tracewire
                (N-3).
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        deadline = None if timeout is None else deadline_after(timeout)
        telemetry, trace = self._config.tracing.client(method, self.network)
        asked = self.ask(telemetry, method, body, deadline, metadata, returns, cascade, trace)
        return await (asked if telemetry is None else recorded(telemetry, asked))

    def ask(
        self,
        telemetry: CallTelemetry | None,
        method: str,
        body: object,
        deadline: float | None,
        metadata: Mapping[str, object] | None,
        returns: Any,
        cascade: bool,
        trace: Trace = None,
    ) -> Awaitable[Any]:
        """A call whose telemetry, if any, has begun and is ended by who asks.

        Args:
            telemetry: of the call; None where nothing is recorded.
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            deadline: a time of the event loop's clock, or None.
            metadata: text keys, and values of the subset of section 3.2.
            returns: the type to convert the result to, by msgspec.
            cascade: whether the deadline of the handler that calls holds as well.
            trace: what is sent of the trace, if the context is that of whoever calls; None where
                it is still to be asked for.

        Returns:
            What is awaited for the result. It raises as `call` does.
        """
        outer = running_call() if cascade else None
        bound = None if outer is None or outer.over else outer.deadline
        if bound is not None:
            deadline = earlier(deadline, bound)
        if not self._config.call_interceptors:
            return self._call(telemetry, method, body, metadata, deadline, returns, trace)
        return self._intercepted(telemetry, method, body, metadata, deadline, bound, returns)

    async def _intercepted(
        self,
        telemetry: CallTelemetry | None,
        method: str,
        body: object,
        metadata: Mapping[str, object] | None,
        deadline: float | None,
        bound: float | None,
        returns: Any,
    ) -> Any:
        """``bound``: the deadline that no interceptor can outlast."""

        async def proceed(call: OutgoingCall) -> Any:
            if not isinstance(call, OutgoingCall):
                raise TypeError(f"proceed takes an OutgoingCall, not {call!r}")
            until = earlier(call.deadline, bound)
            told = call.method, call.body, call.metadata
            return await self._call(telemetry, *told, until, returns)

        call = OutgoingCall(method, body, metadata, deadline)
        return await intercepted(self._config.call_interceptors, proceed)(call)

    async def _call(
        self,
        telemetry: CallTelemetry | None,
        method: str,
        body: object,
        metadata: Mapping[str, object] | None,
        deadline: float | None,
        returns: Any,
        trace: Trace = None,
    ) -> Any:
        payload, sent = written(method, body, metadata)
        if returns is not object:
            check_type(returns)  # not once the call was made
        if trace is None:
            span = None if telemetry is None else telemetry.span
            trace, sent = self._config.tracing.inject(sent, span)
        outcome: asyncio.Future[Frame] = asyncio.Future(loop=self._loop)
        id = 0
        try:
            id = self._connection.request(outcome, method, payload, trace, sent, deadline)
            self._wrote()
            frame = await outcome
        except asyncio.CancelledError:
            self._connection.cancel(id)
            self._wrote()
            raise
        finally:
            del outcome  # it holds the error, whose traceback holds this frame
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
            ValueError: no method has that name, or a key of the metadata is kept for Tracewire
                (N-3).
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        payload, extensions = written(method, body, metadata)
        trace, sent = self._config.tracing.inject(extensions)
        if self._outbox.congested:
            await self._in_turn(partial(self._connection.notify, method, payload, trace, sent))
        else:
            self._connection.notify(method, payload, trace, sent)
            self._wrote()

    async def send(self, message: bytes) -> None:
        """Sends a message without a method: bare, or an envelope once frames are read there.

        The other side is given it by `Service.on_message`. Nobody answers.

        Args:
            message: the application's bytes.

        Raises:
            RpcError: it cannot be sent; executed = no.
            ValueError: it would go bare, and begins like a frame (M-5).
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        trace, extensions = None, None
        if self._connection.may_frame:
            trace, extensions = self._config.tracing.inject()
        if self._outbox.congested:
            await self._in_turn(partial(self._connection.send, message, trace, extensions))
        else:
            self._connection.send(message, trace, extensions)
            self._wrote()

    def forward(self, frame: bytes) -> None:
        """Sends a notification that is encoded already, now or not at all.

        For one that goes to many; for another, `notify` waits for room and adds the trace.

        Args:
            frame: what `tracewire.codec.encode_notification` gives, without even keys.

        Raises:
            RpcError: it cannot be sent, RESOURCE_EXHAUSTED where others wait to be; executed = no.
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        if self._outbox.congested:  # C-81
            raise not_executed(Status.RESOURCE_EXHAUSTED, "others wait to be sent before it")
        self._connection.forward(frame)
        self._wrote()

    async def forward_in_turn(self, frame: bytes, deadline: float | None = None) -> None:
        """As `forward`, once there is room and all have been sent that came before.

        Args:
            frame: what `tracewire.codec.encode_notification` gives, without even keys.
            deadline: a time of the event loop's clock; None waits as long as it takes.

        Raises:
            RpcError: it cannot be sent, or the deadline passed; executed = no.
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        try:
            async with asyncio.timeout_at(deadline):
                await self._in_turn(partial(self._connection.forward, frame))
        except TimeoutError:
            said = "the deadline passed before it could be sent"
            raise not_executed(Status.DEADLINE_EXCEEDED, said) from None

    async def _in_turn(self, send: Callable[..., None]) -> None:
        """Returns once what ``send`` was given a sender for has been sent."""
        sent = self._loop.create_future()
        if not self._outbox.congested:
            sent.set_result(None)
        send(sender=sent)
        self._wrote()
        try:
            await sent
        except asyncio.CancelledError:
            self._connection.withdraw(sent)
            raise

    async def drain(
        self, text: str | None = None, *, timeout: float | None = DRAIN_SECONDS
    ) -> bool:
        """Ends the connection in good order: calls that were accepted are answered first.

        In a handler, or a task that it started, it returns once all others have ended: the call
        of that handler is answered afterwards.

        Args:
            text: why, for the other side.
            timeout: seconds after which it goes on as `close`; None for never.

        Returns:
            Whether all had ended in time.

        Raises:
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        deadline = None if timeout is None else deadline_after(timeout)
        self.leave(text)
        with waiting_for_an_end() as is_over:
            try:
                async with asyncio.timeout_at(deadline):
                    await self.wait_until(is_over)
            except TimeoutError:
                await self.close()
                return False
        return True

    async def close(self) -> None:
        """Ends the connection now: open calls fail, handlers are cancelled on both sides.

        It returns once every handler ended, but for one that closes it, which is not cancelled
        either. For calls to be answered first, `drain`.

        Raises:
            RuntimeError: another event loop or process made this peer.
        """
        self._affinity.check()
        with closing() as is_over:
            self.end()
            await self.wait_until(is_over)

    def end(self) -> None:
        """What of ``close`` needs no waiting: all but the waiting. May be called again."""
        self._connection.cancel_all()  # from its closing alone the other side learns nothing
        self.apply(self._connection.drain("closed"))
        self._flush()
        self.apply(self._connection.lost("the connection was closed here"))
        self._writer.close(self._config.limits.discard_seconds)
        if self._lost:
            self._handlers.lost()

    async def wait_closed(self) -> None:
        """Returns once the connection is gone and every handler ended."""
        with waiting_for_an_end() as is_over:
            await self.wait_until(is_over)

    async def wait_until(self, is_so: "Callable[[Peer], object]") -> None:
        """Returns once it is so, which is asked now and whenever something of its end has changed.

        Args:
            is_so: asked with this peer.
        """
        await self._changes.until(lambda: is_so(self))

    def is_over(self) -> bool:
        """For whoever waits for the end outside of handlers.

        Returns:
            Whether the connection is gone and no handler runs.
        """
        return self._lost and not self._handlers.busy

    def is_over_for_handlers(self) -> bool:
        """For handlers that wait for the end: none of them waits for another such one.

        Returns:
            Whether no other handler runs, and the connection is gone or has but their calls open.
        """
        handlers, connection = self._handlers, self._connection
        if handlers.others_busy or not (self._lost or handlers.some_wait):
            return False
        own = handlers.requests_that_wait
        return self._lost or (connection.requests_open == own and not connection.calls_open)

    async def wait_ending(self) -> None:
        """Returns once no call can begin any more, while some may still be open."""
        await self._changes.until(lambda: not self.is_open)

    def leave(self, text: str | None = None) -> None:
        """Begins to drain, and does not wait for the end.

        Args:
            text: why, for the other side.
        """
        check_text(text)
        self.apply(self._connection.drain(text))
        self._wrote()

    def refuse(self) -> None:
        """Closes a connection that is one too many."""
        self._writer.abort()

    def overflow(self) -> None:
        """Ends the connection: more waits to be written than is allowed."""
        self.apply(self._connection.overflow())
        self._writer.abort()
        self._changes.notify()

    def cut(self) -> None:
        """Ends the connection, without a goaway: the other side takes too little."""
        self.apply(self._connection.stalled())
        self._writer.abort()
        self._changes.notify()

    # For the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._writer.begin(transport)  # type: ignore[arg-type]  # uvloop's is no subclass
        name = transport.get_extra_info("peername")
        address, port = server_name(self.url)
        other = name[:2] if isinstance(name, tuple) else (None, None)
        to_server = network_attributes(address, port, *other)
        from_server = network_attributes(None, None, *other)
        if self._config.connector:
            self.network, self._handlers.network = to_server, from_server
        else:
            # Who accepts knows a path or a name by which it is reached, but no host.
            reached = to_server if port is None else from_server
            self.network, self._handlers.network = from_server, reached
        self._made(self)
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._input

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(self._input[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        for event in self._connection.receive(data):
            _APPLY[type(event)](self, event)
        if self._outbox.pending:
            self._flush()
        else:
            self._wrote()  # after the first step of what was just woken

    def eof_received(self) -> bool:
        self.apply(self._connection.end())
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
        self.apply(self._connection.lost(reason))
        if not in_good_order:
            self._handlers.lost()
        self._writer.lost()
        self._lost = True
        self._follow(State.CLOSED)
        self._timer.forget(self)
        self._congestion.end()
        self._gone(self)

    def pause_writing(self) -> None:
        self._writer.pause()

    def resume_writing(self) -> None:
        self._writer.resume()
        self._congestion.relieve(self._writer.left)
        self._flush()

    def expire(self) -> float:
        """Does what the time asks for; the loop's timer calls it.

        Returns:
            The loop's time at which to be asked again, inf for never.
        """
        self.apply(self._connection.expire())
        self._congestion.check()
        self._watched = min(self._connection.wake, self._congestion.due)
        self._flush()
        return self._watched

    # Between the two.

    def _wrote(self) -> None:
        """Flushes at the end of this turn of the loop, or at once where there is enough."""
        if self._outbox.pending >= _ENOUGH:
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
        connection, outbox = self._connection, self._outbox
        if outbox.pending:
            left = self._writer.write(outbox.take())
            if left or outbox.congested:
                self._relieve(left)
        elif outbox.congested:
            self._relieve(self._writer.left)
        if connection.state is not State.OPEN:
            self._follow(connection.state)
        if connection.wake < self._watched:
            self._watched = connection.wake
            self._timer.watch(self, connection.wake)

    def _relieve(self, left: int) -> None:
        """``left``: bytes that are not written yet."""
        self._congestion.relieve(left)
        if self._congestion.due < self._watched:
            self._watched = self._congestion.due
            self._timer.watch(self, self._watched)

    def _follow(self, state: State) -> None:
        """Does to the transport what the connection's state asks for."""
        self._changes.notify()
        if state is State.CLOSED:
            self._writer.close(self._config.limits.linger_seconds)
        elif state is State.LINGERING:
            self._writer.shut_down()

    def apply(self, events: list[e.Event]) -> None:
        """Does what comes of something that the connection was given.

        Args:
            events: in order.
        """
        for event in events:
            _APPLY[type(event)](self, event)

    def _answered(self, event: e.CallAnswered) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            outcome.set_result(event.frame)

    def _failed(self, event: e.CallFailed) -> None:
        outcome: asyncio.Future[Frame] = event.caller  # type: ignore[assignment]
        if not outcome.done():
            event.error.nested = True
            outcome.set_exception(event.error)

    def _sent(self, event: e.MessageSent) -> None:
        sent: asyncio.Future[None] = event.sender  # type: ignore[assignment]
        if not sent.done():
            sent.set_result(None)

    def _requested(self, event: e.RequestReceived) -> None:
        if self._outbox.congested:
            self._start_or_hold(event)
        else:
            self._handlers.requested(event, self)

    def _start_or_hold(self, event: Startable) -> None:
        if self._outbox.congested and not self._connection.may_start:
            self.apply(self._connection.hold(event))
        else:
            self.start(event)

    def start(self, event: Startable) -> None:
        """Starts a handler.

        Args:
            event: a request, notification or message.
        """
        _START[type(event)](self._handlers, event, self)

    def _refused(self, event: e.RequestRefused) -> None:
        self._handlers.refused(event.frame, event.status, event.message)

    def _cancelled(self, event: e.RequestCancelled) -> None:
        self._handlers.cancelled(event)

    def _ignored(self, event: e.Event) -> None:
        """What only the connection needed to know."""


_START: Final[dict[type, Callable[[Handlers, Any, Peer], None]]] = {
    e.RequestReceived: Handlers.requested,
    e.NotificationReceived: Handlers.notified,
    e.MessageReceived: Handlers.received,
}

_APPLY: Final[dict[type, Callable[[Peer, Any], None]]] = {
    e.RequestReceived: Peer._requested,
    e.RequestRefused: Peer._refused,
    e.CallAnswered: Peer._answered,
    e.CallFailed: Peer._failed,
    e.MessageSent: Peer._sent,
    e.NotificationReceived: Peer._start_or_hold,
    e.MessageReceived: Peer._start_or_hold,
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
