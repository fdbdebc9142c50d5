"""How `tracewire top` asks a peer again and again, and shows what it answers."""

import asyncio
import logging
import signal
from ssl import SSLContext
from typing import Final, NamedTuple

import click

from tracewire.codec import Status
from tracewire.protocol import Reconnecting, RpcError, connect
from tracewire.spec.tool.background import in_background
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.safe import brief
from tracewire.spec.tool.screen import complain

from .calling import RPC_ERROR, connected, tell
from .screens import screen
from .snapshot import Snapshot, read
from .tls import Files, client_context

METHOD: Final = "tracewire.top"
MINUTES: Final = 2  # the running one and the one before
PATIENCE: Final = 10.0  # seconds for the connection, and for each answer
#: Failures of a call that may pass, as while a peer is started again.
PASSING: Final = {Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED}
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Polling(NamedTuple):
    """What is watched. ``rows``: the most actions and destinations that are shown. ``every``:
    seconds between two snapshots, None for a single one."""

    url: str
    rows: int
    every: float | None
    as_json: bool
    metadata: dict[str, str]
    tls: Files


def run(polling: Polling) -> int:
    """Shows snapshots until a signal, or a single one. Gives the exit status.

    Raises click.UsageError for what is no address.
    """
    try:
        tls = client_context(polling.url, polling.tls)
        logging.getLogger("tracewire").addHandler(logging.NullHandler())  # the screen says it
        asyncio.run(_watch(polling, tls))
    except RpcError as error:
        tell(METHOD, error)
        return RPC_ERROR + error.status
    except Unreadable as error:
        complain(polling.url, error)
        return 2
    except (TypeError, ValueError) as error:  # of address or metadata
        raise click.UsageError(f"{error}.") from None
    return 0


async def _watch(polling: Polling, tls: SSLContext | None) -> None:
    """Raises Unreadable where nobody answers, or with something else."""
    watch = asyncio.ensure_future(_show_readings(polling, tls))
    if polling.every is not None:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, watch.cancel)
    try:
        await watch
    except asyncio.CancelledError:
        if polling.every is None:  # it was not ended as it is meant to be
            raise


async def _show_readings(polling: Polling, tls: SSLContext | None) -> None:
    peer = await connected(connect(polling.url, tls=tls).kept(), PATIENCE)
    once = polling.every is None
    try:
        async with in_background() as written:
            with screen(polling.url, once=once, as_json=polling.as_json) as shows:
                shows.show(await _ask(peer, polling))
                while polling.every is not None:
                    await written()  # a reader that is slow gets fewer
                    await asyncio.sleep(polling.every)
                    if not peer.is_open:
                        shows.miss("the connection ended")
                    try:
                        shows.show(await _ask(peer, polling))
                    except RpcError as error:
                        if error.status not in PASSING:
                            raise
                        shows.miss(brief(str(error)))
    finally:
        await peer.close()


async def _ask(peer: Reconnecting, polling: Polling) -> Snapshot:
    asked = {"rows": polling.rows * MINUTES, "minutes": MINUTES}
    answer = await peer.call(METHOD, asked, timeout=PATIENCE, metadata=polling.metadata)
    return read(answer, polling.rows)
