"""Bounds of what waits, over sockets: each at the limit, and one byte over (section 7.10)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from tests.interop.calls import Gate
from tests.interop.limits import ROOMY
from tests.interop.places import Place, Raw
from tests.unit.talk import body, cancel, error, hello, notification, request
from tracewire.codec import Frame, Kind, Status, encode_response
from tracewire.protocol import Body, Executed, Limits, Peer, Server, Service
from tracewire.protocol.constants import QUEUED_BYTES, UNQUEUED_BYTES

LIMIT = 128 * 1024
#: The last of these requests is read, and all before it.
LAST = 1_000


class Served(Gate):
    """A gate, and ``fill``, which gives a result of so many bytes."""

    def __init__(self) -> None:
        super().__init__()

        @self.service.method
        def fill(size: int) -> Body:
            return Body(bytes(size), 60)


class Unread:
    """A side that reads nothing until it is told to, and the peer that it meets."""

    def __init__(self, raw: Raw, server: Server) -> None:
        self.raw, self._server = raw, server
        self._id = 0

    @property
    def peer(self) -> Any:
        (peer,) = self._server.peers
        return peer

    @property
    def left(self) -> int:
        return int(self.peer._connection.outbox.size)

    async def says(self, *frames: Frame | bytes) -> None:
        """Returns once they were read and what came of it was written."""
        self.raw.say(*frames)
        await self.settles()

    async def settles(self) -> None:
        seen = None
        for _ in range(1_000):
            await asyncio.sleep(0)
            if self._server.peers:
                peer = self.peer
                now = peer._connection._keepalive.last_input, self.left, peer._outbox.pending
                if now == seen and self.raw.writer.transport.get_write_buffer_size() == 0:  # type: ignore[attr-defined]
                    still += 1
                    if still == 20:
                        return
                else:
                    seen, still = now, 0

    async def fills(self, size: int) -> None:
        """Results wait, as many bytes as that, none of which the system takes."""
        while size - self.left > LIMIT // 2 or not self.peer._writer.is_paused:
            await self._fill(16_384)
        await self._fill(size - self.left)
        assert self.left == size

    async def _fill(self, size: int) -> None:
        """Of the whole record."""
        self._id += 1
        length = size - 4 - len(encode_response(self._id, bytes(300))) + 300
        await self.says(request(self._id, "fill", b"\x1a" + length.to_bytes(4, "big")))

    async def hears(self, *ids: int) -> dict[int, Frame]:
        """The answers to these, once they are all read."""
        self.raw.writer.transport.resume_reading()  # type: ignore[attr-defined]
        answers: dict[int, Frame] = {}
        while not answers.keys() >= {*ids}:
            frame = await self.raw.hear()
            if frame.kind == Kind.RESPONSE:
                answers[frame.id] = frame
        return answers


@asynccontextmanager
async def unread(place: Place, gate: Served, **limits: Any) -> AsyncIterator[Unread]:
    limit = replace(ROOMY, **{"write_buffer": LIMIT, **limits})
    async with (
        await place.serve(gate.service, limits=limit, grease=0) as server,
        await place.raw(server) as raw,
    ):
        raw.stop_reading()
        made = Unread(raw, server)
        await made.says(hello())
        yield made


@pytest.mark.parametrize("over", [0, 1])
async def test_no_handler_starts_while_more_than_the_limit_waits(plain: Place, over: int) -> None:
    gate = Served()  # C-87
    async with unread(plain, gate) as side:
        await side.fills(LIMIT + over)
        await side.says(request(LAST, "ready", b"\x07"), request(LAST + 1, "wait"))
        assert gate.began.qsize() == 1 - over
        assert side.peer._connection.requests_open == 2
        gate.opened.set()
        answers = await side.hears(LAST, LAST + 1)
        assert answers[LAST].payload == b"\x07"
        assert gate.began.qsize() == 1


@pytest.mark.parametrize("over", [0, 1])
async def test_a_result_waits_once_the_limit_is_not_written(plain: Place, over: int) -> None:
    gate = Served()  # C-82
    async with unread(plain, gate) as side:
        await side.says(request(LAST, "wait", b"\x07"))
        await side.fills(LIMIT - 1 + over)
        gate.opened.set()
        await side.says(cancel(LAST), notification("none"))
        await side.settles()
        answer = (await side.hears(LAST))[LAST]
        if over:  # C-92
            assert error(answer) == (LAST, Status.CANCELLED, Executed.YES)
        else:
            assert (answer.status, answer.payload) == (Status.OK, b"\x07")


@pytest.mark.parametrize("over", [0, 1])
async def test_what_may_not_start_has_as_many_bytes_as_the_limit(plain: Place, over: int) -> None:
    gate = Served()  # C-89
    async with unread(plain, gate) as side:
        await side.fills(LIMIT + 1)
        first, second = bytes(LIMIT // 2 - QUEUED_BYTES), bytes(LIMIT // 2 - QUEUED_BYTES + over)
        bodies = [b"\x5a" + (len(each) - 5).to_bytes(4, "big") + each[5:] for each in (first, second)]
        await side.says(request(LAST, "ready", bodies[0]), request(LAST + 1, "ready", bodies[1]))
        answers = await side.hears(LAST, LAST + 1)
        assert answers[LAST].status is Status.OK
        if over:
            assert error(answers[LAST + 1])[1:] == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        else:
            assert answers[LAST + 1].status is Status.OK


@pytest.mark.parametrize("over", [0, 1])
async def test_what_does_not_wait_has_at_most_a_mebibyte(plain: Place, over: int) -> None:
    gate = Served()  # C-84
    async with unread(plain, gate) as side:
        await side.fills(LIMIT)
        outbox, id = side.peer._outbox, LAST
        # A refusal names the method, which makes it as long as is wanted.
        while (left := UNQUEUED_BYTES + over - outbox.unqueued) > 0:
            await side.says(*(request(id + at, "x" * 100) for at in range(max(1, left // 300))))
            id += max(1, left // 300)
            size = outbox.unqueued // (id - LAST)
            if UNQUEUED_BYTES + over - outbox.unqueued < 2 * size:
                break
        before = outbox.unqueued
        await side.says(request(id, "x" * 100))
        size = outbox.unqueued - before
        rest = UNQUEUED_BYTES + over - outbox.unqueued
        assert 0 < rest < 2 * size
        names = ["x" * (100 + rest - size)] if rest >= size - 90 else []
        await side.says(*(request(id + 1 + at, name) for at, name in enumerate(names)))
        assert side.left
        assert bool(side.peer.counts().get("connection_errors")) is bool(over)
