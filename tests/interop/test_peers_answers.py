"""A request has one answer and gives its slot back, whatever runs on its path."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from tests.interop.calls import failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import (
    Call,
    Executed,
    Peer,
    RpcError,
    Server,
    Service,
    Tracing,
    connect,
    current_call,
    serve,
)

YES, MAYBE, NO = Executed.YES, Executed.MAYBE, Executed.NO


class Panic(BaseException):
    """As a compiled extension raises it."""


class Untold(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


class Unwritable:
    def __str__(self) -> str:
        raise Panic("no text")


def serving(function: Callable[..., Any]) -> Service:
    service = Service()
    service.method(function, name="work")
    return service


@asynccontextmanager
async def between(place: Place, service: Service, **options: Any) -> AsyncIterator[Peer]:
    """A peer of a server that is idle again at the end."""
    async with await place.serve(service, **options) as server, place.connect(server) as peer:
        yield peer
        await until_idle(server)
        assert await server.drain(timeout=2)


async def until_idle(server: Server) -> None:
    while server.in_flight:
        await asyncio.sleep(0)


async def outcome(place: Place, work: Callable[[], Any], **options: Any) -> tuple[Any, Any]:
    async with between(place, serving(work), **options) as peer:
        return said(await failure(peer.call("work")))


# Whatever a handler raises.


@pytest.mark.parametrize("first_awaits", [False, True])
@pytest.mark.parametrize(
    "error",
    [Panic(), Untold(), RpcError(Status.ABORTED, Unwritable()), GeneratorExit()],  # type: ignore[arg-type]
    ids=["panic", "untold", "unwritable", "generator exit"],
)
async def test_any_exception_is_answered(
    plain: Place, error: BaseException, first_awaits: bool
) -> None:
    async def work() -> None:
        if first_awaits:
            await asyncio.sleep(0)
        raise error

    if isinstance(error, GeneratorExit):  # which asyncio takes for its own, and tells the loop
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    assert await outcome(plain, work) == (Status.UNKNOWN, YES)


async def test_a_handler_of_logs_that_raises_does_not_hold_the_answer(plain: Place) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise Panic("a handler of logs")

    async def work() -> None:
        raise KeyError

    logger, broken = logging.getLogger("tracewire.peer"), Broken()
    logger.addHandler(broken)
    try:
        assert await outcome(plain, work) == (Status.UNKNOWN, YES)
    finally:
        logger.removeHandler(broken)


async def test_what_a_handler_raises_is_logged_once_a_minute(plain: Place, caplog: Any) -> None:
    async def work(number: int) -> None:
        raise KeyError(number)

    async with between(plain, serving(work)) as peer:
        for number in range(5):
            await failure(peer.call("work", number))
    assert caplog.messages == ["the handler of work failed"]


@pytest.mark.parametrize(
    ("notified", "logged"),
    [(True, "the handler of work failed"), (False, "the handler of on_message failed")],
)
async def test_what_a_handler_that_nobody_waits_for_raises_is_logged(
    notified: bool, logged: str, plain: Place, caplog: Any
) -> None:
    failing = asyncio.Event()

    async def work(message: bytes) -> None:
        failing.set()
        raise KeyError(message)

    service = serving(work)
    service.on_message(work)
    async with between(plain, service) as peer:
        await (peer.notify("work", b"") if notified else peer.send(b""))
        await failing.wait()
        await asyncio.sleep(0)  # it ends
    assert caplog.messages == [logged]


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_raised_after_the_answer(ends: type[BaseException]) -> None:
    """What was read with that request is started too."""
    ran: list[int] = []
    answered: list[Any] = []

    async def work(number: int) -> None:
        ran.append(number)
        if number == 0:
            raise ends

    async def main() -> None:
        async with serve("memory://ends", serving(work)), connect("memory://ends") as peer:

            async def call(number: int) -> None:
                try:
                    answered.append(await peer.call("work", number))
                except RpcError as error:
                    answered.append(error.status)

            await asyncio.gather(*(call(number) for number in range(3)))
            await asyncio.Event().wait()

    with pytest.raises(ends):
        asyncio.run(main())
    assert ran == [0, 1, 2]
    assert answered[:1] == [Status.UNKNOWN] or not answered


class Ending(Sampler, SpanProcessor):
    """Ends the program at the first span, before or after it."""

    def __init__(self, where: str, ends: type[BaseException]) -> None:
        self._ends, self._where = ends, where
        self._ended = False

    def _at(self, where: str) -> None:
        if where == self._where and not self._ended:
            self._ended = True
            raise self._ends

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        self._at("begin")
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "Ending"

    def on_end(self, span: Any) -> None:
        self._at("end")


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["begin", "end"])
@pytest.mark.parametrize("first", ["work", "missing"])
def test_what_ends_the_program_in_telemetry_keeps_nothing_from_its_start(
    ends: type[BaseException], where: str, first: str
) -> None:
    """A refusal's telemetry runs where messages are read, and others were read with it."""
    ran: list[int] = []

    async def work(number: int) -> None:
        ran.append(number)

    async def main() -> None:
        ending = Ending(where, ends)
        provider = TracerProvider(sampler=ending)
        provider.add_span_processor(ending)
        tracing = Tracing(tracer_provider=provider)
        async with (
            serve("memory://ends", serving(work), tracing=tracing),
            connect("memory://ends", tracing=Tracing("off")) as peer,
        ):
            await asyncio.gather(
                peer.notify(first, 0), peer.notify("work", 1), peer.notify("work", 2)
            )
            await asyncio.Event().wait()

    with pytest.raises(ends):
        asyncio.run(main())
    runs_first = first == "work" and where == "end"
    assert ran == ([0, 1, 2] if runs_first else [1, 2])


async def test_a_cancelled_task_of_a_handler_is_no_cancelled_call(plain: Place) -> None:
    async def work() -> None:
        own = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        own.cancel()
        await own

    assert await outcome(plain, work) == (Status.UNKNOWN, YES)


async def test_a_handler_that_is_cancelled_from_outside_says_so(plain: Place) -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)

    assert await outcome(plain, work) == (Status.CANCELLED, MAYBE)


def group(*errors: Exception) -> ExceptionGroup[Exception]:
    return ExceptionGroup("several", errors)


def nested(error: Exception, depth: int) -> Exception:
    for _ in range(depth):
        error = group(error)
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (group(RpcError(Status.NOT_FOUND)), Status.NOT_FOUND),
        (group(RpcError(Status.NOT_FOUND), RpcError(Status.ABORTED)), Status.NOT_FOUND),
        (group(group(RpcError(Status.ABORTED))), Status.ABORTED),
        (nested(RpcError(Status.ABORTED), sys.getrecursionlimit()), Status.ABORTED),
        (group(RpcError(Status.NOT_FOUND), KeyError()), Status.UNKNOWN),
    ],
)
async def test_a_group_of_errors_is_answered_as_its_first(
    plain: Place, error: Exception, status: Status
) -> None:
    async def work() -> None:
        raise error

    assert await outcome(plain, work) == (status, YES)


# Executed.


async def refuse(call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
    raise RpcError(Status.UNAUTHENTICATED)


async def break_before(call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
    raise KeyError


async def break_after(call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
    await proceed()
    raise KeyError


@pytest.mark.parametrize(
    ("around", "answer"),
    [
        (refuse, (Status.UNAUTHENTICATED, NO)),
        (break_before, (Status.UNKNOWN, NO)),
        (break_after, (Status.UNKNOWN, YES)),
    ],
)
async def test_executed_says_whether_the_handler_began(
    plain: Place, around: Any, answer: tuple[Status, Executed]
) -> None:
    async def work() -> None:
        pass

    assert await outcome(plain, work, handler_interceptors=[around]) == answer


@pytest.mark.parametrize("executed", [None, YES, MAYBE, NO])
async def test_a_handler_may_say_itself_what_it_did(
    plain: Place, executed: Executed | None
) -> None:
    shared = RpcError(Status.ABORTED, executed=executed)

    async def work() -> None:
        raise shared

    assert await outcome(plain, work) == (Status.ABORTED, YES if executed is None else executed)
    assert shared.executed is executed


@pytest.mark.parametrize("in_interceptor", [False, True])
async def test_what_a_nested_call_executed_is_not_what_this_one_did(in_interceptor: bool) -> None:
    async with serve("memory://bank", Service()), connect("memory://bank") as bank:

        async def around(call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
            if in_interceptor:
                await bank.call("missing")
            return await proceed()

        async def work() -> None:
            await bank.call("missing")

        service = serving(work)
        async with (
            serve("memory://shop", service, handler_interceptors=[around]),
            connect("memory://shop") as peer,
        ):
            error = await failure(peer.call("work"))
    assert said(error) == (Status.UNIMPLEMENTED, NO if in_interceptor else MAYBE)


# Tasks.

scope: ContextVar[dict[str, str]] = ContextVar("scope")
user: ContextVar[str] = ContextVar("user", default="nobody")


def isolating(loop: Any, coro: Any, **options: Any) -> Any:
    async def isolated() -> Any:
        scope.set({})
        return await coro

    return asyncio.Task(isolated(), loop=loop, **options)


async def test_the_loops_task_factory_makes_the_tasks_of_handlers(plain: Place) -> None:
    scope.set({"service": "guild"})
    service, told = Service(), asyncio.Queue[object]()

    def visit(name: str) -> str | None:
        before = scope.get().get("user")
        scope.get()["user"] = name
        return before

    service.method(visit, name="ask")
    service.method(lambda name: told.put_nowait(visit(name)), name="tell")
    service.on_message(lambda message: told.put_nowait(visit(str(message))))
    asyncio.get_running_loop().set_task_factory(isolating)
    async with between(plain, service) as peer:
        assert [await peer.call("ask", name) for name in "abc"] == [None] * 3
        for name in "abc":
            await peer.notify("tell", name)
            await peer.send(name.encode())
        assert [await told.get() for _ in range(6)] == [None] * 6


def failing(loop: Any, coro: Any, **options: Any) -> Any:
    if "_handle" in getattr(coro, "__qualname__", ""):
        raise RuntimeError("no task today")
    return asyncio.Task(coro, loop=loop, **options)


def forgetting(loop: Any, coro: Any, **options: Any) -> Any:
    async def forgets() -> None:
        pass

    handled = "_handle" in getattr(coro, "__qualname__", "")
    return asyncio.Task(forgets() if handled else coro, loop=loop, **options)


def mistaken(loop: Any, coro: Any, **options: Any) -> Any:
    if "_handle" in getattr(coro, "__qualname__", ""):
        return None
    return asyncio.Task(coro, loop=loop, **options)


@pytest.mark.parametrize("factory", [failing, forgetting, mistaken])
async def test_a_handler_that_no_task_runs_is_answered_by_who_asked_for_it(
    plain: Place, factory: Any
) -> None:
    async def work() -> None:
        raise AssertionError("it runs")

    asyncio.get_running_loop().set_task_factory(factory)
    status, executed = await outcome(plain, work)
    assert status is (Status.CANCELLED if factory is forgetting else Status.UNKNOWN)
    assert executed is NO


async def test_requests_notifications_and_messages_start_in_the_order_they_came(
    plain: Place,
) -> None:
    service, began = Service(), list[object]()
    service.method(lambda number: began.append(number), name="begin")
    service.on_message(lambda message: began.append(message))
    async with between(plain, service) as peer:
        calls = []
        for number in range(0, 9, 3):
            calls.append(asyncio.create_task(peer.call("begin", number)))
            await asyncio.sleep(0)
            await peer.notify("begin", number + 1)
            await peer.send(b"%d" % (number + 2))
        await asyncio.gather(*calls)
        await peer.call("begin", 9)
    assert [int(each) for each in began] == [*range(10)]  # type: ignore[call-overload]


async def test_handlers_see_the_variables_of_who_serves_and_of_no_call(plain: Place) -> None:
    service, seen = Service(), list[object]()

    @service.method
    async def work(name: str) -> str:
        before = user.get()
        user.set(name)
        return before

    user.set("at start-up")
    async with between(plain, service) as peer:
        user.set("later")
        seen = [await peer.call("work", name) for name in ("first", "second")]
    assert seen == ["at start-up"] * 2


async def test_handlers_over_a_connection_see_no_variables_of_who_connected() -> None:
    front, back, callback = Service(), Service(), Service()
    pool: list[Peer] = []

    @callback.method
    def who() -> str:
        return user.get()

    @back.method
    async def ask() -> str:
        return str(await current_call().peer.call("who"))

    @front.method
    async def work(name: str) -> str:
        user.set(name)
        if not pool:
            pool.append(await connect("memory://back", callback))
        return str(await pool[0].call("ask"))

    async with (
        serve("memory://back", back),
        serve("memory://front", front),
        connect("memory://front") as peer,
    ):
        assert [await peer.call("work", name) for name in ("a", "b")] == ["nobody"] * 2
        await pool[0].close()


async def test_a_deadline_does_not_bind_what_goes_on_after_its_call(still: Place) -> None:
    service, tasks = Service(), list[asyncio.Task[str]]()

    @service.method
    async def stored() -> str:
        return "stored"

    @service.method
    async def begin() -> None:
        async def flush() -> str:
            await asyncio.sleep(10)
            return str(await back.call("stored"))

        tasks.append(asyncio.create_task(flush()))

    async with await still.serve(service) as server, still.connect(server) as back:
        await back.call("begin", timeout=5.0)
        await later(10)
        assert await tasks[0] == "stored"
