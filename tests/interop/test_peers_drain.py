"""Connections that end in good order: no call that was accepted is lost, and none runs twice."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.limits import NEVER, ROOMY, SHORT
from tests.interop.places import Place
from tests.unit.talk import body, error, goaway, hello, request, response
from tracewire.codec import Kind, Status
from tracewire.protocol import Executed, Limits, Service, current_call


async def test_draining_answers_what_was_accepted_and_refuses_the_rest(place: Place) -> None:
    """C-17, C-18"""
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        calls = [await begin(peer.call("wait", n), gate) for n in range(3)]
        draining = asyncio.create_task(server.drain("restart"))
        while peer.is_open:
            await asyncio.sleep(0)
        refused = await failure(peer.call("ready"))
        assert said(refused) == (Status.UNAVAILABLE, Executed.NO)
        with pytest.raises(OSError):  # noqa: PT011  # which one differs by address
            await place.connect(server)
        assert not draining.done()
        gate.opened.set()
        assert await asyncio.gather(*calls) == [0, 1, 2]
        await draining
        await peer.wait_closed()
        assert (server.in_flight, server.peers) == (0, frozenset())


async def test_a_drain_with_nothing_open_ends_at_once_on_both_sides(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service, limits=ROOMY) as server:
        async with place.connect(server, limits=ROOMY) as peer, place.connect(server):
            await peer.call("ready")
            await server.drain()
            await peer.wait_closed()
        await server.drain()
        await server.close()


async def test_a_client_drains(place: Place) -> None:
    """It is answered what it asked before, and answers what it was asked."""
    gate, here = Gate(), Gate()
    async with (
        await place.serve(gate.service) as server,
        place.connect(server, here.service) as peer,
    ):
        call = await begin(peer.call("wait", 1), gate)
        (accepted,) = server.peers
        back = await begin(accepted.call("wait", 2), here)
        draining = asyncio.create_task(peer.drain())
        while accepted.is_open:
            await asyncio.sleep(0)
        refused = await failure(accepted.call("ready"))
        assert said(refused) == (Status.UNAVAILABLE, Executed.NO)
        here.opened.set()
        assert await back == 2
        gate.opened.set()
        assert await call == 1
        await draining
        assert server.peers == frozenset()


async def test_both_sides_drain_at_once(place: Place) -> None:
    """Over TLS, where writing cannot be shut down, each waits for the linger time."""
    gate, here = Gate(), Gate()
    limits = Limits(linger_seconds=SHORT if place.scheme == "tls" else NEVER)
    async with (
        await place.serve(gate.service, limits=limits) as server,
        place.connect(server, here.service, limits=limits) as peer,
    ):
        call = await begin(peer.call("wait", 1), gate)
        (accepted,) = server.peers
        back = await begin(accepted.call("wait", 2), here)
        draining = asyncio.gather(peer.drain(), server.drain())
        await asyncio.sleep(0)
        gate.opened.set()
        here.opened.set()
        assert (await call, await back) == (1, 2)
        await draining


async def test_what_a_draining_side_writes(plain: Place) -> None:
    """After its goaway, requests are answered until those it accepted are; then it is silent."""
    gate = Gate()
    async with (
        await plain.serve(gate.service, limits=ROOMY) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), request(5, "wait", b"\x07"))
        await gate.began.get()
        draining = asyncio.create_task(server.drain("restart"))
        assert (await raw.hear()).kind == Kind.HELLO
        said_goaway = await raw.hear()
        assert (said_goaway.kind, body(said_goaway)) == (Kind.GOAWAY, {0: 5, 1: 0, 2: "restart"})
        raw.say(request(6, "ready"))
        assert error(await raw.hear()) == (6, Status.UNAVAILABLE, Executed.NO)
        gate.opened.set()
        assert await raw.hear_all() == [response(5, b"\x07")]
        raw.say(request(7, "wait"))
        assert not draining.done()
        raw.writer.close()
        await draining
        assert gate.began.empty()


@pytest.mark.parametrize("turns", range(4))
async def test_a_connection_that_is_accepted_as_the_server_stops_ends(
    kernel: Place, turns: int
) -> None:
    server = await kernel.serve(Service())
    async with server:
        with connected(server.url) as client:
            client.shutdown(socket.SHUT_WR)
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.drain()
            with suppress(ConnectionResetError):  # it was not accepted
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""


def connected(url: str) -> socket.socket:
    """Made without a turn of the loop, which has yet to accept it."""
    scheme, _, rest = url.partition("://")
    client = socket.socket(socket.AF_UNIX if scheme == "unix" else socket.AF_INET)
    host, _, port = rest.rpartition(":")
    client.connect(rest if scheme == "unix" else (host, int(port)))
    client.setblocking(False)
    return client


async def test_answers_to_a_drained_sides_own_calls_are_still_heard(plain: Place) -> None:
    """While it lingers."""
    async with (
        await plain.serve(Service(), limits=ROOMY) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        (accepted,) = server.peers
        call = asyncio.ensure_future(accepted.call("m"))
        assert (await raw.hear()).kind == Kind.REQUEST
        draining = asyncio.create_task(server.drain())
        assert [each.kind for each in await raw.hear_all()] == [Kind.GOAWAY]
        raw.say(response(1, b"\x07"))
        assert await call == 7
        raw.writer.close()
        await draining


async def test_a_side_that_was_told_goaway_closes_when_no_call_is_open(plain: Place) -> None:
    gate = Gate()
    async with (
        await plain.serve(gate.service, limits=ROOMY) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), request(1, "wait", b"\x07"))
        await gate.began.get()
        raw.say(goaway())
        gate.opened.set()
        kinds = [each.kind for each in await raw.hear_all()]
        assert kinds == [Kind.HELLO, Kind.RESPONSE]
        while server.peers:
            await asyncio.sleep(0)


async def test_a_handler_may_drain_the_connection_that_called_it(place: Place) -> None:
    """Not wait for it: its own response is part of the drain."""
    service = Service()
    draining: list[asyncio.Task[None]] = []

    @service.method
    async def leave() -> str:
        peer: Any = current_call().peer
        draining.append(asyncio.create_task(peer.drain()))
        await asyncio.sleep(0)
        return "bye"

    async with await place.serve(service) as server, place.connect(server) as peer:
        assert await peer.call("leave") == "bye"
        await peer.wait_closed()
        await draining[0]


async def test_a_drain_that_is_cancelled_can_be_followed_by_a_close(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait"), gate)
        draining = asyncio.create_task(server.drain())
        while peer.is_open:
            await asyncio.sleep(0)
        draining.cancel()
        await asyncio.wait([draining])
        assert draining.cancelled()
        assert not call.done()
        await server.close()
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
