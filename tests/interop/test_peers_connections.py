"""How many connections a server has."""

import asyncio
from typing import Any

from tests.interop.calls import failure
from tests.interop.places import Place
from tests.interop.sized import sized
from tracewire.codec import Status
from tracewire.protocol import Body, Limits


async def test_connections_of_a_server(place: Place) -> None:
    limits = Limits(connections=2)
    async with (
        await place.serve(sized(), limits=limits) as server,
        place.connect(server) as one,
    ):
        async with place.connect(server) as two:
            for each in (one, two):
                assert await each.call("size", Body(b"x")) == 1
            refused = await failure(one_too_many(place, server))
            assert refused.status is Status.UNAVAILABLE
            assert server.counts()["connections_refused"] == 1
            for each in (one, two):
                assert await each.call("size", Body(b"x")) == 1
        while len(server.peers) > 1:
            await asyncio.sleep(0)
        async with place.connect(server) as three:
            assert await three.call("size", Body(b"x")) == 1


async def one_too_many(place: Place, server: Any) -> None:
    async with place.connect(server) as peer:
        await peer.call("size", Body(b"x"))
