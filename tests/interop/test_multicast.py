"""One notification to many peers over real connections."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.interop.calls import said
from tests.interop.places import Place
from tests.unit.telemetry import Telemetry
from tracewire.codec import Status
from tracewire.protocol import (
    Executed,
    Limits,
    Peer,
    Reconnecting,
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


async def test_who_is_late_is_named_and_the_others_are_told(kernel: Place) -> None:
    """One that does not read, and one whose connection is gone, beside two that hear it."""
    told: asyncio.Queue[object] = asyncio.Queue()
    service = Service()
    service.method(lambda body: told.put_nowait(body), name="event")
    gone = await serve("memory://gone", Service())
    limits = Limits(discard_seconds=0)
    async with (
        await kernel.serve(service) as server,
        kernel.connect(server, limits=limits) as stuck,
    ):
        await stuck.notify("none")
        while not server.peers:
            await asyncio.sleep(0)
        (unread,) = server.peers
        unread._writer.transport.pause_reading()
        while stuck.takes_more:
            await stuck.notify("none", bytes(1 << 20))
            await asyncio.sleep(0)
        async with (
            kernel.connect(server) as peer,
            kernel.connect(server).kept() as kept,
            connect(gone.url).kept() as alone,
        ):
            await gone.close()
            while alone.is_open:
                await asyncio.sleep(0)
            every: list[Peer | Reconnecting] = [stuck, alone, peer, kept]
            failed = await notify_all(every, "event", 7, timeout=0.2)
            assert [await told.get(), await told.get()] == [7, 7]
    assert {each: said(error) for each, error in failed.items()} == {
        stuck: (Status.DEADLINE_EXCEEDED, Executed.NO),
        alone: (Status.UNAVAILABLE, Executed.NO),
    }


async def test_a_kept_peer_without_a_connection_is_told_once_it_has_one() -> None:
    told: asyncio.Queue[object] = asyncio.Queue()
    service = Service()
    service.method(lambda body: told.put_nowait(body), name="event")
    server = await serve("memory://guild", service)
    async with connect(server.url).kept() as kept:
        await server.close()
        while kept.is_open:
            await asyncio.sleep(0)
        telling = asyncio.create_task(notify_all([kept], "event", 7))
        async with serve("memory://guild", service):
            assert await telling == {}
            assert await told.get() == 7


async def test_a_peer_that_takes_more_is_told_though_there_is_no_time() -> None:
    told: asyncio.Queue[object] = asyncio.Queue()
    service = Service()
    service.method(lambda body: told.put_nowait(body), name="event")
    async with (
        serve("memory://guild", service) as server,
        connect(server.url) as peer,
        connect(server.url).kept() as kept,
    ):
        every: list[Peer | Reconnecting] = [peer, kept]
        assert await notify_all(every, "event", 7, timeout=0) == {}
        assert [await told.get(), await told.get()] == [7, 7]


@pytest.mark.parametrize("timeout", ["1", float("nan")])
async def test_a_timeout_that_is_none_is_refused_before_anybody_is_told(timeout: Any) -> None:
    told: list[object] = []
    service = Service()
    service.method(lambda body: told.append(body), name="event")
    async with serve("memory://guild", service) as server, connect(server.url) as peer:
        with pytest.raises((TypeError, ValueError), match="timeout is a number of seconds"):
            await notify_all([peer], "event", 7, timeout=timeout)
        await peer.notify("event", 8)
        await peer.drain()
    assert told == [8]
