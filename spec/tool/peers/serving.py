"""How `tracewire echo` serves, and how it prints what is called."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Final

import click

from tracewire.protocol import Call, RpcError, serve
from tracewire.protocol.peers.conformance import conformance_service
from tracewire.spec.tool.background import in_background
from tracewire.spec.tool.frames.describe import describe_trace
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.safe import counted, diagnosis
from tracewire.spec.tool.screen import complain

from .tls import Files, server_context

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run(url: str, quiet: bool, files: Files) -> int:
    """Serves until a signal, and then drains. Gives the exit status.

    Raises click.UsageError for what is no address to listen on.
    """
    if url.startswith("memory:"):
        raise click.UsageError("a memory:// address is for the peers of one process.")
    try:
        tls = server_context(url, files)
        asyncio.run(_serve(url, tls, quiet))
    except Unreadable as error:
        complain(url, error)
        return 2
    except ValueError as error:  # of the address
        raise click.UsageError(f"{error}.") from None
    return 0


async def _serve(url: str, tls: SSLContext | None, quiet: bool) -> None:
    """Raises Unreadable where it cannot listen."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)  # a second signal ends the process at once
        ended.set()

    notes = [] if quiet else [_note]
    try:
        server = await serve(url, conformance_service(), tls=tls, handler_interceptors=notes)
    except OSError as error:
        raise Unreadable(f"cannot listen: {error.strerror or error}") from None
    async with in_background(), server:
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
        click.echo(f"listening on {server.url}")
        await ended.wait()
        await server.drain()


async def _note(call: Call, handle: Callable[[], Awaitable[object]]) -> object:
    """Runs the handler, and prints a line that says what was called and how it ended."""
    called, outcome = _shown(call), "OK"
    try:
        return await handle()
    except RpcError as error:
        outcome = error.status.name
        raise
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        click.echo(f"{called}: {outcome}")


def _shown(call: Call) -> str:
    facts = [counted(len(call.frame.payload), "byte"), describe_trace(call.frame)]
    if (left := call.time_left()) is not None:
        facts.append(f"{left:.3f} s left")
    if call.metadata:
        facts.append(f"metadata {diagnosis(dict(call.metadata))}")
    return f"{call.method}: {', '.join(facts)}"
