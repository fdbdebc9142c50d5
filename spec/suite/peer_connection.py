"""Live cases of connections: hello, ids, cancel and ping, drain, connection errors (section 7)."""

import asyncio

import cbor2

from tracewire.codec import Frame, Kind, Status, encode

from .asking import asks, on_a_wire
from .case import CaseFailed
from .wire import (
    EVEN,
    NEW_KIND,
    Dial,
    Wire,
    body,
    cancel,
    echo,
    expect,
    expect_error,
    goaway,
    hello,
    notification,
    request,
    sleep,
)

#: Seconds of a call that a case does not wait for. It may run on when the case is over.
LONG = 5


async def answers(wire: Wire, id: int = 1) -> None:
    await wire.say(echo(id))
    response = await wire.answer()
    expect("the response", (id, Status.OK), (response.id, response.status))


@on_a_wire("C-7/once", "At most one hello is sent.")
async def at_most_one_hello_is_sent(wire: Wire) -> None:
    await wire.say(hello(), echo(1), echo(2))
    kinds = [frame.kind for frame in await wire.pong(1)]
    if kinds.count(Kind.HELLO) > 1:
        raise CaseFailed(f"{kinds.count(Kind.HELLO)} hellos came")


@on_a_wire("C-7/nobody-waits", "Requests are answered without a hello of the caller.")
async def requests_are_answered_without_a_hello(wire: Wire) -> None:
    await answers(wire)


@on_a_wire(
    "C-8/announces", "The hello has keys 0 to 3, a max frame of at least 65,536, a short agent."
)
async def hello_has_its_keys(wire: Wire) -> None:
    await wire.say(hello())
    said = await wire.hear()
    if said is None or said.kind != Kind.HELLO:
        raise CaseFailed("no hello came after the first frame")
    fields = body(said)
    expect("keys 0 to 3", True, all(key in fields for key in range(4)))
    most, agent = fields[3], fields.get(4, "")
    expect("a max frame of 65,536 or more", True, isinstance(most, int) and most >= 65_536)
    short = isinstance(agent, str) and len(agent.encode()) <= 64
    expect("an agent of at most 64 bytes", True, short)


@on_a_wire(
    "C-9/silent", "Whoever accepts a connection says nothing before it has accepted a frame."
)
async def acceptor_is_silent_before_a_frame(wire: Wire) -> None:
    await wire.silence()
    await answers(wire)


@on_a_wire("C-10/second", "A second hello is ignored.")
async def second_hello_is_ignored(wire: Wire) -> None:
    await wire.say(hello(), hello({0: 2, 1: [], 2: [], 3: 65_536}))
    await wire.say(echo(1, bytes(100_000)))
    expect("bytes", 100_000, len((await wire.answer()).payload))


UNREADABLE = {
    "not-cbor": b"\xff",
    "no-map": b"\x80",
    "key-missing": cbor2.dumps({0: 2, 1: [], 2: []}),
    "small-max-frame": cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_535}),
    "long-agent": cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_536, 4: "a" * 65}),
    "wrong-type": cbor2.dumps({0: "2", 1: [], 2: [], 3: 65_536}),
}


def _ignores(name: str, payload: bytes) -> None:
    @on_a_wire(f"C-10/{name}", "An unreadable hello is ignored.")
    async def unreadable_hello_is_ignored(wire: Wire) -> None:
        await wire.say(Frame(Kind.HELLO, 0, 0, payload))
        await answers(wire)


for _name, _payload in UNREADABLE.items():
    _ignores(_name, _payload)


@on_a_wire("C-10/unknown-keys", "Unknown keys in a hello are ignored, and the rest of it counts.")
async def unknown_keys_in_a_hello_are_ignored(wire: Wire) -> None:
    await wire.say(hello({0: 3, 1: [EVEN], 2: [NEW_KIND], 3: 65_536, 5: "new", "a": 1}))
    await wire.say(echo(1, bytes(100_000)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)


@on_a_wire(
    "C-8/max-frame", "A response over the announced max frame becomes an error that says it ran."
)
async def response_over_max_frame_becomes_an_error(wire: Wire) -> None:
    await wire.say(hello({0: 2, 1: [], 2: [], 3: 65_536}), echo(1, bytes(65_536)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)
    await answers(wire, 2)


@on_a_wire("C-11/receivers", "Receivers check ids in flight only: a lower id is answered.")
async def lower_id_is_answered(wire: Wire) -> None:
    for id in (4_294_967_295, 9, 3):
        await answers(wire, id)


@on_a_wire("C-13/in-flight", "A request whose id is in flight is a connection error.")
async def request_with_an_id_in_flight_ends_the_connection(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG), echo(1))
    expect("status", Status.INVALID_ARGUMENT, body(await wire.goaway()).get(1))


@on_a_wire("C-13/invalid", "So is an invalid one.")
async def invalid_request_with_an_id_in_flight_ends_the_connection(wire: Wire) -> None:
    await wire.say(hello(), sleep(5, LONG), encode(echo(5)) + b"\0")
    expect("status", Status.INVALID_ARGUMENT, body(await wire.goaway()).get(1))


@on_a_wire("C-16/cancelled", "A cancelled call is answered once its handler has ended.")
async def cancelled_call_is_answered(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG))
    await wire.pong(1)
    await wire.say(cancel(1))
    expect_error(await wire.answer(), 1, Status.CANCELLED, 1)
    await answers(wire, 2)


@on_a_wire("C-16/frees-the-id", "Its id can be used again, as far as the receiver is concerned.")
async def id_of_a_cancelled_call_is_free_again(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG))
    await wire.pong(1)
    await wire.say(cancel(1))
    await wire.answer()
    await answers(wire, 1)


@on_a_wire("C-16/in-one-piece", "A cancel that arrives with its request is answered, too.")
async def cancel_that_comes_with_its_request_is_answered(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG), cancel(1))
    expect_error(await wire.answer(), 1, Status.CANCELLED)


@on_a_wire("C-20/cancel-flood", "More cancels than requests are a connection error.")
async def more_cancels_than_requests_end_the_connection(wire: Wire) -> None:
    await wire.say(hello(), echo(1), cancel(1), cancel(1))
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-15/three-pings", "Pings in quick succession are answered up to the second strike.")
async def pings_up_to_the_second_strike_are_answered(wire: Wire) -> None:
    await wire.say(hello())
    for id in (1, 2, 3):
        await wire.pong(id)
    await answers(wire)


@on_a_wire("C-15/flood", "The third strike is a connection error.")
async def third_strike_ends_the_connection(wire: Wire) -> None:
    await wire.say(hello(), *(Frame(Kind.PING, id, 0) for id in range(1, 5)))
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-15/cleared", "Any other frame clears strikes.")
async def other_frames_clear_strikes(wire: Wire) -> None:
    await wire.say(hello())
    for id in range(1, 20):
        await wire.pong(id)
        await wire.say(notification())


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
    ids = [frame.id for frame in await wire.rest() if frame.kind == Kind.RESPONSE]
    expect("ids of responses", [1, 2], sorted(ids))


@on_a_wire("C-20/unanswered", "At a connection error open calls are left unanswered.")
async def open_calls_are_unanswered_at_a_connection_error(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.5), *[b"\xff"] * 16)
    said = body(await wire.goaway())
    expect("status", Status.INVALID_ARGUMENT, said.get(1))
    expect("the last id accepted", 1, said.get(0))


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


@asks("C-26/slow-record", "A record that is not finished in time is a connection error.")
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
                await wire.say(echo(id, bytes(1 << 20)))
            except CaseFailed:
                break  # it does not take what it cannot answer
        async with dial() as other:
            await answers(other)


@on_a_wire("C-2/unlike-methods", "A method that is not served is answered UNIMPLEMENTED.")
async def method_that_is_not_served_is_unimplemented(wire: Wire) -> None:
    await wire.say(request(1, "conform.no-such-method"))
    expect_error(await wire.answer(), 1, Status.UNIMPLEMENTED)
