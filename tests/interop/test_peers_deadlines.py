"""Calls that expire, on both sides and below others."""

import asyncio
from typing import Any

import pytest

from tests.interop.calls import Gate, failure, said
from tests.interop.places import Place
from tests.unit.talk import error, hello, request
from tracewire.codec import Kind, Status
from tracewire.protocol import Executed, Limits, Service, current_call
from tracewire.protocol.constants import Trust

SOON = 0.05


async def test_a_deadline_fails_the_call_and_cancels_the_handler(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        expired = await failure(peer.call("wait", 7, timeout=SOON))
        assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert await gate.cancelled.get() == 7
        await peer.call("ready")
        assert server.in_flight == 0


async def test_the_server_enforces_a_deadline_that_the_caller_does_not(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait", b"", {7: 50_000}))
        assert await gate.cancelled.get() is None
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.DEADLINE_EXCEEDED, Executed.MAYBE)


async def test_the_caller_enforces_a_deadline_that_the_server_does_not(plain: Place) -> None:
    """The handler ignores it: the caller is not kept waiting."""
    gate = Gate()
    async with await plain.serve(gate.service) as server, plain.connect(server) as peer:
        expired = await failure(peer.call("stubborn", timeout=SOON))
        assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert server.in_flight == 1
        gate.opened.set()


async def test_a_deadline_that_passed_before_the_call_sends_nothing(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        for timeout in (0, -1, 0.0000009):
            expired = await failure(peer.call("wait", timeout=timeout))
            assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.NO)
        await peer.call("ready")
        assert gate.began.empty()


async def test_many_deadlines_at_once_all_expire(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        calls = [failure(peer.call("wait", n, timeout=SOON + n / 5000)) for n in range(200)]
        errors = await asyncio.gather(*calls)
        assert {each.status for each in errors} == {Status.DEADLINE_EXCEEDED}
        for _ in range(200):
            await gate.ended.get()


async def test_a_nested_call_inherits_the_deadline(place: Place) -> None:
    left: list[float | None] = []
    here, there = Service(), Service()

    @there.method
    async def outer(nested: dict[str, Any]) -> None:
        peer: Any = current_call().peer
        await peer.call("inner", **nested)

    @here.method
    async def inner() -> None:
        left.append(current_call().time_left())

    async with await place.serve(there) as server, place.connect(server, here) as peer:
        await peer.call("outer", {}, timeout=9)
        await peer.call("outer", {"timeout": 3}, timeout=9)
        await peer.call("outer", {"timeout": 20}, timeout=9)
        await peer.call("outer", {"timeout": 20, "cascade": False}, timeout=9)
        await peer.call("outer", {"cascade": False}, timeout=9)
        await peer.call("outer", {})
    inherited, shorter, longer, opted_out, none_of_its_own, none_at_all = left
    assert inherited is not None and 3 < inherited <= 9
    assert shorter is not None and 0 < shorter <= 3
    assert longer is not None and 3 < longer <= 9
    assert opted_out is not None and 9 < opted_out <= 20
    assert none_of_its_own is None
    assert none_at_all is None


async def test_an_expired_deadline_reaches_through_a_nested_call(place: Place) -> None:
    gate, there = Gate(), Service()

    @there.method
    async def outer() -> object:
        peer: Any = current_call().peer
        return await peer.call("wait")

    async with await place.serve(there) as server, place.connect(server, gate.service) as peer:
        expired = await failure(peer.call("outer", timeout=SOON))
        assert expired.status is Status.DEADLINE_EXCEEDED
        await gate.cancelled.get()
        await gate.ended.get()


async def test_a_deadline_holds_while_the_other_side_does_not_read(kernel: Place) -> None:
    """Calls that wait for room in the write buffer expire there."""
    gate = Gate()
    limits = Limits(discard_seconds=0, write_buffer=1 << 20)
    async with (
        await kernel.serve(gate.service) as server,
        kernel.connect(server, limits=limits) as peer,
    ):
        await peer.call("ready")
        (accepted,) = server.peers
        accepted._writer.transport.pause_reading()
        data = bytes(1 << 20)
        calls = [failure(peer.call("ready", data, timeout=0.2)) for _ in range(24)]
        errors = await asyncio.gather(*calls)
        assert {each.status for each in errors} == {Status.DEADLINE_EXCEEDED}
        late = await failure(peer.call("ready", timeout=0.2))
        assert said(late) == (Status.DEADLINE_EXCEEDED, Executed.NO)


@pytest.mark.parametrize("trust", ["link", "ignore"])
async def test_a_strangers_timeout_is_the_deadline_and_no_more(place: Place, trust: Trust) -> None:
    """A listener has no time of its own: without a timeout there is no deadline. T-20"""
    service = Service()

    @service.method
    async def left() -> float | None:
        deadline = current_call().deadline
        return None if deadline is None else deadline - asyncio.get_running_loop().time()

    async with await place.serve(service, trust=trust) as server, place.connect(server) as peer:
        assert await peer.call("left") is None
        assert 0 < await peer.call("left", timeout=60, returns=float) <= 60
