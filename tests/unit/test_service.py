"""Services: which functions can be served, under which names, and how their bodies are read."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import cbor2
import msgspec
import pytest

from tracewire.codec import Status
from tracewire.protocol.body.body import CBOR, OCTET_STREAM, Body
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError
from tracewire.protocol.peers.service import Method, Service


@dataclass
class Room:
    member: int


def called(method: Method, body: object = None) -> Any:
    """What a method returns for a body of CBOR, None an empty one."""
    payload = b"" if body is None else cbor2.dumps(body)
    return asyncio.run(method.run(method.read(payload, None)))


def served(function: Callable[..., Any]) -> Method:
    service = Service()
    service.method(function, name="it")
    return service.methods["it"]


# Names


def test_function_is_served_under_the_service_and_its_own_name() -> None:
    service = Service("guild")

    @service.method
    async def join(member: int) -> int:
        return member + 1

    assert list(service.methods) == ["guild.join"]
    assert service.methods["guild.join"].name == "guild.join"
    assert called(service.methods["guild.join"], 41) == 42


def test_service_without_a_name_serves_functions_under_theirs() -> None:
    service = Service()

    @service.method
    def join() -> None: ...

    assert list(service.methods) == ["join"]


def test_name_given_to_method_is_used_instead_of_the_functions() -> None:
    service = Service("guild")

    @service.method(name="x")
    def join() -> None: ...

    assert list(service.methods) == ["guild.x"]


@pytest.mark.parametrize(
    "decorate", [lambda s: s.method, lambda s: s.method(), lambda s: s.method(name="x")]
)
def test_decorator_gives_the_function_back(decorate: Callable[[Service], Any]) -> None:
    def join() -> None: ...

    assert decorate(Service())(join) is join


def test_methods_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        Service().methods["join"] = served(lambda: None)  # type: ignore[index]


def test_second_function_of_a_name_is_refused_and_the_first_stays() -> None:
    service = Service("guild")
    service.method(lambda: 1, name="join")
    with pytest.raises(ValueError, match=r"'guild\.join' is served already"):
        service.method(lambda: 2, name="join")
    assert called(service.methods["guild.join"]) == 1


def test_name_may_have_255_bytes_and_no_more() -> None:  # F-11
    service = Service("guild")
    service.method(lambda: 1, name="é" * 124 + "x")
    assert [len(name.encode()) for name in service.methods] == [255]
    with pytest.raises(ValueError, match="255 bytes"):
        service.method(lambda: 1, name="é" * 125)


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_name_that_no_frame_can_carry_is_refused(name: str) -> None:  # F-11
    with pytest.raises(ValueError, match="1 to 255 bytes|surrogates"):
        Service().method(lambda: 1, name=name)


def test_names_of_the_specification_are_refused() -> None:  # N-3
    with pytest.raises(ValueError, match="kept for Tracewire"):
        Service().method(lambda: 1, name="tracewire.echo")


@pytest.mark.parametrize("name", ["tracewire", "tracewire.x"])
def test_service_named_as_the_specification_is_refused(name: str) -> None:  # N-3
    with pytest.raises(ValueError, match="kept for Tracewire"):
        Service(name)


def test_names_that_only_look_like_the_specifications_are_served() -> None:
    service = Service("tracewires")
    service.method(lambda: 1, name="tracewire.echo")
    assert list(service.methods) == ["tracewires.tracewire.echo"]


# Functions


async def asynchronous(body: int) -> int:
    return body


def plain(body: int) -> int:
    return body


@functools.wraps(asynchronous)
def handing_on(*arguments: int) -> Any:
    return asynchronous(*arguments)


class Guild:
    async def join(self, body: int) -> int:
        return body


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (asynchronous, True),
        (plain, False),
        (handing_on, True),
        (Guild().join, True),
        (lambda body, /: body, False),
    ],
)
def test_function_is_run_with_the_body(function: Callable[..., Any], is_async: bool) -> None:
    method = served(function)
    assert method.function == function
    assert method.is_async is is_async
    assert called(method, 42) == 42


async def nothing_asynchronous() -> int:
    return 1


@pytest.mark.parametrize("function", [nothing_asynchronous, lambda: 1])
def test_function_without_a_parameter_is_run_without_a_body(function: Callable[..., Any]) -> None:
    assert called(served(function)) == 1


def test_body_for_a_function_without_a_parameter_is_refused() -> None:
    with pytest.raises(RpcError, match="Expected `null`, got `int`"):
        served(lambda: 1).read(b"\x01", None)


def two(a: int, b: int = 0) -> None: ...
def many(*a: int) -> None: ...
def named(*, a: int = 0) -> None: ...
def rest(**a: int) -> None: ...
def yields(a: int) -> Iterator[int]:
    yield a


async def yields_later(a: int) -> AsyncIterator[int]:
    yield a


class Callable_:
    def __call__(self, a: int) -> None: ...  # fmt: skip


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (two, r"takes one positional parameter, the body, or none, not \(a: int, b: int = 0\)"),
        (many, r"not \(\*a: int\)"),
        (named, r"not \(\*, a: int = 0\)|not \(a: int = 0\)"),
        (rest, r"not \(\*\*a: int\)"),
        (Guild.join, r"not \(self, body: int\)"),
        (yields, "does not yield"),
        (yields_later, "does not yield"),
        (Callable_(), "a function made by def or async def"),
        (Guild, "a function made by def or async def"),
        (functools.partial(plain), "a function made by def or async def"),
        (len, "a function made by def or async def"),
        (42, "a function made by def or async def, not 42"),
    ],
)
def test_what_cannot_be_served_is_a_type_error(function: Any, said: str) -> None:
    service = Service()
    with pytest.raises(TypeError, match=said):
        service.method(function, name="it")
    assert not service.methods


def test_what_has_no_name_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a function made by def or async def"):
        Service().method(42)  # type: ignore[call-overload]


# The body


def untyped(body):  # type: ignore[no-untyped-def]
    return body


def typed(body: Room) -> object:
    return body


def quoted(body: "Room") -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821
    return body


def bounded(body: Annotated[int, msgspec.Meta(le=9)] | Room) -> object:
    return body


@pytest.mark.parametrize(
    ("function", "body", "argument"),
    [
        (untyped, {"member": 1}, {"member": 1}),
        (untyped, None, None),
        (typed, {"member": 1}, Room(1)),
        (quoted, {"member": 1}, Room(1)),
        (bounded, 9, 9),
        (handing_on, 1, 1),
    ],
)
def test_body_is_converted_to_the_annotation(
    function: Callable[..., Any], body: object, argument: object
) -> None:
    assert called(served(function), body) == argument


@pytest.mark.parametrize(
    ("function", "body", "path"),
    [(typed, {"member": "x"}, r"\$\.member"), (bounded, 10, r"\$"), (typed, None, r"\$")],
)
def test_wrong_body_is_refused_by_its_path(
    function: Callable[..., Any], body: object, path: str
) -> None:
    method = served(function)
    payload = b"" if body is None else cbor2.dumps(body)
    with pytest.raises(RpcError, match=f"at `{path}`") as raised:
        method.read(payload, None)
    assert raised.value.status is Status.INVALID_ARGUMENT
    assert raised.value.executed is Executed.NO


def test_default_stands_for_an_empty_body() -> None:
    def limited(limit: int = 10) -> int:
        return limit

    assert called(served(limited)) == 10
    assert called(served(limited), 3) == 3


def test_parameter_annotated_body_takes_it_raw() -> None:
    def raw(body: Body) -> object:
        return body

    assert served(raw).read(b"\x01", 50) == Body(b"\x01", 50)
    assert served(raw).read(b"\x01", None) == Body(b"\x01", CBOR)


def test_result_is_written_as_a_body() -> None:
    method = served(untyped)
    assert method.write(Room(1)) == (cbor2.dumps({"member": 1}), None)
    assert method.write(Body(b"x")) == (b"x", OCTET_STREAM)


def nowhere(body: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def not_a_type(body: 42) -> None: ...  # type: ignore[valid-type]
def two_maps(body: Room | dict[str, int]) -> None: ...
def part_raw(body: Body | None) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (nowhere, "it: the annotation 'Nowhere' cannot be resolved.*at the top of its module"),
        (not_a_type, "it: the body cannot be read as 42"),
        (two_maps, "it: the body cannot be read as"),
        (part_raw, "Body stands for the whole body"),
    ],
)
def test_annotation_that_cannot_be_served_is_a_type_error(
    function: Callable[..., Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        served(function)


# Messages without a method


def test_on_message_takes_a_function_of_one_value() -> None:
    service = Service()

    @service.on_message
    async def take(message: bytes) -> bytes:
        return message

    assert service.message is not None
    assert service.message.function is take
    assert asyncio.run(service.message.run(b"hi")) == b"hi"


def test_service_without_on_message_has_no_function_for_messages() -> None:
    assert Service().message is None


def test_second_function_for_messages_is_refused() -> None:
    service = Service()
    service.on_message(plain)
    with pytest.raises(ValueError, match="already"):
        service.on_message(asynchronous)
    assert service.message is not None
    assert service.message.function is plain


@pytest.mark.parametrize("function", [lambda: None, two, 42])
def test_function_for_messages_that_takes_no_message_is_a_type_error(function: Any) -> None:
    with pytest.raises(TypeError):
        Service().on_message(function)


# Including


def test_included_service_keeps_its_names() -> None:
    guild, room = Service("guild"), Service("room")
    guild.method(plain)
    room.method(asynchronous)
    room.on_message(plain)
    guild.include(room)
    assert set(guild.methods) == {"guild.plain", "room.asynchronous"}
    assert guild.message is room.message
    assert set(room.methods) == {"room.asynchronous"}


def test_including_what_is_served_already_changes_nothing() -> None:
    one, other = Service(), Service()
    one.method(plain)
    other.method(asynchronous)
    other.method(plain)
    with pytest.raises(ValueError, match="'plain' is served already"):
        one.include(other)
    assert set(one.methods) == {"plain"}


def test_including_a_second_function_for_messages_changes_nothing() -> None:
    one, other = Service(), Service()
    one.on_message(plain)
    other.on_message(asynchronous)
    other.method(plain)
    with pytest.raises(ValueError, match="on_message"):
        one.include(other)
    assert not one.methods


def test_including_keeps_the_function_for_messages() -> None:
    one = Service()
    one.on_message(plain)
    one.include(Service())
    assert one.message is not None
    assert one.message.function is plain
