"""Connections that are made again when they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import Executed, Limits, Peer, Server, Service, Tracing, connect
from tracewire.protocol.peers.reconnecting import FIRST_PAUSE, LONGEST_PAUSE, Reconnecting


async def restarted(place: Place, server: Server, service: Service) -> Server:
    """Another server where the first one was, after that was closed."""
    await server.close()
    place.url = server.url  # the port that was given
    return await place.serve(service)


async def test_a_connection_that_ended_is_made_again(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server).kept() as peer:
        for number in range(3):
            assert await peer.call("ready", number) == number
            server = await restarted(place, server, gate.service)
        await peer.notify("wait", 7)
        assert await gate.began.get() == 7
        gate.opened.set()
        await gate.ended.get()
        await server.close()


async def test_what_is_sent_goes_out_now_while_there_is_a_connection_alone(plain: Place) -> None:
    gate = Gate()
    kept = plain.connect(server := await plain.serve(gate.service)).kept()
    assert not kept.takes_more
    async with server, kept as peer:
        assert peer.takes_more
    assert not kept.takes_more


async def test_a_drain_says_text_to_the_other_side(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, plain.connect(server) as peer:
        with pytest.raises(TypeError, match="what a drain says to the other side"):
            peer.leave(1)  # type: ignore[arg-type]
        assert await peer.call("ready", 1) == 1


async def test_a_call_that_is_open_when_the_connection_ends_fails_and_is_not_made_again(
    place: Place,
) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server).kept() as peer:
        call = await begin(peer.call("wait"), gate)
        server = await restarted(place, server, gate.service)
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
        assert await peer.call("ready", 1) == 1
        assert gate.began.empty()
        await server.close()


async def test_a_call_waits_for_the_next_connection(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server).kept() as peer:
        await server.close()
        while peer.is_open:
            await asyncio.sleep(0)
        calls = [asyncio.create_task(peer.call("ready", n)) for n in range(3)]
        await asyncio.sleep(0)
        async with await restarted(place, server, gate.service):
            assert await asyncio.gather(*calls) == [0, 1, 2]
            assert peer.is_open


async def test_a_call_that_waits_for_a_connection_fails_at_its_timeout(still: Place) -> None:
    server = await still.serve(Service())
    async with still.connect(server).kept() as peer:
        await server.close()
        while peer.is_open:
            await asyncio.sleep(0)
        call = asyncio.create_task(failure(peer.call("ready", timeout=3)))
        await asyncio.sleep(0)
        await later(2.75)
        assert not call.done()
        await later(0.25)
        error = await call
    assert said(error) == (Status.UNAVAILABLE, Executed.NO)
    assert server.url in error.message


async def test_the_time_that_a_call_waited_counts(still: Place) -> None:
    gate = Gate()
    server = await still.serve(gate.service)
    async with still.connect(server).kept() as peer:
        await server.close()
        while peer.is_open:
            await asyncio.sleep(0)
        call = asyncio.create_task(failure(peer.call("wait", timeout=3)))
        await asyncio.sleep(0)
        async with await restarted(still, server, gate.service):
            await later(1)
            await gate.began.get()
            await later(1.75)
            assert not call.done()
            await later(0.25)
            assert said(await call) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)


async def test_the_first_connection_fails_as_any(place: Place) -> None:
    server = await place.serve(Service())
    await server.close()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await place.connect(server).kept()


async def test_where_no_first_connection_came_none_is_waited_for(place: Place) -> None:
    server = await place.serve(Service())
    await server.close()
    kept = place.connect(server).kept()
    assert said(await failure(kept.call("ready"))) == (Status.UNAVAILABLE, Executed.NO)
    with pytest.raises(OSError):  # noqa: PT011  # which one differs by address
        await kept


Ends = Callable[[Reconnecting], Awaitable[None]]
ENDS = pytest.mark.parametrize("end", [Reconnecting.close, Reconnecting.drain])


@ENDS
async def test_one_that_was_ended_makes_no_connection_and_no_call(place: Place, end: Ends) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server:
        peer = await place.connect(server).kept()
        await peer.call("ready")
        await end(peer)
        assert not peer.is_open
        assert said(await failure(peer.call("ready"))) == (Status.UNAVAILABLE, Executed.NO)
        await end(peer)
        while server.peers:
            await asyncio.sleep(0)


@ENDS
async def test_ending_it_between_two_connections_fails_the_calls_that_wait(
    place: Place, end: Ends
) -> None:
    server = await place.serve(Service())
    peer = await place.connect(server).kept()
    await server.close()
    while peer.is_open:
        await asyncio.sleep(0)
    calls = [asyncio.create_task(failure(peer.call("ready"))) for _ in range(2)]
    await asyncio.sleep(0)
    await end(peer)
    assert [said(await call) for call in calls] == [(Status.UNAVAILABLE, Executed.NO)] * 2


async def test_draining_it_lets_open_calls_end(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server:
        peer = await place.connect(server).kept()
        call = await begin(peer.call("wait", 7), gate)
        draining = asyncio.create_task(peer.drain())
        await asyncio.sleep(0)
        gate.opened.set()
        assert await call == 7
        await draining


async def test_calls_on_a_connection_that_drains_end_while_others_take_the_next_one(
    place: Place,
) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server).kept() as peer:
        old = await begin(peer.call("wait", "old"), gate)
        draining = asyncio.create_task(server.drain())
        while peer.is_open:
            await asyncio.sleep(0)
        place.url = server.url
        async with await place.serve(gate.service):
            new = await begin(peer.call("wait", "new"), gate)
            gate.opened.set()
            assert (await old, await new) == ("old", "new")
            await draining


async def test_closing_it_also_ends_a_connection_that_still_drains(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server).kept() as peer:
        old = await begin(peer.call("wait"), gate)
        draining = asyncio.create_task(server.drain())
        while peer.is_open:
            await asyncio.sleep(0)
        place.url = server.url
        async with await place.serve(gate.service):
            await peer.call("ready")
            await peer.close()
            assert said(await failure(old)) == (Status.UNAVAILABLE, Executed.MAYBE)
            await draining


#: Seconds in which time passes, exact in an event loop's times.
STEP = 1 / 32


class Refused:
    """Connections that are refused; the loop's time at each attempt."""

    def __init__(self, peer: Peer) -> None:
        self.first: Peer | None = peer
        self.times: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self) -> Peer:
        first, self.first = self.first, None
        if first is not None:
            return first
        self.times.put_nowait(asyncio.get_running_loop().time())
        raise ConnectionRefusedError("refused")


async def pauses(refused: Refused, began: float, count: int) -> list[float]:
    """How long was waited before each attempt, to a step or two."""
    waited = []
    for _ in range(count):
        while refused.times.empty():
            await later(STEP)
        at = refused.times.get_nowait()
        waited.append(at - began)
        began = at
    return waited


@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_pauses_are_drawn_at_random_below_a_length_that_doubles(
    still: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """So that the clients of a server that restarts do not come all at once."""
    caplog.set_level(logging.ERROR, "tracewire.peer")
    clock = asyncio.get_running_loop().time
    server = await still.serve(Service())
    all_waited = []
    for _ in range(20):
        refused = Refused(await still.connect(server))
        async with Reconnecting(refused, server.url, Tracing()):
            while not server.peers:
                await asyncio.sleep(0)
            (accepted,) = server.peers
            began = clock()
            await accepted.close()
            all_waited.append(await pauses(refused, began, 12))
    await server.close()
    for attempt, waited in list(enumerate(zip(*all_waited, strict=True)))[4:]:
        longest = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
        assert min(waited) < longest / 2 < max(waited) < longest + 4 * STEP


async def test_an_outage_is_logged_at_once_and_once_a_minute(
    still: Place, caplog: pytest.LogCaptureFixture
) -> None:
    server = await still.serve(Service())
    async with still.connect(server).kept() as peer:
        await server.close()
        while peer.is_open:
            await asyncio.sleep(0)
        for _ in range(75):  # attempts, each after 2 s at most
            await later(LONGEST_PAUSE)
    assert len(caplog.records) == 3  # in 150 s
    for logged in caplog.records:
        assert (logged.name, logged.levelno) == ("tracewire.peer", logging.WARNING)
        assert server.url in logged.getMessage()


async def test_a_server_that_ends_each_connection_at_once_is_not_pressed(still: Place) -> None:
    """Pauses begin anew only after a connection that lasted."""
    came: list[float] = []
    clock = asyncio.get_running_loop().time
    limits = Limits(connections=1)
    async with (
        await still.serve(Service(), limits=limits) as server,
        connect(server.url),
        still.connect(server).kept(wait=True),
    ):
        while len(came) < 16:
            before = server.counts().get("connections_refused", 0)
            while server.counts().get("connections_refused", 0) == before:
                await later(STEP)
            came.append(clock())
    assert came[-1] - came[0] > LONGEST_PAUSE
