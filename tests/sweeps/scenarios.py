"""What the sweeps disturb: lives of servers and peers."""

import asyncio

from tests.interop.calls import Gate
from tests.interop.places import Place
from tracewire.protocol import Limits, serve

#: So that what waits for the other side ends within a sweep's patience.
SOON = Limits(linger_seconds=0.2, discard_seconds=0.2)


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
