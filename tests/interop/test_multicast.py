"""One notification to many peers over real connections."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from tests.interop.calls import said
from tests.unit.telemetry import Telemetry
from tracewire.codec import Status
from tracewire.protocol import (
    Executed,
    Service,
    Tracing,
    connect,
    current_call,
    current_weight,
    notify_all,
    serve,
)

SESSIONS = 20


async def test_every_peer_hears_it_and_some_keep_the_trace() -> None:
    heard: asyncio.Queue[tuple[object, float, bool]] = asyncio.Queue()
    session = Service("session")

    @session.method
    async def event(body: object) -> None:
        heard.put_nowait((body, current_weight(), current_call().frame.trace.sampled))  # type: ignore[union-attr]

    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await serve("memory://guild", Service()))
        for _ in range(SESSIONS):
            await stack.enter_async_context(connect(server.url, session))
        while len(server.peers) < SESSIONS:
            await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("publish"):
            failed = await notify_all(
                server.peers, "session.event", {"n": 1}, metadata={"tenant": "a"}, tracing=tracing
            )
        found = [await heard.get() for _ in range(SESSIONS)]
    weights = Counter((weight, sampled) for _, weight, sampled in found)
    kept = {weight: count for (weight, sampled), count in weights.items() if sampled}
    assert failed == {}
    assert [body for body, _, _ in found] == [{"n": 1}] * SESSIONS
    assert sum(weight * count for weight, count in kept.items()) == SESSIONS
    assert 0 < sum(kept.values()) < SESSIONS


async def test_a_peer_that_is_gone_is_named_and_holds_up_no_other() -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    session = Service()

    @session.method
    async def event(body: object) -> None:
        heard.put_nowait(body)

    async with (
        await serve("memory://guild", Service()) as server,
        connect(server.url, session),
        connect(server.url) as leaving,
    ):
        while len(server.peers) < 2:
            await asyncio.sleep(0)
        peers = server.peers
        await leaving.close()
        failed = await notify_all(peers, "event", 7)
        assert await heard.get() == 7
    [error] = failed.values()
    assert said(error) == (Status.UNAVAILABLE, Executed.NO)


async def test_nobody_is_told_where_there_is_nobody() -> None:
    assert await notify_all([], "event") == {}
