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
from tests.unit.talk import cancel, error, hello, request
from tracewire.codec import Frame, Kind, Status, encode_response
from tracewire.protocol import Body, Executed, Peer, Server
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import QUEUED_BYTES, UNQUEUED_BYTES

LIMIT = 128 * 1024
#: Ids before and after those of requests that fill what waits.
FIRST, LAST = 1, 1_000
#: Of the loop, in which handlers have ended and what they gave was written.
_TURNS = 6


class Served(Gate):
    """A gate, and ``fill``, which gives a result of so many bytes."""

    def __init__(self) -> None:
        super().__init__()

        @self.service.method
        def fill(size: int) -> Body:
            return Body(bytes(size), 60)


class Unread:
    """A side that reads nothing until it is told to, and the peer that it meets."""

    def __init__(self, raw: Raw, server: Server, others: frozenset[Peer] = frozenset()) -> None:
        self.raw, self.server, self._others = raw, server, others
        self._id, self._cancels = FIRST, 0

    @property
    def peer(self) -> Any:
        (peer,) = self.server.peers - self._others
        return peer

    @property
    def left(self) -> int:
        return int(self.peer._connection.outbox.size)

    async def says(self, *frames: Frame) -> None:
        """Returns once they were read and what came of it was written."""
        self.raw.say(*frames)
        last = frames[-1]
        self._cancels += sum(frame.kind == Kind.CANCEL for frame in frames)
        while not self._is_read(last):
            await asyncio.sleep(0)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _is_read(self, frame: Frame) -> bool:
        peers = self.server.peers - self._others
        if not peers:
            return frame.kind != Kind.HELLO  # it has ended
        (peer,) = peers
        connection: Any = peer._connection
        if frame.kind == Kind.HELLO:
            return connection.peer is not None
        incoming = connection._incoming
        if frame.kind == Kind.CANCEL:
            return bool(incoming._cancels >= self._cancels)
        return bool(incoming.last_id >= frame.id or connection.state is not State.OPEN)

    async def fills(self, size: int) -> None:
        """Results wait, as many bytes as that, none of which the system takes."""
        while size - self.left > LIMIT // 2 or not self.peer._writer.is_paused:
            await self._fill(16_384)
        await self._fill(size - self.left)

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
        assert side.left == LIMIT + over
        await side.says(request(LAST, "wait"), request(LAST + 1, "ready", b"\x07"))
        assert gate.began.qsize() == 1 - over
        assert side.peer._connection.requests_open == 2
        gate.opened.set()
        answers = await side.hears(LAST, LAST + 1)
        assert answers[LAST + 1].payload == b"\x07"
        assert gate.began.qsize() == 1


@pytest.mark.parametrize("over", [0, 1])
async def test_a_result_waits_once_the_limit_is_not_written(plain: Place, over: int) -> None:
    gate = Served()  # C-82
    async with unread(plain, gate) as side:
        await side.says(request(FIRST, "wait", b"\x07"))
        await side.fills(LIMIT - 1 + over)
        gate.opened.set()
        await asyncio.sleep(0)
        await side.says(cancel(FIRST))
        answer = (await side.hears(FIRST))[FIRST]
        if over:  # C-92
            assert error(answer) == (FIRST, Status.CANCELLED, Executed.YES)
        else:
            assert (answer.status, answer.payload) == (Status.OK, b"\x07")


@pytest.mark.parametrize("over", [0, 1])
async def test_what_may_not_start_has_as_many_bytes_as_the_limit(plain: Place, over: int) -> None:
    gate = Served()  # C-89
    async with unread(plain, gate) as side:
        await side.fills(LIMIT + 1)
        first, second = bytes(LIMIT // 2 - QUEUED_BYTES), bytes(LIMIT // 2 - QUEUED_BYTES + over)
        bodies = [
            b"\x5a" + (len(each) - 5).to_bytes(4, "big") + each[5:] for each in (first, second)
        ]
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
        outbox = side.peer._outbox
        before = outbox.unqueued  # of the hello, where no system took it
        await side.says(refused(LAST, 5))
        size, whole = outbox.unqueued - before, UNQUEUED_BYTES - before + over
        count = whole // size
        longer = whole - count * size
        digits = [10] * (longer // 5) + [5 + longer % 5] + [5] * (count - longer // 5 - 2)
        said = [refused(LAST + 1 + at, each) for at, each in enumerate(digits)]
        await side.says(*said[:-1])
        assert outbox.unqueued < UNQUEUED_BYTES
        await side.says(said[-1])
        assert bool(side.server.counts().get("connection_errors")) is bool(over)
        assert bool(side.server.peers) is not bool(over)


def refused(id: int, digits: int) -> Frame:
    """A request whose refusal is longer by a byte for each digit of its even key, from 5 to 10."""
    return request(id, extensions={max(65_538, 10 ** (digits - 1)): 0})


@pytest.mark.parametrize("over", [0, 1])
async def test_the_connection_with_most_of_it_ends_where_a_server_holds_too_much(
    plain: Place, over: int
) -> None:
    gate = Served()  # C-94
    async with unread(plain, gate, write_buffer_server=2 * LIMIT) as side:
        await side.fills(LIMIT)
        first = side.peer
        async with await plain.raw(side.server) as other:
            other.stop_reading()
            more = Unread(other, side.server, frozenset({first}))
            await more.says(hello())
            await more.fills(LIMIT + over)
            assert side.server.peers >= {first}
            assert len(side.server.peers) == 2 - over
            assert side.server.counts().get("connection_errors", 0) == over
