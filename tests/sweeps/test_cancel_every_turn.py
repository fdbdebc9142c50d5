"""Whoever is cancelled, in whatever turn of the loop, leaves nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.calls import Gate
from tests.interop.places import Place
from tests.sweeps.turns import sweep
from tracewire.protocol import Limits, serve

#: So that what waits for the other side ends within a sweep's patience.
SOON = Limits(linger_seconds=0.2, discard_seconds=0.2)

SWEEP = pytest.mark.parametrize("times", [1, 50], ids=["once", "again-and-again"])


async def whole_life(place: Place) -> None:
    """A server, a peer and a kept one: calls, a notification, drains and closes."""
    gate = Gate()
    async with serve(place.url, gate.service, tls=place.server_tls, limits=SOON) as server:
        async with place.connect(server, limits=SOON) as peer:
            assert await peer.call("ready", 1) == 1
            async with place.connect(server, limits=SOON).kept() as kept:
                assert await kept.call("ready", 2) == 2
                await kept.drain()
            await peer.notify("ready", 3)
        await server.drain()


async def early(place: Place) -> None:
    """A kept peer that is entered before its server is up."""
    gate = Gate()
    server = await place.serve(gate.service, limits=SOON)
    await server.close()
    place_again = Place(place.scheme, server.url, place.server_tls, place.client_tls)
    async with place_again.connect(server, limits=SOON).kept(wait=True) as kept:
        call = asyncio.ensure_future(kept.call("ready", 1))
        try:
            async with await place_again.serve(gate.service, limits=SOON):
                assert await call == 1
        finally:
            call.cancel()


async def hanging(place: Place) -> None:
    """Ends that have handlers to end."""
    gate = Gate()
    async with (
        serve(place.url, gate.service, tls=place.server_tls, limits=SOON) as server,
        place.connect(server, limits=SOON) as peer,
    ):
        call = asyncio.ensure_future(peer.call("wait"))
        call.add_done_callback(lambda call: call.cancelled() or call.exception())
        await gate.began.get()
        await server.close()


@SWEEP
@pytest.mark.parametrize("scenario", [whole_life, early, hanging])
def test_nothing_is_left(scenario: object, place: Place, times: int, tmp_path: Path) -> None:
    assert callable(scenario)
    assert sweep(lambda: scenario(place), place.new_loop, tmp_path, times) > 5


async def leaky_file(path: Path) -> None:
    (path / "leaky.sock").touch()
    await asyncio.sleep(0)  # nobody removes it who is cancelled here
    (path / "leaky.sock").unlink()


async def leaky_task() -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()


def test_a_sweep_finds_a_file_that_is_left(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"leaky\.sock"):
        sweep(lambda: leaky_file(tmp_path), asyncio.new_event_loop, tmp_path, patience=0.1)


def test_a_sweep_finds_a_task_that_is_left(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="sleep"):
        sweep(leaky_task, asyncio.new_event_loop, tmp_path, patience=0.1)
