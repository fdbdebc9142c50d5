"""Action timings of peers, and the method that tells them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from tests.interop.calls import failure, said
from tests.interop.places import Place
from tests.unit.telemetry import Telemetry
from tracewire.codec import Status
from tracewire.protocol import (
    Call,
    Census,
    Executed,
    Server,
    Service,
    Timings,
    Tracing,
    connect,
    serve,
    top_service,
)

URL = "memory://timings"


def guild_of(call: Call) -> object:
    return call.metadata["guild"]


def guild() -> Service:
    service = Service("guild")

    @service.method
    async def join(member: int) -> int:
        return member

    @service.method
    def leave(member: int) -> None:
        raise KeyError(member)

    return service


async def served(timings: Timings, service: Service, **options: Any) -> Server:
    return await serve(URL, service, handler_interceptors=[timings.around(guild_of)], **options)


def counts(timings: Timings) -> dict[tuple[str, str], int]:
    return {(row.entity, row.action): row.count for row in timings.rows()}


# What handlers feed.


async def test_each_call_counts_for_the_entity_that_the_function_names() -> None:
    timings = Timings()
    async with await served(timings, guild()), connect(URL) as peer:
        for entity in ("a", "b", 42, "a"):
            assert await peer.call("guild.join", 7, metadata={"guild": entity}) == 7
    assert counts(timings) == {
        ("a", "guild.join"): 2,
        ("b", "guild.join"): 1,
        ("42", "guild.join"): 1,
    }


async def test_a_call_that_fails_counts() -> None:
    timings = Timings()
    async with await served(timings, guild()), connect(URL) as peer:
        error = await failure(peer.call("guild.leave", 7, metadata={"guild": "a"}))
    assert error.status is Status.UNKNOWN
    assert counts(timings) == {("a", "guild.leave"): 1}


async def test_a_call_of_no_entity_is_answered_and_said_once_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    timings = Timings()
    async with await served(timings, guild()), connect(URL) as peer:
        assert [await peer.call("guild.join", n) for n in range(3)] == [0, 1, 2]
    assert counts(timings) == {("?", "guild.join"): 3}
    (logged,) = [each for each in caplog.records if each.name == "tracewire.timings"]
    assert "counts as '?'" in logged.getMessage()


async def test_notifications_and_messages_count() -> None:
    timings, heard = Timings(), asyncio.Queue[object]()
    service = Service("guild")

    @service.method
    async def typing(value: object) -> None:
        heard.put_nowait(value)

    service.on_message(heard.put_nowait)
    around = timings.around(lambda call: "a")
    async with await serve(URL, service, handler_interceptors=[around]), connect(URL) as peer:
        await peer.notify("guild.typing", 1)
        await peer.send(b"2")
        assert {await heard.get(), await heard.get()} == {1, b"2"}
    assert counts(timings) == {("a", "guild.typing"): 1, ("a", "on_message"): 1}


async def test_the_time_is_that_of_the_handler_and_what_runs_inside() -> None:
    timings = Timings()
    order: list[str] = []

    async def inside(call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
        order.append("inside")
        with timings.measure("b", "inner"):
            return [await proceed()]

    interceptors = [timings.around(guild_of), inside]
    async with await serve(URL, guild(), handler_interceptors=interceptors), connect(URL) as peer:
        assert await peer.call("guild.join", 7, metadata={"guild": "a"}) == [7]
    outer, inner = timings.rows()
    assert (outer.entity, inner.entity) == ("a", "b")
    assert outer.seconds > inner.seconds
    assert order == ["inside"]


async def test_the_trace_is_that_of_the_calls_span() -> None:
    timings, telemetry = Timings(), Telemetry(ALWAYS_ON)
    tracing = Tracing(tracer_provider=telemetry)
    async with await served(timings, guild(), tracing=tracing), connect(URL) as peer:
        await peer.call("guild.join", 7, metadata={"guild": "a"})
    (span,) = telemetry.spans
    (row,) = timings.rows()
    assert span.context is not None
    assert row.trace_id == f"{span.context.trace_id:032x}"


# tracewire.top


async def test_without_its_service_there_is_no_such_method(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("tracewire.top"))
    assert said(error) == (Status.UNIMPLEMENTED, Executed.NO)


@pytest.mark.parametrize("trust", ["link", "ignore"])
async def test_who_is_not_trusted_is_refused(trust: str, place: Place) -> None:
    service = top_service(Timings())
    async with await place.serve(service, trust=trust) as server, place.connect(server) as peer:
        error = await failure(peer.call("tracewire.top"))
    assert said(error) == (Status.PERMISSION_DENIED, Executed.NO)


async def test_who_is_trusted_is_told_the_timings(place: Place) -> None:
    timings = Timings()
    timings.record("a", "x", 1.0, 0xABC)
    service = guild()
    service.include(top_service(timings))
    async with (
        await place.serve(service, trust="parent") as server,
        place.connect(server) as peer,
    ):
        answer = await peer.call("tracewire.top")
    (row,) = answer["timings"]
    assert row["share"] > 0
    assert row == {**timings.snapshot()[0], "share": row["share"]}
    assert answer["census"] is None


async def test_being_asked_does_not_count_as_an_action() -> None:
    timings = Timings()
    async with await served(timings, top_service(timings)), connect(URL) as peer:
        await peer.call("tracewire.top")
        assert (await peer.call("tracewire.top"))["timings"] == []


async def test_no_more_rows_and_minutes_are_told_than_were_asked_for() -> None:
    minutes = [0.0]
    timings = Timings(clock=lambda: minutes[-1])
    for minute in (0.0, 60.0, 120.0):
        minutes.append(minute)
        for n in range(5):
            timings.record(f"e-{n}", "x", float(n))
    census = Census()
    for n in range(10):
        census.expect(f"d-{n}", ["i"])
    async with await serve(URL, top_service(timings, census)), connect(URL) as peer:
        few = await peer.call("tracewire.top", {"rows": 3, "minutes": 1})
        some = await peer.call("tracewire.top", {"minutes": 2})
    assert [row["entity"] for row in few["timings"]] == ["e-4", "e-3", "e-2"]
    assert [row["destination"] for row in few["census"]] == ["d-0", "d-1", "d-2"]
    assert {row["minute"] for row in some["timings"]} == {0, 1}
    assert len(some["timings"]) == len(some["census"]) == 10


@pytest.mark.parametrize("asked", [{"rows": 0}, {"rows": 1001}, {"minutes": 0}, {"rows": "all"}])
async def test_what_cannot_be_asked_is_refused(asked: dict[str, object]) -> None:
    async with await serve(URL, top_service(Timings())), connect(URL) as peer:
        error = await failure(peer.call("tracewire.top", asked))
    assert said(error) == (Status.INVALID_ARGUMENT, Executed.NO)


async def test_the_most_rows_with_the_longest_names_fit_into_a_response() -> None:
    timings = Timings()
    for n in range(1_000):
        timings.record(f"{n:05}" + "\U0001f600" * 80, "\U0001f600" * 80, 1.0, 1 << 127)
    async with await serve(URL, top_service(timings)), connect(URL) as peer:
        answer = await peer.call("tracewire.top", {"rows": 1_000})
    assert len(answer["timings"]) == 1_000
