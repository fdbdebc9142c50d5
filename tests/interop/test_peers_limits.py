"""Each limit of a connection, and of a server, at n and at n + 1, and peers that test them."""

import asyncio
import tracemalloc
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.places import SMALL_BUFFER, Place, Raw
from tests.unit.talk import body, cancel, error, hello, notification, ping, pong, record, request
from tracewire.codec import Kind, Status, encode_notification, encode_request, encode_response
from tracewire.protocol import Body, Executed, Limits, Service, current_call

LEAST_FRAME = 65_536
#: Seconds; for limits whose end a test waits for.
SHORT = 0.2
#: Seconds; for limits that must not be what ends a test.
NEVER = 3600
ROOMY = Limits(record_seconds=NEVER, linger_seconds=NEVER, discard_seconds=NEVER)


def sized() -> Service:
    """``size`` gives the bytes of its body, ``fill`` a body of so many."""
    service = Service()

    @service.method
    async def size(body: Body) -> int:
        return len(body.data)

    @service.method
    async def fill(size: int) -> Body:
        return Body(bytes(size), 60)

    return service


def payload_for(frame_bytes: int, empty: bytes) -> int:
    """Bytes of the payload that makes a frame so long, if it is over 65,535 of them with its head
    of 5 bytes or under with one of 3."""
    head = 5 if frame_bytes - len(empty) > 65_535 + 4 else 3
    return frame_bytes - (len(empty) - 1) - head


async def goaway_of(raw: Raw) -> tuple[list[int], int]:
    """The kinds that came before a goaway that ends the connection, and its status."""
    frames = await raw.hear_all()
    assert frames[-1].kind == Kind.GOAWAY
    return [int(each.kind or 0) for each in frames[:-1]], body(frames[-1])[1]


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
            assert await goaway_of(raw) == ([], Status.RESOURCE_EXHAUSTED)
        else:
            assert (await raw.hear()).kind == Kind.RESPONSE


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x00\x40\x00\x01"])
async def test_a_huge_declared_length_ends_the_connection_at_once(
    plain: Place, length: bytes
) -> None:
    async with (
        await plain.serve(sized(), limits=replace(ROOMY, discard_seconds=0)) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        raw.write(length)
        assert await goaway_of(raw) == ([Kind.HELLO], Status.RESOURCE_EXHAUSTED)


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


async def filled(server: Any, raw: Raw, limit: int, room: int) -> int:
    """Lets responses wait to be written until there is room for less than ``room``; how much."""
    raw.stop_reading()
    raw.say(hello())
    id = 0
    while True:
        id += 1
        raw.say(request(id, "fill", b"\x19\x40\x00"))  # 16,384 bytes
        await answered(server, id)
        (peer,) = server.peers
        left = limit - peer._transport.get_write_buffer_size()
        if left < room:
            return int(left)


async def answered(server: Any, id: int) -> None:
    """Returns once the only connection's request was read, and its response given to it."""
    while not server.peers or server.in_flight or server_ids(server) < id:
        await asyncio.sleep(0)
    for _ in range(3):  # it is flushed in a later turn
        await asyncio.sleep(0)


def server_ids(server: Any) -> int:
    """The last request that was read."""
    (peer,) = server.peers
    return int(peer._connection._requests.last_id)


@pytest.mark.parametrize("over", [0, 1])
async def test_the_write_buffer_of_a_reader_that_stalls(plain: Place, over: int) -> None:
    """C-26. The connection ends, and what waited is dropped."""
    limit = 128 * 1024
    limits = replace(ROOMY, write_buffer=limit)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        left = await filled(server, raw, limit, 32_768)
        size = left - 4 - len(encode_response(1_000)) - 2 + over
        id = server_ids(server) + 1_000
        raw.say(request(id, "fill", b"\x19" + size.to_bytes(2, "big")))
        await answered(server, id)
        if over:
            assert server.counts()["connection_errors"] == 1
            while server.peers:
                await asyncio.sleep(0)
        else:
            (peer,) = server.peers
            assert peer._transport.get_write_buffer_size() == limit
            assert "connection_errors" not in server.counts()


async def test_many_long_calls_at_once_do_not_fill_the_write_buffer(place: Place) -> None:
    """Calls wait for room, also those that begin in one turn of the loop."""
    limits = Limits(write_buffer=1 << 20)
    async with (
        await place.serve(sized()) as server,
        place.connect(server, limits=limits) as peer,
    ):
        data = Body(bytes(100_000))
        answers = await asyncio.gather(*(peer.call("size", data) for _ in range(100)))
    assert answers == [100_000] * 100


async def test_a_stalled_reader_makes_callers_wait_and_closing_does_not(kernel: Place) -> None:
    limits = Limits(discard_seconds=SHORT)
    async with (
        await kernel.serve(sized(), limits=limits) as server,
        await kernel.raw(server) as raw,
    ):
        raw.stop_reading()
        raw.say(hello())
        while not server.peers:
            await asyncio.sleep(0)
        (peer,) = server.peers
        while peer._connection.peer is None:  # its hello was not read yet
            await asyncio.sleep(0)
        calls: list[asyncio.Task[object]] = []
        while peer._writable is None:
            calls.append(asyncio.ensure_future(peer.call("m", bytes(SMALL_BUFFER))))
            await asyncio.sleep(0)
        waiting = asyncio.ensure_future(peer.call("m"))
        await asyncio.sleep(0)
        await server.close()
        errors = await asyncio.gather(*map(failure, [*calls, waiting]))
    assert {each.status for each in errors} == {Status.UNAVAILABLE}, set(map(str, errors))
    assert errors[-1].executed is Executed.NO


async def test_draining_gives_a_stalled_reader_up(kernel: Place) -> None:
    limits = Limits(linger_seconds=SHORT, discard_seconds=SHORT)
    async with (
        await kernel.serve(sized(), limits=limits) as server,
        await kernel.raw(server) as raw,
    ):
        raw.stop_reading()
        raw.say(hello(), *(request(id, "fill", b"\x1a\0\x10\0\0") for id in range(1, 9)))
        await answered(server, 8)
        await server.drain()
        assert not server.peers


@pytest.mark.parametrize("drips", [False, True])
async def test_a_record_that_does_not_end(plain: Place, drips: bool) -> None:
    """C-26. It counts from the record's first byte: bytes that drip in do not help."""
    limits = replace(ROOMY, record_seconds=SHORT, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        long = record(request(1, "size", bytes(10_000)))
        raw.say(hello())
        raw.write(long[:10])
        if drips:
            dripping = asyncio.create_task(drip(raw, long[10:-1]))
        assert await goaway_of(raw) == ([Kind.HELLO], Status.RESOURCE_EXHAUSTED)
        if drips:
            dripping.cancel()


async def drip(raw: Raw, data: bytes) -> None:
    for at in range(len(data)):
        raw.write(data[at : at + 1])
        await asyncio.sleep(SHORT / 20)


async def test_a_record_that_ends_in_time_is_heard(plain: Place) -> None:
    """The time of one record does not count against the next."""
    limits = replace(ROOMY, record_seconds=SHORT)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        for id in range(1, 5):
            data = record(request(id, "fill", b"\x01"))
            raw.write(data[:10])
            await asyncio.sleep(SHORT / 2)
            raw.write(data[10:])
            assert (await raw.hear()).id == id
        assert "connection_errors" not in server.counts()


@pytest.mark.parametrize("closes", [False, True])
async def test_how_long_input_is_discarded_after_a_connection_error(
    plain: Place, closes: bool
) -> None:
    """C-20: to its end or for the time. Nothing that is sent then is answered."""
    limits = replace(ROOMY, discard_seconds=NEVER if closes else SHORT)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        raw.write(b"\xff\xff\xff\xff")
        raw.say(request(1, "fill", b"\x01"))
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.GOAWAY]
        if closes:
            raw.writer.write_eof()
        assert await raw.hear_all() == []
        while server.peers:
            await asyncio.sleep(0)


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


async def test_the_sixteenth_invalid_record(plain: Place) -> None:
    """C-4"""
    limits = replace(ROOMY, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), *[b"invalid"] * 15, request(1, "fill", b"\x01"))
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.RESPONSE]
        assert server.counts()["invalid_records"] == 15
        raw.say(b"")
        assert await goaway_of(raw) == ([], Status.INVALID_ARGUMENT)


async def test_an_invalid_request_is_answered_and_not_run(plain: Place) -> None:
    """C-5"""
    gate = Gate()
    broken = encode_request(1, "wait")[:-1] + b"\x00"  # the payload is no byte string
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), broken)
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.INVALID_ARGUMENT, Executed.NO)
        assert gate.began.empty()


async def test_an_id_in_flight_that_comes_again_is_a_connection_error(plain: Place) -> None:
    """C-13. The handler of the first is cancelled: nobody can answer it any more."""
    gate = Gate()
    limits = replace(ROOMY, discard_seconds=0)
    async with (
        await plain.serve(gate.service, limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), request(1, "wait"))
        await gate.began.get()
        raw.say(request(1, "ready"))
        assert await goaway_of(raw) == ([Kind.HELLO], Status.INVALID_ARGUMENT)
        await gate.cancelled.get()


async def test_more_cancels_than_requests(plain: Place) -> None:
    limits = replace(ROOMY, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), request(1, "fill", b"\x01"), request(2, "fill", b"\x01"))
        assert [(await raw.hear()).kind for _ in range(3)][1:] == [Kind.RESPONSE] * 2
        raw.say(cancel(1), cancel(7), ping(1))
        assert (await raw.hear()).kind == Kind.PONG
        assert server.counts()["unknown_cancels"] == 2
        raw.say(cancel(1))
        assert await goaway_of(raw) == ([], Status.RESOURCE_EXHAUSTED)


async def test_a_flood_of_calls_that_are_cancelled_at_once_runs_nothing(plain: Place) -> None:
    """Each is answered, none holds a slot, and the server serves others."""
    gate = Gate()
    limits = replace(ROOMY, in_flight=1)
    async with (
        await plain.serve(gate.service, limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        for at in range(1, 1_000, 10):
            raw.say(*(f for id in range(at, at + 10) for f in (request(id, "wait"), cancel(id))))
        statuses = set()
        assert (await raw.hear()).kind == Kind.HELLO
        for _ in range(1_000):
            statuses.add((await raw.hear()).target)
        assert statuses <= {Status.CANCELLED, Status.RESOURCE_EXHAUSTED}
        raw.say(request(1_001, "ready"))
        assert (await raw.hear()).id == 1_001
        assert server.in_flight == 0


async def test_the_third_strike_of_pings(plain: Place) -> None:
    """C-15: the fourth ping within a second, unless another frame came between them."""
    limits = replace(ROOMY, discard_seconds=0)
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), ping(1), ping(2), ping(3), request(1, "fill", b"\x01"))
        assert {(await raw.hear()).kind for _ in range(5)} == {
            Kind.HELLO,
            Kind.PONG,
            Kind.RESPONSE,
        }
        raw.say(ping(4), ping(5))
        assert [(await raw.hear()).id for _ in range(2)] == [4, 5]
        raw.say(ping(6))
        assert await goaway_of(raw) == ([], Status.RESOURCE_EXHAUSTED)


async def test_keepalive_finds_a_peer_that_is_half_open(tmp_path: Path) -> None:
    """It asks only while a call is open; a pong is enough, silence ends the connection."""
    heard: asyncio.Queue[Raw] = asyncio.Queue()
    path = tmp_path / "silent.sock"

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(Raw(reader, writer))

    silent = await asyncio.start_unix_server(accept, path)
    place = Place("unix", f"unix://{path}")
    limits = replace(ROOMY, keepalive_seconds=1.01, discard_seconds=0)
    async with place.connect(place, limits=limits) as peer:  # type: ignore[arg-type]
        raw = await heard.get()
        call = asyncio.ensure_future(failure(peer.call("m")))
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.REQUEST]
        first = await raw.hear()
        assert first.kind == Kind.PING
        raw.say(pong(first.id))
        assert (await raw.hear()).kind == Kind.PING
        assert not call.done()
        assert said(await call) == (Status.UNAVAILABLE, Executed.MAYBE)
        assert await goaway_of(raw) == ([], Status.RESOURCE_EXHAUSTED)
        raw.writer.close()
    silent.close()


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


async def test_both_sides_with_full_write_buffers_do_not_deadlock(place: Place) -> None:
    """Each sends the other far more than buffers hold, and answers with as much."""
    data = bytes(200_000)

    def service() -> Service:
        made = Service()

        @made.method
        async def echo(value: Body) -> Body:
            return value

        return made

    async with (
        await place.serve(service()) as server,
        place.connect(server, service()) as peer,
    ):
        await peer.call("echo", Body(b""))
        (accepted,) = server.peers
        calls = [each.call("echo", Body(data), returns=Body) for each in (peer, accepted) * 40]
        answers = await asyncio.gather(*calls)
    assert {len(each.data) for each in answers} == {len(data)}


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
