"""How `tracewire top` asks a peer again and again, and shows what it answers."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Final, NamedTuple

import click
from rich.console import Console, Group
from rich.live import Live

from tracewire.protocol import RpcError, connect
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.screen import complain, show

from .calling import RPC_ERROR, connected, tell, to_json
from .snapshot import Snapshot, fitting, read, tables
from .tls import Files, client_context

METHOD: Final = "tracewire.top"
MINUTES: Final = 2  # the running one and the one before
PATIENCE: Final = 10.0  # seconds for the connection, and for each answer
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Polling(NamedTuple):
    """What is watched. ``rows``: the most actions and destinations that are shown. ``every``:
    seconds between two snapshots, None for a single one."""

    url: str
    rows: int
    every: float | None
    as_json: bool
    tls: Files


def run(polling: Polling) -> int:
    """Shows snapshots until a signal, or a single one. Gives the exit status.

    Raises click.UsageError for what is no address.
    """
    try:
        tls = client_context(polling.url, polling.tls)
        asyncio.run(_watch(polling, tls))
    except RpcError as error:
        tell(METHOD, error)
        return RPC_ERROR + error.status
    except Unreadable as error:
        complain(polling.url, error)
        return 2
    except ValueError as error:  # of the address
        raise click.UsageError(f"{error}.") from None
    return 0


async def _watch(polling: Polling, tls: SSLContext | None) -> None:
    """Raises Unreadable where nobody answers, or with something else."""
    watch = asyncio.ensure_future(_show_snapshots(polling, tls))
    if polling.every is not None:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, watch.cancel)
    try:
        await watch
    except asyncio.CancelledError:
        if polling.every is None:  # it was not ended as it is meant to be
            raise


async def _show_snapshots(polling: Polling, tls: SSLContext | None) -> None:
    peer = await connected(connect(polling.url, tls=tls), PATIENCE)
    try:
        with _screen(polling) as show_snapshot:
            asked = {"rows": polling.rows * MINUTES, "minutes": MINUTES}
            while True:
                answer = await peer.call(METHOD, asked, timeout=PATIENCE)
                show_snapshot(read(answer, polling.rows))
                if polling.every is None:
                    return
                await asyncio.sleep(polling.every)
    finally:
        await peer.close()


@contextmanager
def _screen(polling: Polling) -> Iterator[Callable[[Snapshot], None]]:
    """What shows a snapshot."""
    if polling.as_json:
        yield _print_objects
    elif polling.every is None or not sys.stdout.isatty():
        yield _print_tables
    else:
        with Live(console=Console(), auto_refresh=False) as live:

            def renew(snapshot: Snapshot) -> None:
                width, height = live.console.size
                live.update(Group(*tables(fitting(snapshot, width, height), width)), refresh=True)

            yield renew


def _print_objects(snapshot: Snapshot) -> None:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    for kind, rows in (("timing", snapshot.timings), ("census", snapshot.census)):
        for row in rows or ():
            ours = {"kind": kind, "time": time}  # a row has no say in these
            click.echo(to_json({**ours, **row, **ours}))


def _print_tables(snapshot: Snapshot) -> None:
    width = Console().width if sys.stdout.isatty() else None
    for table in tables(snapshot, width):
        if isinstance(table, str):
            print(table)
        else:
            show(table)
    sys.stdout.flush()
