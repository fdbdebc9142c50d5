"""How `tracewire call` calls, and how it prints what comes of it."""

import asyncio
import json
from collections.abc import Awaitable
from ssl import SSLContext
from typing import Any, Final, NamedTuple, TypeVar

import click
import msgspec

from tracewire.protocol import Body, RpcError, connect
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.safe import brief, diagnosis
from tracewire.spec.tool.screen import complain

from .tls import Files, client_context

P = TypeVar("P")

RPC_ERROR: Final = 64  # the exit status is so much above that of the call


class Calling(NamedTuple):
    """What is called. ``text``: the body as JSON, or nothing. ``raw``: print bytes, not JSON."""

    url: str
    method: str
    text: bytes
    timeout: float
    metadata: dict[str, str]
    raw: bool
    tls: Files


def run(calling: Calling) -> int:
    """Calls once and prints the result, or why there is none. Gives the exit status.

    Raises click.UsageError where the arguments make no call.
    """
    try:
        body = _from_json(calling.text)
        tls = client_context(calling.url, calling.tls)
        result = asyncio.run(_call(calling, tls, body))
    except RpcError as error:
        tell(calling.method, error)
        return RPC_ERROR + error.status
    except Unreadable as error:
        complain(calling.url, error)
        return 2
    except (TypeError, ValueError) as error:  # of address, method, metadata or body
        raise click.UsageError(f"{error}.") from None
    click.echo(result.data if calling.raw else to_json(result), nl=not calling.raw)
    return 0


async def _call(calling: Calling, tls: SSLContext | None, body: object) -> Any:
    """Raises Unreadable where nobody answers."""
    peer = await connected(connect(calling.url, tls=tls), calling.timeout)
    try:
        return await peer.call(
            calling.method,
            body,
            timeout=calling.timeout,
            metadata=calling.metadata,
            returns=Body if calling.raw else object,
        )
    finally:
        await peer.close()


async def connected(connecting: Awaitable[P], timeout: float) -> P:
    """The connection, made within so many seconds. Raises Unreadable where nobody answers."""
    try:
        async with asyncio.timeout(timeout):
            return await connecting
    except OSError as error:
        raise Unreadable(f"cannot connect: {_reason(error, timeout)}") from None


def _reason(error: OSError, timeout: float) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    return error.strerror or str(error) or f"no answer in {timeout:g} s"


def _from_json(text: bytes) -> Any:
    text = text.strip()
    try:
        return msgspec.json.decode(text) if text else None
    except UnicodeDecodeError:
        said = "it is not UTF-8."
    except (msgspec.DecodeError, RecursionError) as error:
        said = f"{error}."
    if text[:1].isalpha():
        said += " Text has quotes of its own, as in '\"a\"'."
    raise click.BadParameter(said, param_hint="JSON")


def to_json(value: object) -> str:
    """On one line, without characters that a terminal would obey."""
    if isinstance(value, Body):
        value = value.data
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def tell(method: str, error: RpcError) -> None:
    """Says on standard error how a call failed."""
    click.echo(f"tracewire: {brief(method)}: {brief(str(error))}", err=True)
    if error.details is not None:
        click.echo(f"tracewire: details: {diagnosis(error.details)}", err=True)
