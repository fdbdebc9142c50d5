"""Handlers: what runs when the other side of a connection calls.

Each handler is a task of its own, in which its call and its trace are current. A request is
answered exactly once, whatever its handler does.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from opentelemetry.context import attach

from tracewire.codec import Frame, Status, unwrap
from tracewire.codec.constants import CONTENT_FORMAT

from ..connection.connection import Connection
from ..connection.events import (
    MessageReceived,
    NotificationReceived,
    RequestCancelled,
    RequestReceived,
)
from ..constants import Executed
from ..errors import RpcError
from ..tracing.semconv import NOWHERE
from ..tracing.spans import CallTelemetry
from .call import Call, enter, run_intercepted
from .caller import Caller
from .config import PeerConfig
from .service import Handler, Method

logger: Final = logging.getLogger("tracewire.peer")


class Handlers:
    """The handlers of one connection that run. ``answered`` is called when there is something to
    write. ``network``: what their spans say of the connection."""

    __slots__ = (
        "_answered",
        "_connection",
        "_config",
        "_loop",
        "_notices",
        "_spared",
        "_tasks",
        "_waiting",
        "network",
    )

    def __init__(
        self, connection: Connection, config: PeerConfig, answered: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._config = config
        self._answered = answered
        self.network = NOWHERE
        self._loop = asyncio.get_running_loop()
        #: By the id of their request.
        self._tasks: dict[int, asyncio.Task[None]] = {}
        #: Of what nobody answers.
        self._notices: dict[Call, asyncio.Task[None]] = {}
        #: Calls that wait in a drain or close themselves, as often as they do.
        self._waiting: list[Call] = []
        #: Calls that asked for the end of connections, and so are not cancelled by it.
        self._spared: list[Call] = []

    def requested(self, event: RequestReceived, peer: Caller) -> None:
        id, frame, expires = event
        if not self._connection.start(id):
            return
        method = self._config.service.methods.get(frame.target)  # type: ignore[arg-type]
        if method is None:
            self._refuse(id, frame)
            return
        call = Call(frame, peer, self._config.trust, expires)
        task = _start(self._handle(id, method, call), self._loop, method.name)
        if not task.done():
            self._tasks[id] = task

    def notified(self, event: NotificationReceived, peer: Caller) -> None:
        method = self._config.service.methods.get(event.frame.target)  # type: ignore[arg-type]
        if method is None:
            self._config.counts["notifications_unknown"] += 1
            return
        call = Call(event.frame, peer, self._config.trust, event.expires)
        self._start_notice(self._handle_notification(method, call), call, method.name)

    def received(self, event: MessageReceived, peer: Caller) -> None:
        handler = self._config.service.message
        if handler is None:
            self._config.counts["messages_unknown"] += 1
            return
        frame = event.frame or unwrap(event.message, mode="bare")
        call = Call(frame, peer, self._config.trust)
        self._start_notice(self._handle_message(handler, call), call, "on_message")

    def cancelled(self, event: RequestCancelled) -> None:
        task = self._tasks.get(event.id)
        if task is not None and event.id not in _ids(self._spared):
            # Not before its first step: a task that never ran could not answer.
            self._loop.call_soon(task.cancel)

    def lost(self) -> None:
        """The connection is gone, or nobody waits. Requests were cancelled; here the rest is."""
        for call, notice in self._notices.items():
            if call not in self._spared:
                notice.cancel()

    # What an end of the connection waits for.

    @property
    def busy(self) -> bool:
        """Whether a handler runs."""
        return bool(self._tasks or self._notices)

    @property
    def others_busy(self) -> bool:
        """The same, but those that wait for an end themselves."""
        waiting = self._waiting
        return bool(self._tasks.keys() - _ids(waiting) or self._notices.keys() - {*waiting})

    @property
    def requests_that_wait(self) -> int:
        """Requests whose handlers wait for an end."""
        return len(self._tasks.keys() & _ids(self._waiting))

    @property
    def some_wait(self) -> bool:
        """Whether a handler runs that waits for an end."""
        return any(call in self._notices for call in self._waiting) or self.requests_that_wait > 0

    def begin_to_wait(self, call: Call) -> None:
        """A handler, or a task of its, waits in a drain or a close from now on."""
        self._waiting.append(call)

    def end_to_wait(self, call: Call) -> None:
        self._waiting.remove(call)

    def spare(self, call: Call) -> None:
        """Its handler closes the connection, by which it is not cancelled itself."""
        self._spared.append(call)

    async def _handle(self, id: int, method: Method, call: Call) -> None:
        """Runs the handler of a request and answers."""
        telemetry = self._enter(call)
        failure: BaseException | None = None
        try:
            argument = _argument(method, call.frame)
            result = await self._running(method, call, argument)
            status = self._respond(id, method, result)
        except (Exception, asyncio.CancelledError) as error:
            failure = error
            status = self._fail(id, method, error)
        if telemetry is not None:
            telemetry.finish(status, failure)
        self._tasks.pop(id, None)
        self._answered()

    def _respond(self, id: int, method: Method, result: object) -> Status:
        """Answers with what the handler gave. Gives the status of the answer.

        RpcError if that is no body, or no frame takes it.
        """
        try:
            payload, content_format = method.write(result)
            extensions = None if content_format is None else {CONTENT_FORMAT: content_format}
            return self._connection.respond(id, payload, extensions)  # type: ignore[arg-type]
        except Exception as error:
            logger.error("the result of %s cannot be sent", method.name, exc_info=error)
            said = f"the result of {method.name} cannot be sent"
            raise RpcError(Status.INTERNAL, said, executed=Executed.YES) from error

    def _fail(self, id: int, method: Method, error: BaseException) -> Status:
        """Answers so. Gives the status of the answer."""
        if isinstance(error, asyncio.CancelledError):
            return self._connection.cancelled(id)
        if not isinstance(error, RpcError):
            logger.error("the handler of %s failed", method.name, exc_info=error)
            error = RpcError(Status.UNKNOWN, f"the handler of {method.name} failed")
        if error.executed is None:
            error.executed = Executed.YES
        self._connection.fail(id, error)
        return error.status

    def _refuse(self, id: int, frame: Frame) -> None:
        """Answers a request for a method that is not served."""
        said = f"no method {frame.target!r} is served here"
        error = RpcError(Status.UNIMPLEMENTED, said, executed=Executed.NO)
        tracing, trust = self._config.tracing, self._config.trust
        _, telemetry = tracing.server(frame, trust, self.network, served=False)
        if telemetry is not None:
            telemetry.finish(error.status, error)
        self._connection.fail(id, error)

    async def _handle_notification(self, method: Method, call: Call) -> None:
        """Runs the handler of a notification."""
        telemetry = self._enter(call)
        try:
            await self._running(method, call, _argument(method, call.frame))
        except BaseException as error:
            if telemetry is not None:
                telemetry.finish(status_of(error), error)
            raise
        if telemetry is not None:
            telemetry.finish(Status.OK)

    async def _handle_message(self, handler: Handler, call: Call) -> None:
        """Runs the handler of a message."""
        enter(call)
        attach(self._config.tracing.extract(call.frame))
        await self._running(handler, call, call.frame.payload)

    def _running(self, handler: Handler, call: Call, argument: object) -> Awaitable[object]:
        """The handler, with what runs around it."""
        interceptors = self._config.handler_interceptors
        if not interceptors:
            return handler.run(argument)
        return run_intercepted(interceptors, call, lambda: handler.run(argument))

    def _enter(self, call: Call) -> CallTelemetry | None:
        """Makes the call and its trace current in this task; what is to be finished with it."""
        config = self._config
        enter(call)
        context, telemetry = config.tracing.server(call.frame, config.trust, self.network)
        attach(context)
        return telemetry

    def _start_notice(self, handling: Coroutine[Any, Any, None], call: Call, name: str) -> None:
        """C-25 holds for what nobody answers as well."""
        if len(self._notices) >= self._config.limits.in_flight:
            self._config.counts["notifications_refused"] += 1
            handling.close()
            return
        task = self._loop.create_task(_logged(handling, name))
        self._notices[call] = task
        self._connection.begin_notice()
        task.add_done_callback(partial(self._end_notice, call))

    def _end_notice(self, call: Call, task: "asyncio.Task[None]") -> None:
        del self._notices[call]
        self._connection.end_notice()
        self._answered()


def _ids(calls: Sequence[Call]) -> set[int]:
    """Of those that are requests: 0 is no request's."""
    return {call.frame.id for call in calls}


def status_of(error: BaseException) -> Status:
    """How a call that ended so is recorded."""
    if isinstance(error, RpcError):
        return error.status
    return Status.CANCELLED if isinstance(error, asyncio.CancelledError) else Status.UNKNOWN


def _argument(method: Method, frame: Frame) -> object:
    content_format = frame.extensions.get(CONTENT_FORMAT)
    return method.read(frame.payload, content_format)  # type: ignore[arg-type]


async def _logged(handling: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await handling
    except Exception:
        logger.exception("the handler of %s failed", name)


def _start(
    handling: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, name: str
) -> asyncio.Task[None]:
    """Runs the handler in a task; its first step at once, where Python can do that."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(handling, loop=loop, name=name, eager_start=True)
    return asyncio.Task(handling, loop=loop, name=name)
