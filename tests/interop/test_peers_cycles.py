"""Calls that fail leave nothing that only the collector could free, on neither side."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

import pytest

from tests.interop.calls import Gate, begin
from tests.interop.clock import later
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import Caller, Limits, OutgoingCall, RpcError, Server, current_call

Way = Callable[[Any, Gate, Server], Awaitable[None]]
WAYS: dict[str, Way] = {}


def way(fail: Way) -> Way:
    """One way for a call to fail."""
    WAYS[fail.__name__] = fail
    return fail


async def fails(status: Status, call: Awaitable[object]) -> None:
    """Without `pytest.raises`, which holds what was raised."""
    try:
        await call
    except RpcError as error:
        failed = error.status
    assert failed is status


@way
async def answered_with_an_error(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.NOT_FOUND, peer.call("refuse"))


@way
async def handler_failed(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.UNKNOWN, peer.call("fail"))


@way
async def nested_call_failed(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.UNIMPLEMENTED, peer.call("nested"))


@way
async def no_such_method(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.UNIMPLEMENTED, peer.call("nothing"))


@way
async def body_that_does_not_fit(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.INVALID_ARGUMENT, peer.call("number", "text"))


@way
async def result_that_does_not_fit(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.INTERNAL, peer.call("ready", "text", returns=int))


@way
async def result_that_cannot_be_sent(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.INTERNAL, peer.call("unsendable"))


@way
async def body_that_cannot_be_sent(peer: Caller, gate: Gate, server: Server) -> None:
    with suppress(TypeError):
        await peer.call("ready", object())


@way
async def expired(peer: Caller, gate: Gate, server: Server) -> None:
    call = asyncio.create_task(fails(Status.DEADLINE_EXCEEDED, peer.call("wait", timeout=1)))
    await gate.began.get()
    await later(1)
    await call
    await gate.ended.get()


@way
async def expired_before_it_was_made(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.DEADLINE_EXCEEDED, peer.call("ready", timeout=0))


@way
async def cancelled(peer: Any, gate: Gate, server: Server) -> None:
    call = await begin(peer.call("wait"), gate)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call
    await gate.ended.get()


@way
async def cancelled_by_a_scope(peer: Any, gate: Gate, server: Server) -> None:
    async def scope() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await peer.call("wait")

    call = await begin(scope(), gate)
    await later(1)
    await call
    await gate.ended.get()


@way
async def one_too_many(peer: Any, gate: Gate, server: Server) -> None:
    calls = [await begin(peer.call("wait"), gate) for _ in range(2)]
    await fails(Status.RESOURCE_EXHAUSTED, peer.call("ready"))
    gate.opened.set()
    await asyncio.gather(*calls)
    gate.opened.clear()


@way
async def interceptor_failed(peer: Caller, gate: Gate, server: Server) -> None:
    with suppress(KeyError):
        await peer.call("intercepted")


@way
async def handler_interceptor_failed(peer: Caller, gate: Gate, server: Server) -> None:
    await fails(Status.PERMISSION_DENIED, peer.call("guarded"))


@way
async def notification_failed(peer: Any, gate: Gate, server: Server) -> None:
    await peer.notify("fail")
    await peer.notify("number", "text")
    await peer.call("ready")


async def guard(call: Any, proceed: Callable[[], Awaitable[object]]) -> object:
    if call.method == "guarded":
        raise RpcError(Status.PERMISSION_DENIED)
    return await proceed()


async def intercept(call: OutgoingCall, proceed: Any) -> object:
    if call.method == "intercepted":
        raise KeyError(call.method)
    return await proceed(call)


def failing() -> Gate:
    """A gate whose service has methods that fail in every way."""
    gate = Gate()
    service = gate.service

    @service.method
    async def refuse() -> None:
        raise RpcError(Status.NOT_FOUND, "no", details=[1])

    @service.method
    async def fail() -> None:
        raise ValueError("a fault")

    @service.method
    async def nested() -> None:
        await current_call().peer.call("nothing")

    @service.method
    async def number(value: int) -> None:
        raise AssertionError

    @service.method
    async def unsendable() -> object:
        return object()

    @service.method
    async def guarded() -> None:
        raise AssertionError

    return gate


@asynccontextmanager
async def met(still: Place, gate: Gate, kept: bool) -> AsyncIterator[tuple[Any, Server]]:
    options: dict[str, Any] = {"call_interceptors": [intercept]}
    limits = Limits(in_flight=2)
    async with await still.serve(
        gate.service, limits=limits, handler_interceptors=[guard]
    ) as server:
        connecting = still.connect(server, **options)
        async with connecting.kept() if kept else connecting as peer:
            with suppress(RpcError):  # what is made with the first failure of a process
                await peer.call("refuse")
            yield peer, server


@contextmanager
def uncollected() -> Iterator[list[type]]:
    """The collector does not run meanwhile. Gives the types of what it has to free then."""
    types: list[type] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield types
        gc.collect()
        types += map(type, gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


KEPT = pytest.mark.parametrize("kept", [False, True], ids=["plain", "kept"])


@KEPT
@pytest.mark.parametrize("still", ["unix"], indirect=True)
@pytest.mark.parametrize("fail", WAYS.values(), ids=WAYS)
async def test_a_call_that_fails_leaves_no_cycle(still: Place, fail: Way, kept: bool) -> None:
    gate = failing()
    async with met(still, gate, kept) as (peer, server):
        with uncollected() as types:
            await fail(peer, gate, server)
            await later(0)
            await later(0)
    assert types == []


@KEPT
@pytest.mark.parametrize("still", ["unix"], indirect=True)
async def test_a_call_that_ends_with_its_connection_is_in_no_cycle(
    still: Place, kept: bool
) -> None:
    """The connection itself may be in one: it comes once, and not with each call."""
    gate = failing()
    async with met(still, gate, kept) as (peer, server):
        with uncollected() as types:
            call = asyncio.create_task(fails(Status.UNAVAILABLE, peer.call("wait")))
            await gate.began.get()
            (accepted,) = server.peers
            await accepted.close()
            await call
            del call, accepted
            await later(0)
    assert not {RpcError, TracebackType, FrameType} & {*types}
