"""Peers in processes of their own: one is killed in mid-call, or stops without a word."""

import asyncio
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tests.interop.processes import Child
from tracewire.codec import Status
from tracewire.protocol import Executed, Limits, connect

KEEPALIVE = Limits(keepalive_seconds=10)
MAYBE = (Status.UNAVAILABLE, Executed.MAYBE)


async def test_calls_to_a_server_that_is_killed_fail(kernel: Place, tmp_path: Path) -> None:
    """And who keeps its connection reaches the successor at the same address."""
    log = tmp_path / "log"
    async with (
        await Child.start("worker", kernel.url, log) as worker,
        connect(await worker.go()).kept() as peer,
        await Child.start("worker", peer.url, log) as successor,
    ):
        calls = [asyncio.create_task(failure(peer.call("hold"))) for _ in range(3)]
        assert await peer.call("work", 1) == 1  # all of them run there by now
        worker.signal(SIGKILL)
        assert [said(await call) for call in calls] == [MAYBE] * 3
        assert await worker.ended() == -SIGKILL
        waiting = asyncio.create_task(peer.call("work", 2))
        await successor.go()
        assert await waiting == 2
    assert log.read_text().split() == ["1", "2"]


async def test_a_server_that_is_killed_while_it_calls_back(kernel: Place, tmp_path: Path) -> None:
    gate = Gate()
    async with (
        await Child.start("worker", kernel.url, tmp_path / "log") as worker,
        connect(await worker.go(), gate.service) as peer,
    ):
        call = await begin(peer.call("call_back"), gate)
        worker.signal(SIGKILL)
        assert said(await failure(call)) == MAYBE
        gate.opened.set()
        await gate.ended.get()
        await peer.wait_closed()


async def test_a_client_that_is_killed_holds_no_slot_once_its_handler_ended(kernel: Place) -> None:
    """Its end looks like that of a side that still reads, so its handlers may run on."""
    gate = Gate()
    async with (
        await kernel.serve(gate.service) as server,
        await Child.start("caller", server.url) as caller,
    ):
        await gate.began.get()
        (peer,) = server.peers
        back = asyncio.create_task(failure(peer.call("wait")))
        await asyncio.sleep(0)  # now it is made
        caller.signal(SIGKILL)
        assert said(await back) == MAYBE
        gate.opened.set()
        await gate.ended.get()
        while server.peers:
            await asyncio.sleep(0)
        assert server.in_flight == 0
        async with kernel.connect(server) as another:
            assert await another.call("ready", 1) == 1


@pytest.mark.parametrize("still", ["tcp", "unix"], indirect=True)
async def test_a_server_that_stops_without_a_word_is_found_by_keepalive(
    still: Place, tmp_path: Path
) -> None:
    async with (
        await Child.start("worker", still.url, tmp_path / "log") as worker,
        connect(await worker.go(), limits=KEEPALIVE) as peer,
    ):
        call = asyncio.create_task(failure(peer.call("hold")))
        await peer.call("work", 1)
        worker.signal(SIGSTOP)
        await later(10)
        await later(9.75)
        assert not call.done()
        await later(0.25)
        assert said(await call) == MAYBE
        worker.signal(SIGCONT)
        async with connect(peer.url) as another:
            await another.call("release")
        await later(1)
        worker.signal(SIGTERM)
        assert await worker.ended() == 0


@pytest.mark.parametrize("still", ["tcp", "unix"], indirect=True)
async def test_a_client_that_stops_without_a_word_is_found_by_keepalive(still: Place) -> None:
    """Where the server has a call open with it; then what it called is cancelled."""
    gate = Gate()
    async with (
        await still.serve(gate.service, limits=KEEPALIVE) as server,
        await Child.start("caller", server.url) as caller,
    ):
        await gate.began.get()
        (peer,) = server.peers
        back = asyncio.create_task(failure(peer.call("wait")))
        caller.signal(SIGSTOP)
        await later(10)
        await later(10)
        assert said(await back) == MAYBE
        await gate.cancelled.get()
        assert server.in_flight == 0
