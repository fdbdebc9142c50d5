"""Connections that follow a rollout, and what one shows of the other side (G-3, G-4)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import failure
from tests.interop.places import Place
from tests.unit.talk import notification, record
from tracewire.codec import Kind, Status, decode
from tracewire.protocol import Rollout, Service, connect, current_call
from tracewire.protocol.errors import ModeUnknown


class Inbox:
    """Serves ``ready``, and keeps the messages that arrive."""

    def __init__(self) -> None:
        self.service = Service()
        #: The kind of each message's frame, None where it was bare, and the message.
        self.messages: asyncio.Queue[tuple[Kind | int | None, bytes]] = asyncio.Queue()
        self.service.method(self.ready)
        self.service.on_message(self.take)

    def ready(self, value: object = None) -> object:
        return value

    async def take(self, message: bytes) -> None:
        self.messages.put_nowait((current_call().frame.kind, message))


async def test_a_connection_is_made_in_the_mode_that_a_rollout_says_for_its_url(
    place: Place,
) -> None:
    inbox, rollout = Inbox(), Rollout()
    async with await place.serve(inbox.service, mode="both") as server:
        async with place.connect(server, mode=rollout) as peer:
            await peer.send(b"message")
            assert await inbox.messages.get() == (None, b"message")
            refused = await failure(peer.call("ready"))
            assert refused.status == Status.FAILED_PRECONDITION
        rollout.switch(server.url, "framed")
        async with place.connect(server, mode=rollout) as peer:
            await peer.send(b"message")
            assert await inbox.messages.get() == (Kind.NOTIFICATION, b"message")
            assert await peer.call("ready", 7) == 7


async def test_a_connection_that_is_made_again_follows_the_rollout(place: Place) -> None:
    """A frame would fail the listener that went back to bare."""
    rollout = Rollout("framed")
    async with await place.serve(Inbox().service, mode="both") as server:
        async with place.connect(server, mode=rollout).kept() as kept:
            await kept.call("ready")
            rollout.switch(server.url, "bare")
            for peer in server.peers:
                await peer.drain()
            refused = await failure(kept.call("ready"))
            assert refused.status == Status.FAILED_PRECONDITION
        assert server.counts() == {}


async def test_where_a_rollout_fails_its_last_answer_holds_for_the_next_connection(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Any] = ["framed", None]
    rollout = Rollout(destinations=lambda url: answers.pop(0))
    async with (
        await place.serve(Inbox().service) as server,
        place.connect(server, mode=rollout).kept() as kept,
    ):
        await kept.call("ready")
        for peer in server.peers:
            await peer.drain()
        assert await kept.call("ready", 7) == 7
        assert answers == []
    (said,) = caplog.messages
    assert said == "the function of a rollout gave no dialect"


async def test_a_rollout_that_fails_makes_no_connection(place: Place) -> None:
    rollout = Rollout(destinations=lambda url: None)  # type: ignore[arg-type,return-value]
    async with await place.serve(Inbox().service) as server:
        with pytest.raises(ModeUnknown, match="gave no dialect.*not None"):
            await place.connect(server, mode=rollout)
        assert not server.peers


async def test_what_one_connection_showed_says_nothing_of_the_next_to_that_address(
    tmp_path: Path,
) -> None:  # G-4
    """Another instance may accept it: the second here would not read a frame."""
    accepted: asyncio.Queue[Any] = asyncio.Queue()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait((reader, writer))

    async def read() -> bytes:
        length = int.from_bytes(await reader.readexactly(4), "big")
        data: bytes = await reader.readexactly(length)
        return data

    inbox, address = Inbox(), str(tmp_path / "fleet.sock")
    async with await asyncio.start_unix_server(accept, address):
        url = f"unix://{address}"
        async with connect(url, inbox.service, mode="both") as peer:
            reader, writer = await accepted.get()
            await peer.send(b"before")
            assert await read() == b"before"
            writer.write(record(notification("", b"framed")))
            assert await inbox.messages.get() == (Kind.NOTIFICATION, b"framed")
            await peer.send(b"after")
            assert decode(await read()).kind == Kind.HELLO
            assert decode(await read()).payload == b"after"
            writer.close()
            await writer.wait_closed()
        async with connect(url, inbox.service, mode="both") as peer:
            reader, writer = await accepted.get()
            await peer.send(b"again")
            assert await read() == b"again"
            writer.close()
            await writer.wait_closed()
