"""Live cases of how connections end, and of overload (sections 7.5, 7.6 and 7.8)."""

import asyncio

from tracewire.codec import Kind, Status, encode

from .asking import asks, on_a_wire
from .case import CaseFailed
from .wire import (
    EVEN,
    LONG,
    Dial,
    Wire,
    answers,
    body,
    cancel,
    echo,
    expect,
    expect_error,
    expired,
    goaway,
    hello,
    name_of,
    record,
    request,
    shown,
    sleep,
)


@on_a_wire("C-20/cancel-flood", "More cancels than requests are a connection error.")
async def more_cancels_than_requests_end_the_connection(wire: Wire) -> None:
    await wire.say(hello(), echo(1), cancel(1), cancel(1))
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-17/without-calls", "Told goaway, a peer without calls closes.")
async def peer_without_calls_closes_after_goaway(wire: Wire) -> None:
    await wire.say(hello(), goaway())
    came = [frame for frame in await wire.rest() if frame.kind != Kind.HELLO]
    expect("frames before the end", [], [frame for frame in came if frame.kind != Kind.GOAWAY])


@on_a_wire("C-17/finishes", "Told goaway, it finishes the calls that it accepted, and closes.")
async def accepted_calls_finish_after_goaway(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.3), goaway())
    response = await wire.answer()
    expect("the response", (1, Status.OK), (response.id, response.status))
    await wire.rest()


@on_a_wire("C-18/later", "A request after goaway is refused, and was not executed.")
async def request_after_goaway_is_refused(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.3), goaway(), echo(2))
    expect_error(await wire.answer(), 2, Status.UNAVAILABLE, 0)
    expect("id", 1, (await wire.answer()).id)


@on_a_wire("C-19/half-close", "After a half-close responses are still written, then it closes.")
async def responses_are_written_after_a_half_close(wire: Wire) -> None:
    await wire.say(hello(), echo(1), sleep(2, 0.2))
    await wire.end()
    came = [frame for frame in await wire.rest() if frame.kind == Kind.RESPONSE]
    said = sorted((frame.id, name_of(frame)) for frame in came)
    expect("responses", [(1, "OK"), (2, "OK")], said)


@on_a_wire("C-19/handlers", "A handler that runs at a half-close is not cancelled.")
async def handler_is_not_cancelled_at_a_half_close(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.3))
    await wire.pong(1)
    await wire.end()
    response = await wire.answer()
    expect("the response", (1, "OK"), (response.id, name_of(response)))
    expect("frames before the end", [], [*map(shown, await wire.rest())])


@on_a_wire("C-20/unanswered", "At a connection error open calls are left unanswered.")
async def open_calls_are_unanswered_at_a_connection_error(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.5), *[b"\xff"] * 16)
    said = body(await wire.goaway())
    expect("status", Status.INVALID_ARGUMENT, said.get(1))
    expect("the last id accepted", 1, said.get(0))


@on_a_wire("C-20/read-on", "After the goaway input is read on, so that no reset takes it away.")
async def input_is_read_on_after_a_connection_error(wire: Wire) -> None:
    await wire.say(hello(), echo(1))
    await wire.answer()
    await wire.write(b"\xff" * 4 + bytes(500_000))
    await asyncio.sleep(0.1)
    await wire.write(bytes(500_000))
    await asyncio.sleep(0.1)
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-20/no-longer", "It is read on for about 1 second, though it does not end.", waits=1)
async def input_is_not_read_on_for_long(wire: Wire) -> None:
    clock = asyncio.get_running_loop().time
    await wire.write(record(hello()) + b"\xff" * 4)
    began = clock()
    try:
        while clock() - began < 1 + wire.patience:
            await wire.write(b"\0")
            await asyncio.sleep(0.05)
    except CaseFailed:
        return
    raise CaseFailed(f"after {clock() - began:.1f} s the connection was not closed")


@asks("C-20/reset", "A connection that is cut in mid-call harms no other.")
async def cut_connection_harms_no_other(dial: Dial) -> None:
    async with dial() as other:
        await other.say(hello(), sleep(1, 0.3))
        for _ in range(20):
            async with dial() as wire:
                await wire.say(hello(), sleep(1, LONG), echo(2))
        expect("id", 1, (await other.answer()).id)


@asks("C-25/most", "So many calls are in flight on one connection as the limit says.")
async def calls_up_to_the_limit_are_in_flight(dial: Dial) -> None:
    most = dial.limits.in_flight
    async with dial() as wire:
        await wire.say(hello(), *(sleep(id, LONG) for id in range(1, most + 1)))
        came = [frame for frame in await wire.pong(1) if frame.kind == Kind.RESPONSE]
        expect("responses", [], came)


@asks("C-25/one-more", "One more is refused at once, and was not executed.")
async def one_call_more_is_refused_at_once(dial: Dial) -> None:
    most = dial.limits.in_flight
    async with dial() as wire:
        await wire.say(hello(), *(sleep(id, LONG) for id in range(1, most + 2)))
        expect_error(await wire.answer(), most + 1, Status.RESOURCE_EXHAUSTED, 0)
        await wire.say(cancel(1))  # which is still read
        expect_error(await wire.answer(), 1, Status.CANCELLED)
        await answers(wire, most + 2)


@asks("C-23/when-full", "Where no call has room: a timeout of 0 and even keys before overload,")
async def other_faults_come_before_overload(dial: Dial) -> None:
    most = dial.limits.in_flight
    async with dial() as wire:
        await wire.say(hello(), *(sleep(id, LONG) for id in range(1, most + 1)))
        await wire.say(expired(most + 1, "conform.no-such-method", {}))
        expect_error(await wire.answer(), most + 1, Status.DEADLINE_EXCEEDED, 0)
        await wire.say(expired(most + 2, "conform.no-such-method", {EVEN: None}))
        expect_error(await wire.answer(), most + 2, Status.UNIMPLEMENTED, 0)
        await wire.say(request(most + 3, "conform.no-such-method"))
        expect_error(await wire.answer(), most + 3, Status.RESOURCE_EXHAUSTED, 0)
        await wire.say(encode(echo(most + 4)) + b"\0")
        expect_error(await wire.answer(), most + 4, Status.INVALID_ARGUMENT, 0)


@asks("C-25/room-again", "A call that ends makes room for another.")
async def call_that_ends_makes_room(dial: Dial) -> None:
    most = dial.limits.in_flight
    async with dial() as wire:
        await wire.say(hello(), *(sleep(id, LONG) for id in range(1, most)))
        for id in range(most, most + 20):
            await answers(wire, id)


@asks("C-26/slow-record", "A record that is not finished in time is a connection error.", waits=1)
async def slow_record_ends_the_connection(dial: Dial) -> None:
    async with dial() as wire:
        await wire.say(hello())
        data = encode(echo(1))
        began = asyncio.get_running_loop().time()
        await wire.write(len(data).to_bytes(4, "big") + data[:-1])
        within = dial.limits.record_seconds + dial.patience
        while (frame := await wire.hear(within)) is not None and frame.kind != Kind.GOAWAY:
            pass
        if frame is None:
            raise CaseFailed("the peer closed without a goaway")
        expect("status", Status.RESOURCE_EXHAUSTED, body(frame).get(1))
        took = asyncio.get_running_loop().time() - began
        if took < dial.limits.record_seconds * 0.9:
            raise CaseFailed(f"it waited {took:.1f} s, not {dial.limits.record_seconds:g}")


@asks("C-26/reads-nothing", "A caller that reads nothing does not stop others.")
async def caller_that_reads_nothing_stops_no_other(dial: Dial) -> None:
    async with dial() as wire:
        await wire.say(hello())
        for id in range(1, 17):
            try:
                await wire.write(record(echo(id, bytes(1 << 20))), 1)
            except CaseFailed:
                break  # it does not take what it cannot answer
        async with dial() as other:
            await answers(other)


#: Echoes that nobody reads: more than a write buffer holds, and the queue of what may not start
#: meanwhile, which have 64 MiB each by default.
_UNREAD, _MIB = 160, 1 << 20


@asks("C-26/unread", "What waits to be written is bounded, though nothing is read.")
async def write_buffer_is_bounded(dial: Dial) -> None:
    payload = bytes(_MIB)
    async with dial() as wire:
        await wire.say(hello())
        try:
            for id in range(1, _UNREAD + 1):
                await wire.write(record(echo(id, payload)), 1)
        except CaseFailed:
            return  # it ended, or takes no more
        echoed = 0
        while echoed < _UNREAD:
            try:
                frame = await wire.hear(1)
            except CaseFailed:
                return
            if frame is None:
                return
            echoed += len(frame.payload) == _MIB
    raise CaseFailed(f"{_UNREAD} MiB waited for one who reads nothing, and all of it came")
