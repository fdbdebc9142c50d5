"""Readers that are slow, and such that stop, over sockets in time that only the test lets pass."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from msgspec.structs import replace

from tests.interop.clock import later
from tests.interop.limits import ROOMY
from tests.interop.places import Place, Raw
from tests.interop.sized import sized
from tests.unit.talk import hello, request
from tracewire.codec import Kind
from tracewire.protocol import Body, Limits, Server, Service

#: Longer results than the system takes at once, and more of them than it takes unread.
SIZE, COUNT = 128 * 1024, 96
#: By default.
SECONDS = 30
#: How much later than it must a stall may be seen: it is looked for so often.
LATE = 8


def limits(write_buffer: int) -> Limits:
    return replace(ROOMY, write_buffer=write_buffer)


async def ask(raw: Raw) -> None:
    fill = b"\x1a" + SIZE.to_bytes(4, "big")
    raw.say(hello(), *(request(id, "fill", fill) for id in range(1, COUNT + 1)))


async def taken_up(server: Server, count: int = 1) -> None:
    """Returns once so many connections have results that wait."""
    while sum(bool(peer._writer.left) for peer in server.peers) < count:
        await asyncio.sleep(0)


async def passes(server: Server, raw: Raw, seconds: int, rate: int) -> int:
    """So many seconds, unless the connection ends before; how many passed."""
    for passed in range(seconds):
        if not server.peers:
            return passed
        if rate:
            assert await raw.reader.read(rate)
        await later(1.0)
    return seconds


@pytest.mark.parametrize("rate", [0, 1])
async def test_who_takes_too_little_is_cut_off(still: Place, rate: int) -> None:  # C-95
    async with (
        await still.serve(sized(), limits=limits(SIZE)) as server,
        await still.raw(server) as raw,
    ):
        await ask(raw)
        await taken_up(server)
        assert SECONDS <= await passes(server, raw, 100, rate) <= SECONDS + LATE
        assert server.counts()["connection_errors"] == 1
        assert not server.in_flight


async def test_who_reads_20_kb_a_second_is_not_cut_off(still: Place) -> None:
    async with (
        await still.serve(sized(), limits=limits(SIZE)) as server,
        await still.raw(server) as raw,
    ):
        await ask(raw)
        await taken_up(server)
        assert await passes(server, raw, 200, 20_000) == 200
        raw.waiting.clear()
        assert "connection_errors" not in server.counts()


async def test_who_takes_nothing_of_less_than_the_limit_has_longer(still: Place) -> None:  # C-96
    async with (
        await still.serve(sized(), limits=limits(COUNT * SIZE * 2)) as server,
        await still.raw(server) as raw,
    ):
        await ask(raw)
        await taken_up(server)
        passed = await passes(server, raw, 300, 0)
        assert 6 * SECONDS <= passed <= 6 * (SECONDS + LATE)


async def test_a_pause_of_the_loop_does_not_count(still: Place) -> None:
    async with (
        await still.serve(sized(), limits=limits(SIZE)) as server,
        await still.raw(server) as raw,
    ):
        await ask(raw)
        await taken_up(server)
        await later(1_000.0)
        assert server.peers
        assert SECONDS - LATE <= await passes(server, raw, 100, 0) <= SECONDS + LATE


async def test_ten_that_stop_leave_the_others_served(still: Place) -> None:
    async with (
        await still.serve(sized(), limits=limits(SIZE)) as server,
        still.connect(server) as peer,
        AsyncExitStack() as raws,
    ):
        for _ in range(10):
            await ask(await raws.enter_async_context(await still.raw(server)))
        await taken_up(server, 10)
        for _ in range(SECONDS + LATE):
            assert await peer.call("size", Body(b"abc")) == 3
            await later(1.0)
        assert len(server.peers) == 1
        assert server.counts()["connection_errors"] == 10


async def test_both_sides_call_each_other_with_little_room(place: Place) -> None:
    """Each has more to write than may wait, requests and results, and all of it arrives."""
    data, count = bytes(1_000), 200

    def service() -> Service:
        made = Service()

        @made.method
        def grow(value: bytes) -> bytes:
            return value * 20

        return made

    little = limits(1 << 18)
    async with (
        await place.serve(service(), limits=little) as server,
        place.connect(server, service(), limits=little) as peer,
    ):
        await peer.call("grow", b"")
        (accepted,) = server.peers
        calls = [each.call("grow", data) for each in (peer, accepted) * count]
        answers = await asyncio.gather(*calls)
    assert {len(each) for each in answers} == {20 * len(data)}


@pytest.mark.parametrize(("count", "size"), [(1_000, 100_000), (80, 1 << 20)])
async def test_results_that_are_ready_at_once_all_arrive(
    kernel: Place, count: int, size: int
) -> None:
    """More than may wait to be written, for a side that reads all the time."""
    ready = asyncio.Event()
    service = Service()

    @service.method
    async def page() -> bytes:
        await ready.wait()
        return bytes(size)

    async with await kernel.serve(service) as server, kernel.connect(server) as peer:
        calls = [asyncio.ensure_future(peer.call("page")) for _ in range(count)]
        while server.in_flight < count:
            await asyncio.sleep(0)
        ready.set()
        lengths = {len(await call) for call in calls}
    assert lengths == {size}
    assert "connection_errors" not in server.counts()


async def test_a_reader_that_was_cut_off_was_told_no_goaway(still: Place) -> None:
    async with (
        await still.serve(sized(), limits=limits(SIZE)) as server,
        await still.raw(server) as raw,
    ):
        await ask(raw)
        await taken_up(server)
        await passes(server, raw, 100, 0)
        try:
            kinds = {frame.kind for frame in await raw.hear_all()}
        except ConnectionResetError:
            kinds = set()
        assert Kind.GOAWAY not in kinds
