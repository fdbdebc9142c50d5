"""How many requests are handled at once, and both sides that have no room for more."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.places import Place
from tests.unit.talk import hello, notification, request
from tracewire.codec import Kind, Status
from tracewire.protocol import Executed, Limits, Service, current_call


async def test_in_flight_of_a_connection(place: Place) -> None:
    gate = Gate()
    limits = Limits(in_flight=3)
    async with (
        await place.serve(gate.service, limits=limits) as server,
        place.connect(server) as peer,
        place.connect(server) as another,
    ):
        calls = [await begin(peer.call("wait", n), gate) for n in range(3)]
        refused = await failure(peer.call("ready"))
        assert said(refused) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        assert await another.call("ready", 1) == 1
        gate.opened.set()
        assert await asyncio.gather(*calls) == [0, 1, 2]
        assert await peer.call("ready", 1) == 1


async def test_in_flight_of_a_server(place: Place) -> None:
    gate = Gate()
    limits = Limits(in_flight_server=3)
    async with (
        await place.serve(gate.service, limits=limits) as server,
        place.connect(server) as peer,
        place.connect(server) as another,
    ):
        calls = [await begin(each.call("wait", 1), gate) for each in (peer, another, peer)]
        assert server.in_flight == 3
        for each in (peer, another):
            refused = await failure(each.call("ready"))
            assert said(refused) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        gate.opened.set()
        await asyncio.gather(*calls)
        assert await another.call("ready", 1) == 1
        assert server.in_flight == 0


async def test_notifications_in_flight(plain: Place) -> None:
    gate = Gate()
    limits = Limits(in_flight=3)
    async with (
        await plain.serve(gate.service, limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), *(notification("wait") for _ in range(4)), request(1, "ready"))
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.RESPONSE]
        assert gate.began.qsize() == 3
        assert server.counts()["notifications_refused"] == 1
        gate.opened.set()
        for _ in range(3):
            await gate.ended.get()
        raw.say(notification("wait"))
        await gate.ended.get()


async def test_both_sides_with_all_slots_taken_call_each_other_without_deadlock(
    place: Place,
) -> None:
    """Each handler calls back. What has no slot is refused at once, and everything ends."""
    limits = Limits(in_flight=4)

    def service() -> Service:
        made = Service()

        @made.method
        async def bounce(depth: int) -> int:
            peer: Any = current_call().peer
            return 1 + await peer.call("bounce", depth - 1) if depth else 1

        return made

    async with (
        await place.serve(service(), limits=limits) as server,
        place.connect(server, service(), limits=limits) as peer,
    ):
        while not server.peers:
            await asyncio.sleep(0)
        (accepted,) = server.peers
        await peer.call("bounce", 0)
        calls: list[Awaitable[object]] = []
        for _ in range(50):
            calls += [peer.call("bounce", 3, timeout=5), accepted.call("bounce", 3, timeout=5)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        statuses = {getattr(each, "status", each) for each in outcomes}
        assert statuses <= {4, Status.RESOURCE_EXHAUSTED}
        assert await peer.call("bounce", 3) == await accepted.call("bounce", 3) == 4
        assert server.in_flight == 0


async def test_one_side_without_slots_still_hears_cancels(plain: Place) -> None:
    """Reading never pauses because of calls in flight. C-25"""
    gate = Gate()
    limits = Limits(in_flight=2)
    async with (
        await plain.serve(gate.service, limits=limits) as server,
        plain.connect(server) as peer,
    ):
        calls = [await begin(peer.call("wait", n), gate) for n in range(2)]
        calls[0].cancel()
        assert await gate.cancelled.get() == 0
        assert await peer.call("ready", 5) == 5
        gate.opened.set()
        assert await calls[1] == 1
