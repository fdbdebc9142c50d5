"""Handlers: what runs when the other side of a connection calls.

Each handler is a task of its own, in which its call and its trace are current. A request is
answered exactly once, whatever its handler, an interceptor, telemetry or a log does; what else is
to be said of it comes after the answer.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, NoReturn

import opentelemetry.context as otel

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
from ..errors import RpcError, not_executed
from ..fence import FENCE
from ..tracing.context import PAIR_KEY
from ..tracing.sampling import enter as enter_fanout
from ..tracing.semconv import NOWHERE
from ..tracing.spans import CallTelemetry
from .call import Call, enter, run_intercepted
from .caller import Caller
from .calling import status_of
from .config import PeerConfig
from .service import Handler, Method

logger: Final = logging.getLogger("tracewire.peer")

#: What is known of a request that was invalid.
_NOTHING: Final = unwrap(b"", mode="bare")

Handling = Coroutine[Any, Any, None]


class Unsendable(RpcError):
    """A handler gave a result that cannot be written; the cause says why."""


def handler_context() -> Context:
    """The variables that a server's handlers begin with: those of who serves, without traces."""
    context = copy_context()
    context.run(otel.attach, otel.Context())
    context.run(enter, None)
    return context


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
        "_to_cancel",
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
        #: By the id of their request, which is there until it is answered.
        self._tasks: dict[int, asyncio.Task[None] | None] = {}
        #: Those that are cancelled in the next turn of the loop.
        self._to_cancel: list[asyncio.Task[None]] = []
        #: Of what nobody answers.
        self._notices: dict[Call, asyncio.Task[None] | None] = {}
        #: Calls that wait in a drain or close themselves, as often as they do.
        self._waiting: list[Call] = []
        #: Calls that asked for the end of connections, and so are not cancelled by it.
        self._spared: list[Call] = []

    def requested(self, event: RequestReceived, peer: Caller) -> None:
        id, frame = event.id, event.frame
        cause = self._connection.cause(id)
        if cause is not None:
            self._connection.start(id)  # answers that it is not
            self.refused(frame, cause, "it was not begun")
            return
        method = self._config.service.methods.get(frame.target)  # type: ignore[arg-type]
        if method is None:
            self._refuse(id, frame)
            return
        call = Call(frame, peer, self._config.trust, event.expires)
        handling = self._handle(id, method, call)
        self._tasks[id] = None
        factory = self._loop.get_task_factory()
        try:
            task = self._start(handling, method.name, factory)
        except BaseException as error:
            handling.close()
            self._never_ran(id, method, call, error)
            return
        if id in self._tasks:
            self._tasks[id] = task
            if factory is not None:  # what it made may not run the handler
                task.add_done_callback(lambda task: self._ended(id, method, call, handling, task))

    def notified(self, event: NotificationReceived, peer: Caller) -> None:
        frame = event.frame
        method = self._config.service.methods.get(frame.target)  # type: ignore[arg-type]
        if method is None:
            self._config.counts["notifications_unknown"] += 1
            said = f"no method {frame.target!r} is served here"
            self.refused(frame, Status.UNIMPLEMENTED, said)
        elif self._has_room:
            call = Call(frame, peer, self._config.trust, event.expires)
            self._start_notice(self._handle_notification(method, call), call, method.name)
        else:
            said = "too many notifications are handled"
            self.refused(frame, Status.RESOURCE_EXHAUSTED, said)

    def received(self, event: MessageReceived, peer: Caller) -> None:
        handler = self._config.service.message
        if handler is None:
            self._config.counts["messages_unknown"] += 1
        elif self._has_room:
            frame = event.frame or unwrap(event.message, mode="bare")
            call = Call(frame, peer, self._config.trust)
            self._start_notice(self._handle_message(handler, call), call, "on_message")

    def refused(self, frame: Frame | None, status: Status, said: str) -> None:
        """What was refused before its method was asked for is recorded where it was refused."""
        config, error = self._config, RpcError(status, said)
        # Not in the variables of whoever made the connection, which this runs in.
        record, context = config.tracing.refused, config.context.copy()
        try:
            context.run(record, frame or _NOTHING, config.trust, self.network, error)
        except (KeyboardInterrupt, SystemExit) as ending:
            self._end_program(ending)

    def cancelled(self, event: RequestCancelled) -> None:
        task = self._tasks.get(event.id)
        if task is not None and not (self._spared and event.id in _ids(self._spared)):
            # Not before its first step: a task that never ran could not answer.
            if not self._to_cancel:
                self._loop.call_soon(self._cancel_tasks)
            self._to_cancel.append(task)

    def _cancel_tasks(self) -> None:
        tasks, self._to_cancel = self._to_cancel, []
        for task in tasks:
            try:
                task.cancel()
            except BaseException as error:  # of a task factory's own
                FENCE.report(logger, "a handler cannot be cancelled", error)

    def lost(self) -> None:
        """The connection is gone, or nobody waits. Requests were cancelled; here the rest is."""
        for call, notice in self._notices.items():
            if notice is not None and call not in self._spared:
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

    # Requests.

    async def _handle(self, id: int, method: Method, call: Call) -> None:
        """Runs the handler of a request and answers."""
        telemetry: CallTelemetry | None = None
        failure: BaseException | None = None
        try:
            telemetry = self._enter(call)
            argument = _argument(method, call.frame)
            result = await self._running(method, call, argument)
            status = self._respond(id, method, result)
        except BaseException as error:
            failure = error
            status = self._fail(id, method, call, error)
        finally:
            call.over = True
            self._tasks.pop(id, None)
            if failure is None:
                self._answered()
            else:
                self._wake_writer()
        self._record(telemetry, method.name, status, failure)
        del failure  # whose traceback holds this frame

    def _respond(self, id: int, method: Method, result: object) -> Status:
        """Answers with what the handler gave. Gives the status of the answer.

        Unsendable if that is no body, or no frame takes it.
        """
        try:
            payload, content_format = method.write(result)
            extensions = None if content_format is None else {CONTENT_FORMAT: content_format}
            return self._connection.respond(id, payload, extensions)  # type: ignore[arg-type]
        except Exception as error:
            said = f"the result of {method.name} cannot be sent"
            raise Unsendable(Status.INTERNAL, said, executed=Executed.YES) from error

    def _fail(self, id: int, method: Method, call: Call, error: BaseException) -> Status:
        """Answers so. Gives the status of the answer."""
        if isinstance(error, asyncio.CancelledError):  # or that of a task that it waited for
            cause = self._connection.cause(id)
            if call.ran and (cause is not None or _is_being_cancelled()):
                return self._connection.cancelled(id)
            if cause is not None or _is_being_cancelled():
                error = not_executed(cause or Status.CANCELLED, "it was cancelled")
        said = f"the handler of {method.name} failed"
        try:
            answer = _answer(error, said, call.ran)
            if call.ran:
                self._connection.fail(id, answer)
            else:
                self._connection.refuse(id, answer)
            return answer.status
        except BaseException as unsayable:  # its text, or what else it holds
            answer = _answer(unsayable, said, call.ran)
            self._connection.fail(id, RpcError(Status.UNKNOWN, said, executed=answer.executed))
            return Status.UNKNOWN

    def _refuse(self, id: int, frame: Frame) -> None:
        """Answers a request for a method that is not served."""
        said = f"no method {frame.target!r} is served here"
        error = RpcError(Status.UNIMPLEMENTED, said, executed=Executed.NO)
        self._connection.refuse(id, error)
        self.refused(frame, error.status, said)

    def _never_ran(self, id: int, method: Method, call: Call, error: BaseException) -> None:
        """Answers for a handler that cannot: no task was made for it, or none that ran it."""
        if self._tasks.pop(id, self) is self:
            return  # it did
        status = self._fail(id, method, call, error)
        call.over = True
        self._wake_writer()
        self.refused(call.frame, status, "it was not begun")
        self._record(None, method.name, status, error)

    def _ended(
        self, id: int, method: Method, call: Call, handling: Handling, task: asyncio.Task[None]
    ) -> None:
        handling.close()
        if id in self._tasks:
            error = None if task.cancelled() else task.exception()
            self._never_ran(id, method, call, error or asyncio.CancelledError())

    # What nobody answers.

    async def _handle_notification(self, method: Method, call: Call) -> None:
        """Runs the handler of a notification."""
        telemetry: CallTelemetry | None = None
        failure: BaseException | None = None
        try:
            telemetry = self._enter(call)
            await self._running(method, call, _argument(method, call.frame))
        except BaseException as error:
            failure = error
        finally:
            call.over = True
        status = Status.OK if failure is None else _status_of_notice(failure)
        self._record(telemetry, method.name, status, failure)
        del failure

    async def _handle_message(self, handler: Handler, call: Call) -> None:
        """Runs the handler of a message."""
        failure: BaseException | None = None
        try:
            enter(call)
            _attach(self._config.tracing.message(call.frame, call.trust))
            await self._running(handler, call, call.frame.payload)
        except BaseException as error:
            failure = error
        finally:
            call.over = True
        status = Status.OK if failure is None else _status_of_notice(failure)
        self._record(None, "on_message", status, failure)
        del failure

    @property
    def _has_room(self) -> bool:
        """C-25 holds for what nobody answers as well."""
        if len(self._notices) < self._config.limits.in_flight:
            return True
        self._config.counts["notifications_refused"] += 1
        return False

    def _start_notice(self, handling: Handling, call: Call, name: str) -> None:
        self._notices[call] = None
        self._connection.begin_notice()
        try:
            task = self._start(handling, name, self._loop.get_task_factory())
        except BaseException as error:
            handling.close()
            self._end_notice(call)
            self._record(None, name, Status.UNKNOWN, error)
            return
        if task.done():
            self._end_notice(call)
        else:
            self._notices[call] = task
            task.add_done_callback(partial(self._end_notice, call))

    def _end_notice(self, call: Call, task: "asyncio.Task[None] | None" = None) -> None:
        del self._notices[call]
        self._connection.end_notice()
        self._wake_writer()

    # What they have in common.

    def _start(self, handling: Handling, name: str, factory: object) -> asyncio.Task[None]:
        """Runs a handler in a task, in variables of its own.

        ``factory``: the loop's task factory, which makes it if there is one: tools isolate tasks by
        that. Else its first step runs at once, where Python can do that.
        """
        loop, context = self._loop, self._config.context.copy()
        if factory is not None:
            made = context.run(loop.create_task, handling)  # factories need not take a context
            if not isinstance(made, asyncio.Future):
                raise TypeError(f"the event loop's task factory gave {made!r}")
            return made
        if sys.version_info >= (3, 12):
            return asyncio.Task(handling, loop=loop, name=name, context=context, eager_start=True)
        return asyncio.Task(handling, loop=loop, name=name, context=context)

    def _enter(self, call: Call) -> CallTelemetry | None:
        """Makes the call and its trace current in this task; what is to be finished with it."""
        config = self._config
        enter(call)
        context, telemetry = config.tracing.server(call.frame, config.trust, self.network)
        if context:
            _attach(context)
        return telemetry

    def _running(self, handler: Handler, call: Call, argument: object) -> Awaitable[object]:
        """The handler, with what runs around it."""
        interceptors = self._config.handler_interceptors
        if not interceptors:
            call.ran = True
            return handler.run(argument)

        def run() -> Awaitable[object]:
            call.ran = True
            return handler.run(argument)

        return run_intercepted(interceptors, call, run)

    def _wake_writer(self) -> None:
        try:
            self._answered()
        except RuntimeError:
            if not self._loop.is_closed():  # else nobody writes any more
                raise

    def _record(
        self,
        telemetry: CallTelemetry | None,
        name: str,
        status: Status,
        failure: BaseException | None,
    ) -> None:
        """Says how a handler ended, once all else of its call is done."""
        try:
            if telemetry is not None:
                telemetry.finish(status, failure)
            if failure is not None:
                self._tell(name, status, failure)
        except (KeyboardInterrupt, SystemExit) as ending:  # of code that only watches
            self._end_program(ending)

    def _end_program(self, ending: BaseException) -> None:
        """In the loop's turn after next: what was read with a call is started in the next."""
        self._loop.call_soon(self._loop.call_soon, _raise, ending)

    def _tell(self, name: str, status: Status, failure: BaseException) -> None:
        """Logs what is a fault here, and lets what ends the program end it."""
        if status is Status.CANCELLED or status is Status.DEADLINE_EXCEEDED:
            pass  # the most frequent, and no fault
        elif isinstance(failure, (KeyboardInterrupt, SystemExit)):
            self._end_program(failure)
        elif isinstance(failure, GeneratorExit):
            raise failure
        elif isinstance(failure, Unsendable) and failure.__cause__ is not None:
            FENCE.report(logger, failure.message, failure.__cause__)
        elif status is Status.UNKNOWN:
            FENCE.report(logger, f"the handler of {name} failed", failure)


def _ids(calls: Sequence[Call]) -> set[int]:
    """The ids of those that are requests, and 0, which is no request's."""
    return {call.frame.id for call in calls}


def _answer(error: BaseException, said: str, ran: bool) -> RpcError:
    """The error that a request is answered with.

    ``said``: for the caller where it was no RpcError. ``ran``: whether the handler was started.
    """
    failure = _rpc_error(error)
    if failure is None:
        executed = Executed.YES if ran else Executed.NO
        return RpcError(Status.UNKNOWN, said, executed=executed)
    known: Executed | None = failure.executed
    if not ran:
        known = Executed.NO if known is None or failure.nested else known
    elif failure.nested:
        known = Executed.MAYBE  # it speaks of another hop
    elif known is None:
        known = Executed.YES
    return RpcError(failure.status, failure.message, failure.details, known)


def _rpc_error(error: BaseException) -> RpcError | None:
    """The error itself, or the first of a group of such errors, as a TaskGroup raises."""
    found: list[RpcError] = []
    left = [error]
    while left:  # groups may be nested deeper than calls can be
        each = left.pop()
        if isinstance(each, RpcError):
            found.append(each)
        elif isinstance(each, BaseExceptionGroup):
            left.extend(reversed(each.exceptions))
        else:
            return None
    return found[0]


def _status_of_notice(failure: BaseException) -> Status:
    """As a request that failed so would have been answered."""
    if isinstance(failure, asyncio.CancelledError) and not _is_being_cancelled():
        return Status.UNKNOWN
    return status_of(_rpc_error(failure) or failure)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _attach(context: otel.Context) -> None:
    """In a task of its own, where no fan-out was entered yet."""
    otel.attach(context)
    if PAIR_KEY in context:
        enter_fanout(context)


def _argument(method: Method, frame: Frame) -> object:
    content_format = frame.extensions.get(CONTENT_FORMAT)
    return method.read(frame.payload, content_format)  # type: ignore[arg-type]


def _raise(error: BaseException) -> NoReturn:
    raise error
