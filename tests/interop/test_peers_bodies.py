"""What goes in as a body comes out, and how a call fails that has none."""

import logging
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import msgspec
import pytest

from tests.interop.calls import failure, said
from tests.interop.places import Place
from tracewire.codec import Status
from tracewire.protocol import Body, Executed, RpcError, Service

SECRET = "the password is swordfish"


@dataclass
class Member:
    name: str
    level: int = 1


class Guild(msgspec.Struct):
    id: int
    members: list[Member]


def guild() -> Service:
    service = Service("guild")

    @service.method
    async def echo(value: object) -> object:
        return value

    @service.method
    async def promote(member: Member) -> Member:
        return Member(member.name, member.level + 1)

    @service.method
    async def count(guild: Guild) -> int:
        return len(guild.members)

    @service.method
    async def raw(body: Body) -> Body:
        return Body(body.data[::-1], body.content_format)

    @service.method
    def nothing() -> None:
        return None

    @service.method
    async def refuse(reason: str) -> NoReturn:
        raise RpcError(Status.NOT_FOUND, reason, {"looked": 3})

    @service.method
    async def crash() -> NoReturn:
        raise ValueError(SECRET)

    return service


@pytest.mark.parametrize(
    "value",
    [None, 0, -1, 2**70, 1.5, "é", b"\0", [1, [2]], {"a": {"b": None}}, True],
    ids=repr,
)
async def test_a_value_comes_back_as_it_was(place: Place, value: object) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        assert await peer.call("guild.echo", value, timeout=10) == value


async def test_a_dataclass_arrives_as_one_and_comes_back_as_the_type_asked_for(
    place: Place,
) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        member = await peer.call("guild.promote", Member("ann"), returns=Member)
    assert member == Member("ann", 2)


async def test_a_struct_arrives_as_one(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        assert await peer.call("guild.count", Guild(7, [Member("ann"), Member("bo")])) == 2


@pytest.mark.parametrize("content_format", [0, 42, 60, 65_535])
async def test_a_raw_body_keeps_its_bytes_and_content_format(
    place: Place, content_format: int
) -> None:
    body = Body(b"\xff\0raw", content_format)
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        answer = await peer.call("guild.raw", body, returns=Body)
    assert answer == Body(b"war\0\xff", content_format)


async def test_a_method_without_a_parameter_takes_no_value(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        assert await peer.call("guild.nothing") is None
        error = await failure(peer.call("guild.nothing", 1))
    assert said(error) == (Status.INVALID_ARGUMENT, Executed.NO)


async def test_an_unknown_method_is_unimplemented_and_named(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.nope"))
    assert said(error) == (Status.UNIMPLEMENTED, Executed.NO)
    assert "guild.nope" in error.message


async def test_a_wrong_argument_names_the_path(place: Place) -> None:
    wrong = {"id": 1, "members": [{"name": "ann"}, {"name": 5}]}
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.count", wrong))
    assert said(error) == (Status.INVALID_ARGUMENT, Executed.NO)
    assert "$.members[1].name" in error.message


async def test_a_body_that_is_no_cbor_is_an_invalid_argument(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.echo", Body(b"\x82\x01", 60)))
    assert said(error) == (Status.INVALID_ARGUMENT, Executed.NO)


async def test_a_result_that_is_not_of_the_type_asked_for_is_an_error_here(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.echo", {"name": 1}, returns=Member))
    assert "$.name" in error.message


async def test_an_rpc_error_of_the_handler_reaches_the_caller(place: Place) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.refuse", "no such guild"))
    assert said(error) == (Status.NOT_FOUND, Executed.YES)
    assert (error.message, error.details) == ("no such guild", {"looked": 3})


async def test_another_exception_is_logged_and_tells_the_caller_nothing_of_itself(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with await place.serve(guild()) as server, place.connect(server) as peer:
        error = await failure(peer.call("guild.crash"))
    assert said(error) == (Status.UNKNOWN, Executed.YES)
    told = f"{error} {error.details!r}"
    assert "guild.crash" in told
    for hidden in (SECRET, "ValueError", "Traceback", ".py"):
        assert hidden not in told
    (logged,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert logged.name == "tracewire.peer"
    assert SECRET in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [object(), Body(b"", 65_536), Body(b"", -1)],
    ids=["no body", "format over 65535", "format below 0"],
)
async def test_a_result_that_cannot_be_sent_fails_the_call_and_frees_its_slot(
    place: Place, wrong: object, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service()

    @service.method
    async def give() -> object:
        return wrong

    async with await place.serve(service) as server, place.connect(server) as peer:
        error = await failure(peer.call("give", timeout=5))
        assert server.in_flight == 0
    assert said(error) == (Status.INTERNAL, Executed.YES)
    (logged,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "the result of give" in logged.getMessage()
    assert logged.exc_info


@pytest.mark.parametrize(
    "raised",
    [
        RpcError(Status.ABORTED, "x" * 10_000, "y" * 10_000),
        RpcError(Status.ABORTED, "lone \ud800"),
        RpcError(Status.ABORTED, "details", object()),
        RpcError(Status.ABORTED, 5),  # type: ignore[arg-type]
    ],
    ids=["long", "no UTF-8", "details outside the subset", "message is no text"],
)
async def test_whatever_an_rpc_error_holds_its_status_arrives(
    place: Place, raised: RpcError
) -> None:
    service = Service()

    @service.method
    async def fail() -> NoReturn:
        raise raised

    async with await place.serve(service) as server, place.connect(server) as peer:
        error = await failure(peer.call("fail", timeout=5))
        assert server.in_flight == 0
    assert said(error) == (Status.ABORTED, Executed.YES)


async def test_an_error_of_another_peer_says_executed_unless_the_handler_did(place: Place) -> None:
    """A handler that passes an error on keeps what it says of its own call to itself."""
    service = Service()

    @service.method
    async def maybe() -> NoReturn:
        raise RpcError(Status.ABORTED, executed=Executed.MAYBE)

    async with await place.serve(service) as server, place.connect(server) as peer:
        error = await failure(peer.call("maybe"))
    assert said(error) == (Status.ABORTED, Executed.MAYBE)


async def test_a_marker_without_a_hash_that_is_not_known_is_passed_over(place: Place) -> None:
    service = Service()

    @service.method
    async def double(number: Annotated[int, {"doc": "any number"}]) -> int:
        return 2 * number

    wanted: Any = Annotated[int, ["of the application"]]
    async with await place.serve(service) as server, place.connect(server) as peer:
        assert await peer.call("double", 21, returns=wanted) == 42
        wrong = await failure(peer.call("double", "x"))
        assert said(wrong) == (Status.INVALID_ARGUMENT, Executed.NO)
