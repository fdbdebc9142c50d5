"""Interceptors: around handlers and around calls, on both sides, and the deadlines they may set."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.interop.calls import Gate, failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import (
    Call,
    CallInterceptor,
    Executed,
    HandlerInterceptor,
    OutgoingCall,
    RpcError,
    Service,
    connect,
    current_call,
    serve,
)

Run = Callable[[], Awaitable[object]]
Proceed = Callable[[OutgoingCall], Awaitable[Any]]
LATE = (Status.DEADLINE_EXCEEDED, Executed.NO)


def telling() -> Service:
    """Says what reached it."""
    service = Service()

    @service.method
    def tell(body: object = None) -> object:
        call = current_call()
        return {"body": body, "metadata": dict(call.metadata), "left": call.time_left()}

    service.method(tell, name="other")
    return service


def around_handlers(log: list[str], name: str) -> HandlerInterceptor:
    async def interceptor(call: Call, run: Run) -> object:
        log.append(f"{name} before {call.method}")
        result = await run()
        log.append(f"{name} after")
        return result

    return interceptor


def around_calls(log: list[str], name: str) -> CallInterceptor:
    async def interceptor(call: OutgoingCall, proceed: Proceed) -> object:
        log.append(f"{name} before {call.method}")
        result = await proceed(call)
        log.append(f"{name} after")
        return result

    return interceptor


def asking(**options: Any) -> Service:
    """Its method ``ask`` calls ``tell`` of who calls it, with these options."""
    service = Service()

    @service.method
    async def ask() -> object:
        return await current_call().peer.call("tell", **options)

    return service


# Around what, and in which order.


async def test_on_either_side_the_first_of_a_list_is_outermost(place: Place) -> None:
    for side in ("serve", "connect"):
        calls: list[str] = []
        handlers: list[str] = []
        options: dict[str, Any] = {
            "call_interceptors": [around_calls(calls, "a"), around_calls(calls, "b")],
            "handler_interceptors": (
                around_handlers(handlers, "c"),
                around_handlers(handlers, "d"),
            ),
        }
        served, connected = (options, {}) if side == "serve" else ({}, options)
        async with (
            await place.serve(telling(), **served) as server,
            place.connect(server, telling(), **connected) as peer,
        ):
            await peer.call("tell")
            (accepted,) = server.peers
            await accepted.call("tell")
        assert calls == ["a before tell", "b before tell", "b after", "a after"]
        assert handlers == ["c before tell", "d before tell", "d after", "c after"]


async def test_kept_connections_have_interceptors_too() -> None:
    log: list[str] = []
    interceptors = [around_calls(log, "a")]
    async with (
        serve("memory://a", telling()) as server,
        connect(server.url, call_interceptors=interceptors).kept() as peer,
    ):
        await peer.call("tell")
    assert log == ["a before tell", "a after"]


async def test_a_list_that_is_changed_afterwards_changes_nothing() -> None:
    log: list[str] = []
    interceptors = [around_calls(log, "a")]
    async with (
        serve("memory://a", telling()) as server,
        connect(server.url, call_interceptors=interceptors) as peer,
    ):
        interceptors.append(around_calls(log, "b"))
        await peer.call("tell")
    assert log == ["a before tell", "a after"]


# What they may change.


async def test_an_interceptor_may_change_all_of_a_call_and_its_result(place: Place) -> None:
    async def change(call: OutgoingCall, proceed: Proceed) -> object:
        assert (call.method, call.body, call.metadata, call.timeout) == ("none", 1, {}, None)
        call.method, call.body, call.timeout = "tell", {"n": 2}, 30
        call.metadata["token"] = "secret"
        return [await proceed(call)]

    async with (
        await place.serve(telling()) as server,
        place.connect(server, call_interceptors=[change]) as peer,
    ):
        [got] = await peer.call("none", 1)
    assert (got["body"], got["metadata"]) == ({"n": 2}, {"token": "secret"})
    assert 0 < got["left"] <= 30


async def test_an_interceptor_may_make_another_call_of_it() -> None:
    async def another(call: OutgoingCall, proceed: Proceed) -> object:
        other = OutgoingCall("other", [call.body], {**call.metadata, "b": 2}, call.deadline)
        return await proceed(other)

    async with (
        serve("memory://a", telling()) as server,
        connect(server.url, call_interceptors=[another]) as peer,
    ):
        got = await peer.call("tell", 1, metadata={"a": 1}, timeout=30)
    assert (got["body"], got["metadata"]) == ([1], {"a": 1, "b": 2})
    assert 0 < got["left"] <= 30


async def test_the_metadata_of_a_call_is_a_dict_of_its_own() -> None:
    async def add(call: OutgoingCall, proceed: Proceed) -> object:
        assert type(call.metadata) is dict
        call.metadata[f"n{len(call.metadata)}"] = True
        return await proceed(call)

    given = {"tenant": "a"}
    async with (
        serve("memory://a", telling()) as server,
        connect(server.url, call_interceptors=[add, add]) as peer,
    ):
        assert (await peer.call("tell"))["metadata"] == {"n0": True, "n1": True}
        for _ in range(2):
            got = await peer.call("tell", metadata=given)
            assert got["metadata"] == {"tenant": "a", "n1": True, "n2": True}
    assert given == {"tenant": "a"}


async def test_a_call_that_is_not_handed_on_is_not_made(place: Place) -> None:
    gate = Gate()

    async def answer(call: OutgoingCall, proceed: Proceed) -> object:
        return "from memory"

    async def refuse(call: OutgoingCall, proceed: Proceed) -> object:
        raise RpcError(Status.PERMISSION_DENIED, "not here")

    for interceptor in (answer, refuse):
        async with (
            await place.serve(gate.service) as server,
            place.connect(server, call_interceptors=[interceptor]) as peer,
        ):
            if interceptor is answer:
                assert await peer.call("wait") == "from memory"
            else:
                assert said(await failure(peer.call("wait"))) == (Status.PERMISSION_DENIED, None)
    assert gate.began.empty()


async def test_a_call_that_is_handed_on_twice_is_made_twice(place: Place) -> None:
    asked: list[int] = []
    service = Service()

    @service.method
    def ask(n: int) -> int:
        asked.append(n)
        if len(asked) == 1:
            raise RpcError(Status.UNAVAILABLE, "not yet")
        return n

    async def again(call: OutgoingCall, proceed: Proceed) -> object:
        try:
            return await proceed(call)
        except RpcError:
            return await proceed(call)

    async with (
        await place.serve(service) as server,
        place.connect(server, call_interceptors=[again]) as peer,
    ):
        assert await peer.call("ask", 7) == 7
    assert asked == [7, 7]


async def test_a_handler_that_is_run_twice_is_answered_once() -> None:
    ran: list[object] = []
    service = Service()

    @service.method
    def note(body: object) -> None:
        ran.append(body)

    async def twice(call: Call, run: Run) -> object:
        await run()
        await run()
        return len(ran)

    async with (
        serve("memory://a", service, handler_interceptors=[twice]) as server,
        connect(server.url) as peer,
    ):
        assert await peer.call("note", 1) == 2
    assert ran == [1, 1]


# What goes wrong in them.


async def none(call: object, proceed: object) -> None:
    raise AssertionError("this is never called")


@pytest.mark.parametrize("side", ["call_interceptors", "handler_interceptors"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (none, r"is a list of functions: write \[<function none"),
        (None, "is a list of functions, not None"),
        ([none, "none"], "is a list of functions, and 'none' in it is none"),
    ],
)
def test_what_is_no_list_of_functions_is_refused_in_words(side: Any, given: Any, said: str) -> None:
    for made in (
        lambda: serve("memory://a", Service(), **{side: given}),
        lambda: connect("memory://a", **{side: given}),
    ):
        with pytest.raises(TypeError, match=f"^{side} {said}"):
            made()


async def takes_one(call: object) -> None: ...


async def takes_three(call: object, proceed: object, more: object) -> None: ...


def not_awaited(call: object, proceed: object) -> None: ...


async def passes_nothing_on(call: object, proceed: Any) -> object:
    return await proceed(None)


WRONG: list[Any] = [takes_one, takes_three, not_awaited, passes_nothing_on]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_interceptor_of_calls_fails_the_call_and_nothing_else(wrong: Any) -> None:
    async with serve("memory://a", telling()) as server:
        async with connect(server.url, call_interceptors=[wrong]) as peer:
            with pytest.raises(TypeError, match="positional argument|use async def|OutgoingCall"):
                await peer.call("tell")
            assert peer.is_open
            await peer.notify("tell")
        async with connect(server.url) as peer:
            await peer.call("tell")


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_interceptor_of_handlers_fails_the_call_and_nothing_else(
    wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serve("memory://a", telling(), handler_interceptors=[wrong]) as server,
        connect(server.url) as peer,
    ):
        for _ in range(2):
            error = await failure(peer.call("tell"))
            assert (error.status, error.message) == (Status.UNKNOWN, "the handler of tell failed")
        assert peer.is_open
        assert server.in_flight == 0
    assert "positional argument" in caplog.text or "use async def" in caplog.text


async def test_what_an_interceptor_raises_is_what_the_caller_gets() -> None:
    async def fails(call: OutgoingCall, proceed: Proceed) -> object:
        await proceed(call)
        raise KeyError("of the interceptor")

    async with (
        serve("memory://a", telling()) as server,
        connect(server.url, call_interceptors=[fails]) as peer,
    ):
        with pytest.raises(KeyError, match="of the interceptor"):
            await peer.call("tell")


async def test_cancelling_reaches_through_interceptors(place: Place) -> None:
    gate = Gate()
    log: list[str] = []
    async with (
        await place.serve(
            gate.service, handler_interceptors=[around_handlers(log, "handlers")]
        ) as server,
        place.connect(server, call_interceptors=[around_calls(log, "calls")]) as peer,
    ):
        call = asyncio.create_task(peer.call("wait", 1))
        await gate.began.get()
        call.cancel()
        assert await gate.cancelled.get() == 1
        with pytest.raises(asyncio.CancelledError):
            await call
    assert log == ["calls before wait", "handlers before wait"]


# Deadlines. In a loop where time stands still what is left is exact.


async def test_what_is_sent_is_what_is_left_after_the_last_interceptor(still: Place) -> None:
    async def wait(call: OutgoingCall, proceed: Proceed) -> object:
        before = call.timeout
        await later(1)
        assert before is not None
        assert call.timeout == before - 1
        return await proceed(call)

    async with (
        await still.serve(telling()) as server,
        still.connect(server, call_interceptors=[wait, wait]) as peer,
    ):
        assert (await peer.call("tell", timeout=5))["left"] == pytest.approx(3, abs=1e-5)


async def test_an_interceptor_that_waits_past_the_deadline_sends_nothing(still: Place) -> None:
    gate = Gate()

    async def wait(call: OutgoingCall, proceed: Proceed) -> object:
        if call.method == "wait":
            await later(5)
        return await proceed(call)

    async with (
        await still.serve(gate.service) as server,
        still.connect(server, call_interceptors=[wait]) as peer,
    ):
        assert said(await failure(peer.call("wait", timeout=5))) == LATE
        await peer.call("ready")
    assert gate.began.empty()


async def test_an_interceptor_may_give_a_call_more_time_or_less(still: Place) -> None:
    wishes: list[float | None] = [60, None, 0.5]

    async def wish(call: OutgoingCall, proceed: Proceed) -> object:
        call.timeout = wishes.pop(0)
        return await proceed(call)

    async with (
        await still.serve(telling()) as server,
        still.connect(server, call_interceptors=[wish]) as peer,
    ):
        left = [(await peer.call("tell", timeout=1))["left"] for _ in range(3)]
    assert left == [pytest.approx(60, abs=1e-5), None, pytest.approx(0.5, abs=1e-5)]


@pytest.mark.parametrize("other", [False, True])
async def test_no_interceptor_gives_more_time_than_the_handler_has(
    still: Place, other: bool
) -> None:
    wishes: list[float | None] = [60, None, 2]

    async def wish(call: OutgoingCall, proceed: Proceed) -> object:
        if other:
            call = copy.copy(call)
        call.timeout = wishes.pop(0)
        await later(0.5)
        return await proceed(call)

    async with (
        await still.serve(asking(), call_interceptors=[wish]) as server,
        still.connect(server, telling()) as peer,
    ):
        left = [(await peer.call("ask", timeout=10))["left"] for _ in range(3)]
    assert left == [pytest.approx(most, abs=1e-5) for most in (9.5, 9.5, 1.5)]


async def test_a_call_that_opts_out_outlives_its_handlers_deadline(still: Place) -> None:
    async def wish(call: OutgoingCall, proceed: Proceed) -> object:
        call.timeout = 60
        return await proceed(call)

    async with (
        await still.serve(asking(cascade=False), call_interceptors=[wish]) as server,
        still.connect(server, telling()) as peer,
    ):
        left = (await peer.call("ask", timeout=10))["left"]
    assert left == pytest.approx(60, abs=1e-5)


@pytest.mark.parametrize(
    ("timeout", "raised"), [("1", TypeError), (b"", TypeError), (float("nan"), ValueError)]
)
async def test_a_timeout_that_is_no_length_of_time_is_refused(
    timeout: Any, raised: type[Exception]
) -> None:
    async def wish(call: OutgoingCall, proceed: Proceed) -> object:
        call.timeout = timeout
        return await proceed(call)

    async with (
        serve("memory://a", telling()) as server,
        connect(server.url) as peer,
        connect(server.url, call_interceptors=[wish]) as wishing,
        connect(server.url).kept() as kept,
    ):
        for call in (
            peer.call("tell", timeout=timeout),
            kept.call("tell", timeout=timeout),
            wishing.call("tell"),
        ):
            with pytest.raises(raised, match="timeout is a number of seconds, or None, not"):
                await call
