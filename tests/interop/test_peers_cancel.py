"""Calls that are cancelled, on both sides."""

import asyncio

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.places import Place
from tests.unit.talk import cancel, error, hello, request, response
from tracewire.codec import Kind, Status
from tracewire.protocol import Executed, Limits


async def cancelled(task: "asyncio.Task[object]") -> bool:
    await asyncio.wait([task])
    return task.cancelled()


async def test_cancelling_a_call_cancels_its_handler(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait", 7), gate)
        call.cancel()
        assert await cancelled(call)
        assert await gate.cancelled.get() == 7
        assert await peer.call("ready", 1) == 1
        assert server.in_flight == 0


async def test_cancelling_one_of_many_calls_leaves_the_others(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        calls = [await begin(peer.call("wait", n), gate) for n in range(3)]
        calls[1].cancel()
        assert await gate.cancelled.get() == 1
        gate.opened.set()
        assert [await calls[0], await calls[2]] == [0, 2]


async def test_a_cancelled_request_is_answered_all_the_same(plain: Place) -> None:
    """C-2, C-16"""
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait"))
        await gate.began.get()
        raw.say(cancel(1))
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.CANCELLED, Executed.MAYBE)


async def test_cancels_at_hand_are_applied_before_handlers_start(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait"), cancel(1), request(2, "ready"))
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.CANCELLED, Executed.NO)
        assert (await raw.hear()).id == 2
        assert gate.began.empty()


@pytest.mark.parametrize(
    ("method", "body"), [("nobody.serves.this", b""), ("ready", b"\xff"), ("ready", b"")]
)
async def test_a_cancel_at_hand_comes_before_method_and_body_are_asked(
    method: str, body: bytes, plain: Place
) -> None:
    """C-64"""
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, method, body), cancel(1))
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.CANCELLED, Executed.NO)


async def test_a_handler_that_ignores_cancellation_holds_its_slot_until_it_ends(
    place: Place,
) -> None:
    """C-16"""
    gate = Gate()
    limits = Limits(in_flight=1)
    async with (
        await place.serve(gate.service, limits=limits) as server,
        place.connect(server) as peer,
    ):
        call = await begin(peer.call("stubborn"), gate)
        call.cancel()
        await gate.cancelled.get()
        assert server.in_flight == 1
        refused = await failure(peer.call("ready"))
        assert said(refused) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        gate.opened.set()
        await gate.ended.get()
        await peer.call("ready")
        assert server.in_flight == 0


async def test_a_handler_that_ignores_cancellation_may_still_answer(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "stubborn", b"\x07"))
        await gate.began.get()
        raw.say(cancel(1))
        await gate.cancelled.get()
        gate.opened.set()
        assert (await raw.hear()).kind == Kind.HELLO
        assert await raw.hear() == response(1, b"\x07")
