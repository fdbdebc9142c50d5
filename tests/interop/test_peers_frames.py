"""How long a frame may be, and what is declared and does not come."""

import tracemalloc

import pytest

from tests.interop.calls import failure, said
from tests.interop.limits import BRIEF, ROOMY
from tests.interop.places import Place
from tests.interop.sized import sized
from tests.unit.talk import hello, request
from tracewire.codec import Kind, Status, encode_notification, encode_request, encode_response
from tracewire.protocol import Body, Executed, Limits

LEAST_FRAME = 65_536


def payload_for(frame_bytes: int, empty: bytes) -> int:
    """Bytes of the payload that makes a frame so long, if it is over 65,535 of them with its head
    of 5 bytes or under with one of 3."""
    head = 5 if frame_bytes - len(empty) > 65_535 + 4 else 3
    return frame_bytes - (len(empty) - 1) - head


@pytest.mark.parametrize("over", [0, 1])
async def test_a_request_over_the_max_frame_fails_where_it_is_made(place: Place, over: int) -> None:
    limits = Limits(max_frame=LEAST_FRAME)
    async with (
        await place.serve(sized(), limits=limits) as server,
        place.connect(server) as peer,
    ):
        await peer.call("fill", 1)  # after which the server's hello is known
        data = bytes(payload_for(LEAST_FRAME, encode_request(2, "size")) + over)
        call = peer.call("size", Body(data, 60))
        if over:
            assert said(await failure(call)) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        else:
            assert await call == len(data)
        assert await peer.call("size", Body(b"x")) == 1
        assert "connection_errors" not in server.counts()


@pytest.mark.parametrize("over", [0, 1])
async def test_a_notification_over_the_max_frame_fails_where_it_is_made(
    place: Place, over: int
) -> None:
    limits = Limits(max_frame=LEAST_FRAME)
    async with (
        await place.serve(sized(), limits=limits) as server,
        place.connect(server) as peer,
    ):
        await peer.call("fill", 1)
        data = bytes(payload_for(LEAST_FRAME, encode_notification("size")) + over)
        if over:
            refused = await failure(peer.notify("size", Body(data, 60)))
            assert said(refused) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        else:
            await peer.notify("size", Body(data, 60))
        assert await peer.call("size", Body(b"x")) == 1


@pytest.mark.parametrize("over", [0, 1])
async def test_a_response_over_the_max_frame_becomes_an_error(place: Place, over: int) -> None:
    limits = Limits(max_frame=LEAST_FRAME)
    size = payload_for(LEAST_FRAME, encode_response(1)) + over
    async with (
        await place.serve(sized()) as server,
        place.connect(server, limits=limits) as peer,
    ):
        call = peer.call("fill", size, returns=Body)
        if over:
            assert said(await failure(call)) == (Status.RESOURCE_EXHAUSTED, Executed.YES)
        else:
            assert len((await call).data) == size
        assert server.in_flight == 0
        assert await peer.call("size", Body(b"x")) == 1


@pytest.mark.parametrize("over", [0, 1])
async def test_a_record_over_the_max_frame_is_a_connection_error(plain: Place, over: int) -> None:
    """C-3"""
    limits = Limits(max_frame=LEAST_FRAME, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        size = payload_for(LEAST_FRAME, encode_request(1, "size")) + over
        raw.say(hello(), request(1, "size", bytes(size)))
        assert (await raw.hear()).kind == Kind.HELLO
        if over:
            assert await raw.hear_goaway() == ([], Status.RESOURCE_EXHAUSTED)
        else:
            assert (await raw.hear()).kind == Kind.RESPONSE


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x00\x40\x00\x01"])
async def test_a_huge_declared_length_ends_the_connection_at_once(
    plain: Place, length: bytes
) -> None:
    async with (
        await plain.serve(sized(), limits=BRIEF) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        raw.write(length)
        assert await raw.hear_goaway() == ([Kind.HELLO], Status.RESOURCE_EXHAUSTED)


async def test_nothing_is_allocated_for_a_declared_length(plain: Place) -> None:
    """A hundred connections announce 4 MiB each, and send a few bytes of them."""
    async with await plain.serve(sized(), limits=ROOMY) as server:
        raws = [await plain.raw(server) for _ in range(100)]
        tracemalloc.start()
        try:
            for raw in raws:
                raw.say(hello())
                raw.write(b"\x00\x40\x00\x00\xd9\xd4")
            for raw in raws:
                await raw.hear()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 4 << 20
        for raw in raws:
            raw.writer.transport.abort()
