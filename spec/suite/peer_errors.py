"""Live cases of errors, their order, and deadlines (sections 7.7 and 7.8)."""

import asyncio

import cbor2

from tracewire.codec import Kind, Status, encode

from .asking import on_a_wire
from .case import CaseFailed
from .wire import (
    EVEN,
    LONG,
    Wire,
    body,
    echo,
    expect,
    expect_error,
    expired,
    fail,
    goaway,
    hello,
    record,
    request,
    sleep,
)

NOT_A_NUMBER = cbor2.dumps("soon")


@on_a_wire("C-21/long", "The body of an error has at most 4,096 bytes, and says that it was cut.")
async def long_body_of_an_error_is_cut(wire: Wire) -> None:
    await wire.say(hello(), fail(1, status=9, message="m" * 10_000))
    response = await wire.answer()
    expect_error(response, 1, Status.FAILED_PRECONDITION)
    expect("at most 4,096 bytes", True, len(response.payload) <= 4_096)
    expect("truncated", True, body(response).get(3))


@on_a_wire("C-22/every-status", "An error has the status that its handler gave, and its message.")
async def error_has_the_status_of_its_handler(wire: Wire) -> None:
    await wire.say(hello())
    for status in range(1, 17):
        await wire.say(fail(status, status=status, message=f"number {status}"))
        response = await wire.answer()
        expect_error(response, status, Status(status))
        expect("message", f"number {status}", body(response).get(0))


@on_a_wire("C-22/details", "Details arrive as they were given.")
async def details_arrive_as_given(wire: Wire) -> None:
    details = {"field": "name", "places": [1, 2]}
    await wire.say(hello(), fail(1, status=3, message="no", details=details))
    expect("details", details, body(await wire.answer()).get(1))


@on_a_wire("C-22/executed", "An error of a handler does not say that nothing was executed.")
async def error_of_a_handler_says_that_it_ran(wire: Wire) -> None:
    await wire.say(hello(), fail(1, status=9, message="no"))
    expect("executed is 0", False, body(await wire.answer()).get(2) == 0)


@on_a_wire("C-22/body", "A body that is not what the method takes is answered INVALID_ARGUMENT.")
async def wrong_body_is_an_invalid_argument(wire: Wire) -> None:
    await wire.say(hello(), request(1, "tracewire.sleep", NOT_A_NUMBER))
    expect_error(await wire.answer(), 1, Status.INVALID_ARGUMENT, 0)


@on_a_wire("C-23/goaway-before-even-keys", "Of several faults goaway comes before even keys,")
async def goaway_comes_before_even_keys(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.3), goaway(), request(2, "a", b"", {EVEN: None}))
    expect_error(await wire.answer(), 2, Status.UNAVAILABLE, 0)


@on_a_wire("C-23/invalid-before-goaway", "what is invalid before goaway,")
async def invalid_comes_before_goaway(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0.3), goaway(), encode(echo(2)) + b"\0")
    expect_error(await wire.answer(), 2, Status.INVALID_ARGUMENT, 0)


@on_a_wire("C-23/even-keys-before-timeout", "even keys before a timeout of 0,")
async def even_keys_come_before_the_timeout(wire: Wire) -> None:
    await wire.say(hello(), expired(1, "a", {EVEN: None}))
    expect_error(await wire.answer(), 1, Status.UNIMPLEMENTED, 0)
    await wire.say(expired(2, "a", {}))
    expect_error(await wire.answer(), 2, Status.DEADLINE_EXCEEDED, 0)


@on_a_wire("C-23/timeout-before-method", "a timeout of 0 before a method that is not served,")
async def timeout_comes_before_the_method(wire: Wire) -> None:
    await wire.say(hello(), expired(1, "conform.no-such-method", {}))
    expect_error(await wire.answer(), 1, Status.DEADLINE_EXCEEDED, 0)


@on_a_wire("C-23/method-before-body", "and the method before the body.")
async def method_comes_before_the_body(wire: Wire) -> None:
    await wire.say(hello(), request(1, "conform.no-such-method", b"\xff"))
    expect_error(await wire.answer(), 1, Status.UNIMPLEMENTED, 0)


@on_a_wire("C-24/enforced", "A handler is cancelled when the caller's timeout is over.")
async def handler_is_cancelled_at_the_timeout(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, LONG, {7: 100_000}))
    expect_error(await wire.answer(), 1, Status.DEADLINE_EXCEEDED, 1)


@on_a_wire("C-24/first-byte", "The timeout counts from the record's first byte.")
async def timeout_counts_from_the_first_byte(wire: Wire) -> None:
    await wire.say(hello())
    data = record(sleep(1, LONG, {7: 200_000}))
    await wire.write(data[:5])
    await asyncio.sleep(0.4)
    await wire.write(data[5:])
    expect_error(await wire.answer(), 1, Status.DEADLINE_EXCEEDED, 0)


@on_a_wire("C-24/longest", "The longest timeout is read, and does not pass at once.")
async def longest_timeout_does_not_pass_at_once(wire: Wire) -> None:
    await wire.say(hello(), sleep(1, 0, {7: 1 << 47}))
    response = await wire.answer()
    expect("status", Status.OK, response.status)


@on_a_wire(
    "C-24/notification", "A notification whose time is over is dropped, and nothing is said."
)
async def notification_whose_time_is_over_is_dropped(wire: Wire) -> None:
    late = expired(1, "conform.nothing", {})
    data = encode(request(1, "conform.nothing"))
    if late[:3] != data[:3]:
        raise CaseFailed("no such frame can be made")
    await wire.say(hello(), bytes([*late[:4], 2, 0, *late[6:]]))
    came = [frame for frame in await wire.pong(1) if frame.kind != Kind.HELLO]
    expect("frames before the pong", [], came)
