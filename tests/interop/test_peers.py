"""Peers call each other: over each kind of address, on asyncio's own loop and on uvloop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.interop.calls import failure, said
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import Call, Executed, RpcError, Service, current_call


def guild() -> Service:
    service = Service("guild")

    @service.method
    async def echo(value: object) -> object:
        return value

    @service.method
    def nothing() -> None:
        return None

    return service


async def test_metadata_arrives_as_values(place: Place) -> None:
    service = Service()

    @service.method
    async def seen() -> object:
        return dict(current_call().metadata)

    metadata = {"tenant": "a", "shard": 7, "debt": -1, "tags": ["x", b"\0"], "on": True, "m": {}}
    async with await place.serve(service) as server, place.connect(server) as peer:
        assert await peer.call("seen", metadata=metadata) == metadata
        assert await peer.call("seen") == {}


@pytest.mark.parametrize(
    ("metadata", "raised"),
    [({5: "baggage"}, TypeError), ({"tracewire.top": 1}, ValueError), ({"x": 1.5}, TypeError)],
)
async def test_metadata_that_cannot_be_is_refused_before_the_call(
    place: Place, metadata: Any, raised: type[Exception]
) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        with pytest.raises(raised):
            await peer.call("guild.echo", metadata=metadata)
        assert await peer.call("guild.echo", 1) == 1


async def test_current_call_knows_deadline_peer_trust_and_method(place: Place) -> None:
    service = Service()
    calls: list[Call] = []
    left: list[float | None] = []

    @service.method
    async def look() -> None:
        calls.append(current_call())
        left.append(current_call().time_left())

    async with await place.serve(service) as server, place.connect(server) as peer:
        await peer.call("look", timeout=5)
        await peer.call("look")
        timed, untimed = calls
        assert {timed.peer} == server.peers
    assert left[0] is not None and 0 < left[0] <= 5
    assert (untimed.deadline, left[1]) == (None, None)
    assert timed.trust == ("parent" if place.scheme in ("unix", "memory") else "link")
    assert timed.method == "look"
    with pytest.raises(LookupError, match="handlers"):
        current_call()


async def test_a_peer_knows_its_address_and_who_the_other_side_is(place: Place) -> None:
    async with (
        await place.serve(guild(), agent="guild-1") as server,
        place.connect(server, agent="client-1") as peer,
    ):
        await peer.call("guild.nothing")
        (accepted,) = server.peers
        assert (peer.agent, accepted.agent) == ("guild-1", "client-1")
        assert peer.url == accepted.url == server.url
        assert not server.url.endswith(":0")


async def test_both_sides_call_on_one_connection(place: Place) -> None:
    """The handler calls back, and the callback calls again: ids of the sides do not meet."""
    here, there = Service("here"), Service("there")

    @there.method
    async def down(n: int) -> list[str]:
        peer: Any = current_call().peer
        return ["there", *await peer.call("here.down", n - 1)] if n else ["there"]

    @here.method(name="down")
    async def also_down(n: int) -> list[str]:
        peer: Any = current_call().peer
        return ["here", *await peer.call("there.down", n - 1)] if n else ["here"]

    async with await place.serve(there) as server, place.connect(server, here) as peer:
        assert await peer.call("there.down", 5) == ["there", "here"] * 3


async def test_the_server_calls_without_being_asked(place: Place) -> None:
    here = Service()

    @here.method
    async def name() -> str:
        return "ann"

    async with await place.serve(guild()) as server, place.connect(server, here) as peer:
        await peer.call("guild.nothing")
        (accepted,) = server.peers
        assert await accepted.call("name") == "ann"


async def test_many_calls_at_once_each_get_their_own_answer(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        answers = await asyncio.gather(*(peer.call("guild.echo", n) for n in range(500)))
    assert answers == list(range(500))


async def test_notifications_arrive_in_order_and_are_not_answered(place: Place) -> None:
    service = Service()
    heard: asyncio.Queue[tuple[int, object]] = asyncio.Queue()

    @service.method
    async def tell(n: int) -> None:
        heard.put_nowait((n, dict(current_call().metadata)))

    async with await place.serve(service) as server, place.connect(server) as peer:
        for n in range(3):
            await peer.notify("tell", n, metadata={"n": n})
        assert [await heard.get() for _ in range(3)] == [(n, {"n": n}) for n in range(3)]
        await peer.notify("nobody")
        await peer.notify("tell", "no number")
        await peer.notify("tell", 4)
        assert (await heard.get())[0] == 4
        assert server.counts()["notifications_unknown"] == 1


async def test_a_message_without_a_method_arrives_as_bytes(place: Place) -> None:
    service = Service()
    heard: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    @service.on_message
    async def hear(message: bytes) -> None:
        heard.put_nowait((message, current_call().trust))

    async with await place.serve(service, trust="ignore") as server, place.connect(server) as peer:
        await peer.send(b'{"op": 1}')
        assert await heard.get() == (b'{"op": 1}', "ignore")


@pytest.mark.parametrize("mode", ["bare", "both"])
async def test_bare_messages_pass_both_ways(place: Place, mode: str) -> None:
    """A server that answers in the dialect it was asked in; nothing frames the messages."""
    service, here = Service(), Service()
    heard: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()

    @service.on_message
    async def hear(message: bytes) -> None:
        call = current_call()
        peer: Any = call.peer
        await peer.send(b"bare too" if call.frame.kind is None else b"framed")

    @here.on_message
    async def answer(message: bytes) -> None:
        heard.put_nowait((message, current_call().frame.kind is None))

    async with (
        await place.serve(service, mode=mode) as server,
        place.connect(server, here, mode=mode) as peer,
    ):
        await peer.send(b"hi")
        assert await heard.get() == (b"bare too", True)
        with pytest.raises(ValueError, match="frame"):
            await peer.send(b"\xd9\xd4\xf7\x84")


async def test_a_listener_of_both_modes_takes_calls_and_bare_messages(place: Place) -> None:
    service = guild()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    service.on_message(heard.put)
    async with (
        await place.serve(service, mode="both") as server,
        place.connect(server, mode="bare") as old,
        place.connect(server) as new,
    ):
        await old.send(b"[1]")
        assert await heard.get() == b"[1]"
        await new.send(b"[2]")
        assert await heard.get() == b"[2]"
        assert await new.call("guild.echo", 3) == 3
        error = await failure(old.call("guild.echo", 3))
    assert said(error) == (Status.FAILED_PRECONDITION, Executed.NO)


async def test_middleware_runs_around_handlers_and_may_change_the_outcome(place: Place) -> None:
    seen: list[str] = []

    async def middleware(call: Call, run: Callable[[], Awaitable[object]]) -> object:
        assert current_call() is call
        if call.metadata.get("tenant") != "a":
            raise RpcError(Status.PERMISSION_DENIED, "not this tenant", executed=Executed.NO)
        seen.append(call.method)
        return [await run()]

    async with (
        await place.serve(guild(), handler_interceptors=[middleware]) as server,
        place.connect(server) as peer,
    ):
        assert await peer.call("guild.echo", 1, metadata={"tenant": "a"}) == [1]
        error = await failure(peer.call("guild.echo", 1))
    assert said(error) == (Status.PERMISSION_DENIED, Executed.NO)
    assert seen == ["guild.echo"]


async def test_middleware_may_refuse_notifications_and_messages(place: Place) -> None:
    handled: asyncio.Queue[object] = asyncio.Queue()
    refused: asyncio.Queue[str] = asyncio.Queue()
    service = Service("guild")
    service.method(handled.put_nowait, name="typing")
    service.on_message(handled.put_nowait)

    async def middleware(call: Call, run: Callable[[], Awaitable[object]]) -> object:
        if call.metadata.get("tenant") == "a":
            return await run()
        refused.put_nowait(call.method)
        return None

    async with (
        await place.serve(service, handler_interceptors=[middleware]) as server,
        place.connect(server) as peer,
    ):
        await peer.notify("guild.typing", 1)
        assert await refused.get() == "guild.typing"
        await peer.send(b"2")
        assert await refused.get() == ""
        await peer.notify("guild.typing", 3, metadata={"tenant": "a"})
        assert await handled.get() == 3
    assert handled.empty()


async def test_middleware_of_a_connector_runs_around_what_is_called_back(place: Place) -> None:
    seen: list[str] = []

    async def middleware(call: Call, run: Callable[[], Awaitable[object]]) -> object:
        seen.append(call.method)
        return await run()

    async with (
        await place.serve(guild()) as server,
        place.connect(server, guild(), handler_interceptors=[middleware]) as peer,
    ):
        await peer.call("guild.nothing")
        (accepted,) = server.peers
        await accepted.call("guild.nothing")
    assert seen == ["guild.nothing"]


async def test_a_closed_peer_refuses_calls(place: Place) -> None:
    async with await place.serve(guild()) as server:
        async with place.connect(server) as peer:
            before = peer.is_open
        assert (before, peer.is_open) == (True, False)
        error = await failure(peer.call("guild.nothing"))
        assert said(error) == (Status.UNAVAILABLE, Executed.NO)
        await peer.close()
        await peer.drain()


async def test_nobody_listens_where_a_server_was_closed(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server):
        pass
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await place.connect(server)
