"""Sides that do not read what is written to them."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from tests.interop.calls import failure
from tests.interop.limits import ROOMY, SHORT
from tests.interop.places import SMALL_BUFFER, Place, Raw
from tests.interop.sized import sized
from tests.unit.talk import hello, request
from tracewire.codec import Status, encode_response
from tracewire.protocol import Body, Executed, Limits, Service


async def filled(server: Any, raw: Raw, limit: int, room: int) -> int:
    """Lets responses wait to be written until there is room for less than ``room``; how much."""
    raw.stop_reading()
    raw.say(hello())
    id = 0
    while True:
        id += 1
        raw.say(request(id, "fill", b"\x19\x40\x00"))  # 16,384 bytes
        await answered(server, id)
        (peer,) = server.peers
        left = limit - peer._writer.transport.get_write_buffer_size()
        if left < room:
            return int(left)


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


@pytest.mark.parametrize("over", [0, 1])
async def test_the_write_buffer_of_a_reader_that_stalls(plain: Place, over: int) -> None:
    """C-26. The connection ends, and what waited is dropped."""
    limit = 128 * 1024
    limits = replace(ROOMY, write_buffer=limit)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        left = await filled(server, raw, limit, 32_768)
        size = left - 4 - len(encode_response(1_000)) - 2 + over
        id = server_ids(server) + 1_000
        raw.say(request(id, "fill", b"\x19" + size.to_bytes(2, "big")))
        await answered(server, id)
        if over:
            assert server.counts()["connection_errors"] == 1
            while server.peers:
                await asyncio.sleep(0)
        else:
            (peer,) = server.peers
            assert peer._writer.transport.get_write_buffer_size() == limit
            assert "connection_errors" not in server.counts()


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
    limits = Limits(discard_seconds=SHORT)
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
