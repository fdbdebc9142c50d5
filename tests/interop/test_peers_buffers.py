"""Sides that do not read what is written to them."""

import asyncio
from typing import Any

from tests.interop.calls import failure
from tests.interop.limits import SHORT
from tests.interop.places import SMALL_BUFFER, Place
from tests.interop.sized import sized
from tests.unit.talk import hello, request
from tracewire.codec import Status
from tracewire.protocol import Body, Executed, Limits, Service


async def answered(server: Any, id: int) -> None:
    """Returns once the only connection's request was read, and its response given to it."""
    while not server.peers or server.in_flight or server_ids(server) < id:
        await asyncio.sleep(0)
    for _ in range(3):  # it is flushed in a later turn
        await asyncio.sleep(0)


def server_ids(server: Any) -> int:
    """The last request that was read."""
    (peer,) = server.peers
    return int(peer._connection._incoming.last_id)


async def test_many_long_calls_at_once_do_not_fill_the_write_buffer(place: Place) -> None:
    """Calls wait for room, also those that begin in one turn of the loop."""
    limits = Limits(write_buffer=1 << 20)
    async with (
        await place.serve(sized()) as server,
        place.connect(server, limits=limits) as peer,
    ):
        data = Body(bytes(100_000))
        answers = await asyncio.gather(*(peer.call("size", data) for _ in range(100)))
    assert answers == [100_000] * 100


async def test_a_stalled_reader_makes_callers_wait_and_closing_does_not(kernel: Place) -> None:
    limits = Limits(discard_seconds=SHORT, write_buffer=1 << 20)
    async with (
        await kernel.serve(sized(), limits=limits) as server,
        await kernel.raw(server) as raw,
    ):
        raw.stop_reading()
        raw.say(hello())
        while not server.peers:
            await asyncio.sleep(0)
        (peer,) = server.peers
        while peer._connection.peer is None:  # its hello was not read yet
            await asyncio.sleep(0)
        calls: list[asyncio.Task[object]] = []
        while peer.takes_more:
            calls.append(asyncio.ensure_future(peer.call("m", bytes(SMALL_BUFFER))))
            await asyncio.sleep(0)
        waiting = asyncio.ensure_future(peer.call("m"))
        await asyncio.sleep(0)
        await server.close()
        errors = await asyncio.gather(*map(failure, [*calls, waiting]))
    assert {each.status for each in errors} == {Status.UNAVAILABLE}, set(map(str, errors))
    assert errors[-1].executed is Executed.NO


async def test_draining_gives_a_stalled_reader_up(kernel: Place) -> None:
    limits = Limits(linger_seconds=SHORT, discard_seconds=SHORT)
    async with (
        await kernel.serve(sized(), limits=limits) as server,
        await kernel.raw(server) as raw,
    ):
        raw.stop_reading()
        raw.say(hello(), *(request(id, "fill", b"\x1a\0\x10\0\0") for id in range(1, 9)))
        await answered(server, 8)
        await server.drain()
        assert not server.peers


async def test_both_sides_with_full_write_buffers_do_not_deadlock(place: Place) -> None:
    """Each sends the other far more than buffers hold, and answers with as much."""
    data = bytes(200_000)

    def service() -> Service:
        made = Service()

        @made.method
        async def echo(value: Body) -> Body:
            return value

        return made

    async with (
        await place.serve(service()) as server,
        place.connect(server, service()) as peer,
    ):
        await peer.call("echo", Body(b""))
        (accepted,) = server.peers
        calls = [each.call("echo", Body(data), returns=Body) for each in (peer, accepted) * 40]
        answers = await asyncio.gather(*calls)
    assert {len(each.data) for each in answers} == {len(data)}
