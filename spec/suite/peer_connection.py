"""Live cases of ids, cancel and ping (sections 7.3 and 7.4)."""

import asyncio
from typing import Final

from tracewire.codec import Frame, Kind, Status, encode

from .asking import on_a_wire
from .wire import (
    LONG,
    NEW_KIND,
    Wire,
    answers,
    body,
    cancel,
    echo,
    expect,
    expect_error,
    hello,
    notification,
    request,
    sleep,
)

#: Seconds after which another ping is no strike.
AT_LEISURE: Final = 1.1


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
    expect_error(await wire.answer(), 1, Status.CANCELLED, 0)


@on_a_wire("C-16/once", "A call that is cancelled twice is answered once.")
async def call_that_is_cancelled_twice_is_answered_once(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG))
    await answers(wire, 2)
    await wire.say(cancel(1), cancel(1))
    expect_error(await wire.answer(), 1, Status.CANCELLED)
    expect("frames after the response", [], await wire.pong(1))


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


@on_a_wire("C-15/unknown-kinds", "Frames of unknown kinds do so, too.")
async def unknown_kinds_clear_strikes(wire: Wire) -> None:
    await wire.say(hello())
    for id in range(1, 8):
        await wire.pong(id)
        await wire.say(Frame(NEW_KIND, id, 0))


@on_a_wire("C-15/invalid", "An invalid record is no frame, and clears none.")
async def invalid_records_clear_no_strikes(wire: Wire) -> None:
    await wire.say(hello())
    for id in range(1, 5):
        await wire.say(b"\0", Frame(Kind.PING, id, 0))
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-15/stays", "Time alone clears no strike.", waits=AT_LEISURE)
async def strikes_stay(wire: Wire) -> None:
    await wire.say(hello(), *(Frame(Kind.PING, id, 0) for id in (1, 2)))
    await asyncio.sleep(AT_LEISURE)
    await wire.say(*(Frame(Kind.PING, id, 0) for id in (3, 4, 5)))
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire(
    "C-15/at-leisure",
    "A ping that comes over a second after the last is no strike.",
    waits=2 * AT_LEISURE,
)
async def pings_at_leisure_are_no_strikes(wire: Wire) -> None:
    await wire.say(hello())
    await wire.pong(1)
    for id in (2, 3):
        await wire.pong(id)  # the first of them is a strike
        await asyncio.sleep(AT_LEISURE)
    await wire.pong(4)


@on_a_wire("C-2/unlike-methods", "A method that is not served is answered UNIMPLEMENTED.")
async def method_that_is_not_served_is_unimplemented(wire: Wire) -> None:
    await wire.say(request(1, "conform.no-such-method"))
    expect_error(await wire.answer(), 1, Status.UNIMPLEMENTED, 0)
