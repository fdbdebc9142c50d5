"""A server and a client to which everything is handed in that a user can hand in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeter, NoOpMeterProvider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult

from tests.interop.places import Place
from tests.sweeps.faults import ENDING, KINDS, Faults, Odd, run_through
from tests.sweeps.leaks import LeakCheck, LogLines
from tests.unit.telemetry import SAMPLED, attached, remote
from tracewire.codec import Status
from tracewire.protocol import (
    Executed,
    Limits,
    Peer,
    Rollout,
    RpcError,
    Server,
    Service,
    Timings,
    Tracing,
    current_call,
    notify_all,
    serve,
)

#: So few slots that one which is not given back is missed at once.
LIMITS: Final = Limits(in_flight=1, in_flight_server=1, linger_seconds=0.5, discard_seconds=0.5)
#: Seconds after which what was not answered never will be.
_ANSWERED = 3.0
#: So many recipients that it is drawn which of them keep a trace.
_MANY: Final = 3
#: How often each thing is asked for while a place is armed: more often than there are slots.
_TIMES: Final = 2
_WATCHERS: Final = (
    *("sampler", "starts", "ends", "trace ids", "span ids", "times", "injects", "extracts"),
    *("clock", "chance", "rate", "baggage", "entity", "timings' clock"),
)
#: Code that only watches: whatever it raises that does not end the program, calls go on.
FENCED: Final = frozenset(
    ["log", "error's text"]
    + [f"{side}'s {each}" for side in ("server", "client") for each in _WATCHERS]
)


class Watching(
    SpanProcessor, Sampler, IdGenerator, TextMapPropagator, NoOpMeterProvider, logging.Handler
):
    """Everything of telemetry in one, of one side."""

    def __init__(self, faults: Faults, side: str) -> None:
        logging.Handler.__init__(self)
        self._faults, self._side = faults, side
        self._ids = RandomIdGenerator()

    def at(self, what: str) -> None:
        self._faults.at(f"{self._side}'s {what}")

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        self.at("sampler")
        return ALWAYS_ON.should_sample(*args, **kwargs)

    def get_description(self) -> str:
        return "Watching"

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        self.at("starts")

    def on_end(self, span: Any) -> None:
        self.at("ends")

    def generate_trace_id(self) -> int:
        self.at("trace ids")
        return self._ids.generate_trace_id()

    def generate_span_id(self) -> int:
        self.at("span ids")
        return self._ids.generate_span_id()

    def inject(self, carrier: Any, *args: Any, **kwargs: Any) -> None:
        self.at("injects")
        carrier["x-tenant"] = "a"

    def extract(self, carrier: Any, context: Context | None = None, *args: Any) -> Context:
        self.at("extracts")
        return Context(context or {})

    @property
    def fields(self) -> set[str]:
        return {"x-tenant"}

    def get_meter(self, *args: Any, **kwargs: Any) -> Any:
        return _Meter("watching", self)

    def clock(self) -> float:
        self.at("clock")
        return 0.0

    def rate(self, recipients: int) -> float:
        self.at("rate")
        return 0.5


class _Meter(NoOpMeter):
    def __init__(self, name: str, watching: Watching) -> None:
        super().__init__(name)
        self._watching = watching

    def create_histogram(self, *args: Any, **kwargs: Any) -> Any:
        histogram: Any = super().create_histogram(*args, **kwargs)
        histogram.record = lambda *_: self._watching.at("times")
        return histogram


class _Chance(Random):
    def __init__(self, watching: Watching) -> None:
        super().__init__(1)
        self._watching = watching

    def random(self) -> float:
        self._watching.at("chance")
        return super().random()


class _Lines(logging.Handler):
    """The application's handler of logs."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(logging.WARNING)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self._faults.at("log")
        with suppress(Exception):
            self.format(record)


class _Text:
    """An object of the application whose text is asked for."""

    def __init__(self, faults: Faults, place: str) -> None:
        self._faults, self._place = faults, place

    def __str__(self) -> str:
        self._faults.at(self._place)
        return "text"


class _Failure(Exception):
    """An error of the application whose text is asked for."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def __str__(self) -> str:
        self._faults.at("error's text")
        return "text"


class Side:
    """The options of one side.

    ``ran``: how often the function of the side's method that is asked for was run.
    """

    def __init__(self, faults: Faults, name: str) -> None:
        self._faults, self.name = faults, name
        self.ran = 0
        self.watching = watching = Watching(faults, name)
        provider = TracerProvider(sampler=watching, id_generator=watching, shutdown_on_exit=False)
        provider.add_span_processor(watching)
        self.tracing = Tracing(
            baggage=True,
            tracer_provider=provider,
            meter_provider=watching,
            propagator=watching,
            clock=watching.clock,
            random=_Chance(watching),
            fanout_rate=watching.rate,
        )
        self.timings = Timings(clock=self._timings_clock)
        self.service = Service()
        for function in (self.echo, self.plain, self.fails, self.refuses, self.takes, self.asks):
            self.service.method(function)
        self.service.method(self.odd)
        self.service.method(self.note)
        self.service.on_message(self.heard)

    def at(self, what: str) -> None:
        self._faults.at(f"{self.name}'s {what}")

    def options(self) -> dict[str, Any]:
        return {
            "limits": LIMITS,
            "tracing": self.tracing,
            "handler_interceptors": [
                self.timings.around(self._entity), self._before_handler, self._after_handler
            ],
            "call_interceptors": [self._before_call, self._after_call],
        }  # fmt: skip

    def _timings_clock(self) -> float:
        self.at("timings' clock")
        return 0.0

    def _entity(self, call: Any) -> str:
        self.at("entity")
        return "one"

    async def _before_handler(self, call: Any, run: Callable[[], Awaitable[object]]) -> object:
        self.at("interceptor before a handler")
        return await run()

    async def _after_handler(self, call: Any, run: Callable[[], Awaitable[object]]) -> object:
        result = await run()
        self.at("interceptor after a handler")
        return result

    def _before_call(self, call: Any, proceed: Any) -> Any:
        self.at("interceptor before a call")
        return proceed(call)

    async def _after_call(self, call: Any, proceed: Any) -> Any:
        result = await proceed(call)
        self.at("interceptor after a call")
        return result

    # What it serves.

    async def echo(self, value: object) -> object:
        self.ran += 1
        self.at("handler")
        return value

    def plain(self, value: object) -> object:
        self.ran += 1
        self.at("plain handler")
        return value

    async def asks(self, value: object) -> object:
        self.ran += 1
        return await current_call().peer.call("echo", value)

    async def fails(self, value: object) -> object:
        self.ran += 1
        raise _Failure(self._faults)

    async def refuses(self, value: object) -> object:
        self.ran += 1
        text: Any = _Text(self._faults, "message's text")
        raise RpcError(Status.NOT_FOUND, text, details=text)

    async def takes(self, value: "Taken") -> object:
        self.ran += 1
        return value.number

    async def odd(self, value: object) -> object:
        self.ran += 1
        return object()

    async def note(self, value: object) -> None:
        self.at("handler of notifications")

    async def heard(self, message: bytes) -> None:
        self.at("function for messages")


class Taken(msgspec.Struct):
    """What a body is converted to, by code of the application."""

    number: int

    def __post_init__(self) -> None:
        _CONVERTS[0]()


#: Whose conversions are counted: msgspec makes the objects and knows of no scenario.
_CONVERTS: Final[list[Callable[[], None]]] = [lambda: None]


class Day:
    """A server and a client that use all of it, armed first and not armed then.

    ``wrong``: what went otherwise than it must.
    """

    def __init__(self, armed: str | None, make: Callable[[], BaseException], trust: str) -> None:
        self.faults = faults = Faults(make=make)
        self._ends = make in ENDING
        self._trust = trust
        self.server, self.client = Side(faults, "server"), Side(faults, "client")
        self._armed = armed
        self.wrong: list[str] = []

    async def run(self, place: Place, folder: Path) -> None:
        check = LeakCheck(folder)
        with self._handed_in(), LogLines() as lines:
            await self._run(place)
        self.wrong += [*lines.repeated(), *await check.settle()]

    async def _run(self, place: Place) -> None:
        serving = serve(
            place.url, self.server.service, tls=place.server_tls, trust=self._trust,  # type: ignore[arg-type]
            **self.server.options(),
        )  # fmt: skip
        async with serving as server:
            self.faults.place = self._armed
            peer = await self._connected(place, server)
            self.faults.place = self._armed
            for _ in range(_TIMES):
                await self._ask_all(peer)
            self.faults.disarm()
            if not peer.is_open:
                self.wrong.append("the connection is gone")
            for _ in range(_TIMES):
                await self._ask_all(peer)
            if server.in_flight:
                self.wrong.append(f"{server.in_flight} slots are taken")
            if not await peer.drain(timeout=_ANSWERED):
                self.wrong.append("the client's drain did not end")
            if not await server.drain(timeout=_ANSWERED):
                self.wrong.append("the server's drain did not end")

    async def _connected(self, place: Place, server: Server) -> Peer:
        """A connection, at last when nothing is armed. One that was begun first is kept."""

        def mode(destination: str) -> Any:
            self.faults.at("rollout")
            return "framed"

        def connecting() -> Any:
            rollout = Rollout(destinations=mode)
            return place.connect(
                server, self.client.service, mode=rollout, **self.client.options()
            )  # fmt: skip

        kept = connecting().kept(wait=True, first=0.01, longest=0.01)
        with suppress(BaseException):  # what would keep it could not be made
            await kept
        with suppress(BaseException):
            async with connecting() as first:
                await self._outcome(first.call("echo", 1))
        self.faults.disarm()
        peer: Peer = await connecting()
        await kept.close()
        return peer

    async def _ask_all(self, peer: Peer) -> None:
        with attached(baggage.set_baggage("text", _Text(self.faults, "client's baggage"))):
            for method in ("echo", "plain", "asks"):
                await self._ask(peer, method, 1, right=1)
            await self._ask(peer, "takes", {"number": 1}, right=1)
            for method in ("fails", "refuses", "odd", "missing"):
                await self._ask(peer, method, 1, right=RpcError)
            await self._outcome(peer.call("echo", {"number": 1}, returns=Taken))
            await self._outcome(peer.notify("note", 1))
            await self._outcome(peer.send(b"message"))
            with attached(remote(SAMPLED)):
                await self._outcome(notify_all([peer] * _MANY, "note", 1))
            # Answered once what came before it has been handled, and so the slots are free.
            await self._ask(peer, "echo", 2, right=2)

    async def _ask(self, peer: Peer, method: str, body: object, right: object) -> None:
        ran = self.server.ran
        outcome = await self._outcome(peer.call(method, body))
        calm = self.faults.place is None or (self.faults.place in FENCED and not self._ends)
        if isinstance(outcome, RpcError):
            ran = self.server.ran - ran
            if (outcome.executed is Executed.NO and ran) or (
                outcome.executed is Executed.YES and not ran
            ):
                self.wrong.append(f"{method} ran {ran} times, and failed with {outcome!r}")
        if calm and not (isinstance(outcome, RpcError) if right is RpcError else outcome == right):
            self.wrong.append(f"{method} gave {outcome!r}, not {right!r}")

    async def _outcome(self, asked: Awaitable[object]) -> object:
        """What it gives or raises."""
        try:
            async with asyncio.timeout(_ANSWERED) as patience:
                return await asked
        except BaseException as error:
            if patience.expired():
                self.wrong.append("a call was not answered")
            return error

    @contextmanager
    def _handed_in(self) -> Iterator[None]:
        """What is not an option of ours: the log, and the loop's task factory."""
        lines, logger = _Lines(self.faults), logging.getLogger("tracewire")
        loop = asyncio.get_running_loop()
        logger.addHandler(lines)
        loop.set_task_factory(self._new_task)
        _CONVERTS[0] = lambda: self.faults.at("converter")
        try:
            yield
        finally:
            _CONVERTS[0] = lambda: None
            loop.set_task_factory(None)
            logger.removeHandler(lines)

    def _new_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:
        self.faults.at(f"tasks for {work.__qualname__}")
        return asyncio.Task(work, loop=loop, **options)


#: Of a place that is armed and an error that it raises, by their numbers: whether to try it.
Chosen = Callable[[int, int], bool]


def spend(
    place: Place, folder: Path, armed: str | None, make: Callable[[], BaseException]
) -> tuple[Faults, list[str]]:
    """A day with one place armed: what was reached, and what was wrong."""
    # Who is trusted pays nothing: no clock is asked. Of strangers nothing is extracted.
    day = Day(armed, make, "link" if armed and armed.endswith("clock") else "parent")
    run_through(place.new_loop, day.run(place, folder))
    return day.faults, day.wrong


def sweep(place: Place, folder: Path, chosen: Chosen = lambda _place, _kind: True) -> int:
    """Each place that is reached raises each kind of error. AssertionError where that harms.

    Returns:
        How many days there were.
    """
    runs = 0
    for number, armed in enumerate(places(place, folder)):
        for kind, make in enumerate(KINDS):
            if chosen(number, kind):
                runs += 1
                _, wrong = spend(place, folder, armed, make)
                assert not wrong, f"{armed} raised {make.__name__}: {wrong}"
    return runs


def places(place: Place, folder: Path) -> list[str]:
    """Where code of others runs, as a day without a fault shows it."""
    faults, wrong = spend(place, folder, None, Odd)
    assert not wrong, wrong
    return sorted(faults.reached)
