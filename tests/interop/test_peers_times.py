"""How long a side waits: for the rest of a record, for the end of the input, for a pong.

Most of these run in a loop whose time the test moves, to just before a limit and to the limit.
"""

import asyncio
from typing import Any

import pytest

from tests.interop.calls import failure, said
from tests.interop.clock import later
from tests.interop.limits import BRIEF, NEVER, SHORT
from tests.interop.places import Place, Raw
from tests.interop.sized import sized
from tests.unit.talk import error, hello, notification, pong, record, request
from tracewire.codec import Kind, Status
from tracewire.protocol import Executed, Limits, Server, Service

ONE_BYTE = b"\x01"
OVER_LONG = b"\xff\xff\xff\xff"


async def heard_now(server: Server) -> None:
    """Returns once the server's only peer has read something at the present time."""
    (peer,) = server.peers
    while peer._connection._keepalive.last_input < asyncio.get_running_loop().time():
        await asyncio.sleep(0)


async def test_a_record_may_take_30_seconds_from_its_first_byte(still: Place) -> None:
    """C-26. Neither the time of the record before it counts, nor the silence between the two."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        for id in range(1, 4):
            data = record(request(2 * id, "fill", ONE_BYTE))
            raw.write(record(request(2 * id - 1, "fill", ONE_BYTE)) + data[:1])
            assert (await raw.hear()).id == 2 * id - 1
            await later(29.75)
            raw.write(data[1:])
            assert (await raw.hear()).id == 2 * id
            await later(NEVER)
        assert "connection_errors" not in server.counts()


@pytest.mark.parametrize("drips", [False, True])
async def test_a_record_that_takes_longer_is_a_connection_error(still: Place, drips: bool) -> None:
    """C-26. Bytes that drip in do not help."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        data = record(request(2, "size", bytes(100)))
        raw.say(hello())
        raw.write(record(request(1, "fill", ONE_BYTE)) + data[:1])
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.RESPONSE]
        for second in range(1, 30):
            await later(1)
            if drips:
                raw.write(data[second : second + 1])
                await heard_now(server)
        await later(0.75)
        assert "connection_errors" not in server.counts()
        await later(0.25)
        assert (await raw.hear()).kind == Kind.GOAWAY
        assert server.counts()["connection_errors"] == 1


async def test_the_time_of_a_record_can_be_set(plain: Place) -> None:
    """And passes without help."""
    limits = Limits(record_seconds=SHORT, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        raw.write(record(request(1, "fill"))[:10])
        assert await raw.hear_goaway() == ([Kind.HELLO], Status.RESOURCE_EXHAUSTED)


async def test_input_is_discarded_for_a_second_after_a_connection_error(still: Place) -> None:
    """C-20. Nothing that is sent then is answered."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        raw.say(hello())
        raw.write(OVER_LONG)
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.GOAWAY]
        await later(0.75)
        raw.say(request(1, "fill", ONE_BYTE))
        assert server.peers
        await later(0.25)
        assert await raw.hear_all() == []
        while server.peers:
            await asyncio.sleep(0)


async def test_the_end_of_the_input_ends_a_connection_in_error(still: Place) -> None:
    """C-20. No time passes."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        raw.say(hello())
        raw.write(OVER_LONG)
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.GOAWAY]
        raw.writer.write_eof()
        assert await raw.hear_all() == []
        while server.peers:
            await asyncio.sleep(0)


async def test_input_is_read_for_5_seconds_after_a_drain(still: Place) -> None:
    """C-17. What is asked then is not run."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        draining = asyncio.create_task(server.drain())
        assert [each.kind for each in await raw.hear_all()] == [Kind.GOAWAY]
        await later(4.75)
        raw.say(request(1, "fill", ONE_BYTE))
        await heard_now(server)
        assert not draining.done()
        assert server.in_flight == 0
        await later(0.25)
        await draining
        assert server.peers == frozenset()


async def test_the_end_of_the_input_ends_a_drain(still: Place) -> None:
    """C-17. No time passes."""
    async with await still.serve(sized()) as server, await still.raw(server) as raw:
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        draining = asyncio.create_task(server.drain())
        assert [each.kind for each in await raw.hear_all()] == [Kind.GOAWAY]
        raw.writer.write_eof()
        await draining
        assert server.peers == frozenset()


async def test_a_deadline_passes_at_its_time_on_both_sides(still: Place) -> None:
    """C-24"""
    service = Service()
    cancelled: asyncio.Queue[float] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    @service.method
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.put_nowait(clock())

    async with (
        await still.serve(service) as server,
        await still.raw(server) as raw,
        still.connect(server) as peer,
    ):
        began = clock()
        call = asyncio.create_task(failure(peer.call("wait", timeout=3)))
        raw.say(hello(), request(1, "wait", b"", {7: 3_000_000}))
        while server.in_flight < 2:
            await asyncio.sleep(0)
        await later(2.75)
        assert not call.done()
        assert server.in_flight == 2
        await later(0.25)
        assert said(await call) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert [await cancelled.get() - began for _ in range(2)] == [3, 3]


KEEPALIVE = Limits(keepalive_seconds=10, discard_seconds=0)


async def meet(still: Place, service: Service) -> tuple[Server, Any, Raw]:
    """A server that keeps alive, its only peer, and the test as the other side."""
    server = await still.serve(service, limits=KEEPALIVE)
    raw = await still.raw(server)
    raw.say(hello())
    assert (await raw.hear()).kind == Kind.HELLO
    (peer,) = server.peers
    return server, peer, raw


async def test_silence_while_a_call_is_open_is_asked_about_until_no_pong_comes(
    still: Place,
) -> None:
    """Of a side that is gone though its connection is not, its open calls are told."""
    server, peer, raw = await meet(still, Service())
    async with server, raw:
        call = asyncio.create_task(failure(peer.call("m")))
        assert (await raw.hear()).kind == Kind.REQUEST
        for _ in range(2):
            await later(9.75)
            await peer.notify("still silent")
            assert (await raw.hear()).kind == Kind.NOTIFICATION
            await later(0.25)
            ping = await raw.hear()
            assert ping.kind == Kind.PING
            raw.say(pong(ping.id))
            await heard_now(server)
        await later(10)
        assert (await raw.hear()).kind == Kind.PING
        await later(9.75)
        assert not call.done()
        await later(0.25)
        assert said(await call) == (Status.UNAVAILABLE, Executed.MAYBE)
        await later(0.25)
        assert await raw.hear_goaway() == ([], Status.RESOURCE_EXHAUSTED)


async def test_any_frame_breaks_the_silence(still: Place) -> None:
    server, peer, raw = await meet(still, Service())
    async with server, raw:
        call = asyncio.create_task(failure(peer.call("m")))
        assert (await raw.hear()).kind == Kind.REQUEST
        for _ in range(3):
            await later(9.75)
            raw.say(notification("nobody"))
            await heard_now(server)
        await later(9.75)
        await peer.notify("not asked yet")
        assert (await raw.hear()).kind == Kind.NOTIFICATION
        await server.close()
        await call


async def test_a_side_that_vanished_while_no_call_was_open_is_noticed(still: Place) -> None:
    server, _, raw = await meet(still, Service())
    async with server, raw:
        await later(10)
        ping = await raw.hear()
        assert ping.kind == Kind.PING
        raw.say(pong(ping.id))
        await heard_now(server)
        await later(9.75)
        assert server.peers
        await later(0.25)
        assert (await raw.hear()).kind == Kind.PING
        await later(10)  # and no pong comes
        await later(0.25)
        assert await raw.hear_goaway() == ([], Status.RESOURCE_EXHAUSTED)


async def test_a_side_whose_hello_does_not_say_so_is_not_asked_while_no_call_is_open(
    still: Place,
) -> None:
    server = await still.serve(Service(), limits=KEEPALIVE)
    async with server, await still.raw(server) as raw:
        raw.say(hello(kinds=()))
        assert (await raw.hear()).kind == Kind.HELLO
        (peer,) = server.peers
        await later(NEVER)
        await peer.notify("not asked")
        assert (await raw.hear()).kind == Kind.NOTIFICATION


async def test_a_side_that_discards_nothing_closes_at_once(plain: Place) -> None:
    async with (
        await plain.serve(sized(), limits=BRIEF) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        raw.write(OVER_LONG)
        assert await raw.hear_goaway() == ([Kind.HELLO], Status.RESOURCE_EXHAUSTED)
