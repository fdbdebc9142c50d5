"""The methods that the conformance suite calls: tracewire.echo, tracewire.sleep, tracewire.fail."""

import asyncio
from typing import Annotated, NoReturn

import msgspec

from tracewire.codec import Status

from ..body.body import Body
from ..errors import RpcError
from .service import ReservedService, Service

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Code = Annotated[int, msgspec.Meta(ge=1, le=16)]


class Failure(msgspec.Struct):
    """How tracewire.fail is to fail: what its error says."""

    status: Code
    message: str = ""
    details: object = None


def conformance_service() -> Service:
    """A new service of these methods, to serve alone or to include in another."""
    service = ReservedService("tracewire")
    service.method(echo)
    service.method(sleep)
    service.method(fail)
    return service


def echo(body: Body) -> Body:
    """The body as it came, with its content format."""
    return body


async def sleep(seconds: Seconds) -> None:
    """Returns after so many seconds, at most a day."""
    await asyncio.sleep(seconds)


def fail(failure: Failure | Code) -> NoReturn:
    """Fails with a status and, where the body is a map, its message and details."""
    if isinstance(failure, int):
        raise RpcError(Status(failure))
    raise RpcError(Status(failure.status), failure.message, failure.details)
