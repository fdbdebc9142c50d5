"""Sides that send too much of what costs nothing to send."""

from msgspec.structs import replace

from tests.interop.calls import Gate
from tests.interop.limits import BRIEF, ROOMY
from tests.interop.places import Place
from tests.interop.sized import sized
from tests.unit.talk import cancel, error, hello, ping, request
from tracewire.codec import Kind, Status, encode_request
from tracewire.protocol import Executed


async def test_the_sixteenth_invalid_record(plain: Place) -> None:
    """C-4"""
    limits = BRIEF
    async with (
        await plain.serve(sized(), limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), *[b"invalid"] * 15, request(1, "fill", b"\x01"))
        assert [(await raw.hear()).kind for _ in range(2)] == [Kind.HELLO, Kind.RESPONSE]
        assert server.counts()["invalid_records"] == 15
        raw.say(b"")
        assert await raw.hear_goaway() == ([], Status.INVALID_ARGUMENT)


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
    limits = BRIEF
    async with (
        await plain.serve(gate.service, limits=limits) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello(), request(1, "wait"))
        await gate.began.get()
        raw.say(request(1, "ready"))
        assert await raw.hear_goaway() == ([Kind.HELLO], Status.INVALID_ARGUMENT)
        await gate.cancelled.get()


async def test_more_cancels_than_requests(plain: Place) -> None:
    limits = BRIEF
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
        assert await raw.hear_goaway() == ([], Status.RESOURCE_EXHAUSTED)


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
    limits = BRIEF
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
        assert await raw.hear_goaway() == ([], Status.RESOURCE_EXHAUSTED)
