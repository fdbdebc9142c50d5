"""How `tracewire top` shows one reading after the other: objects, tables, or a screen of tables."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tracewire.spec.tool.screen import show, shown

from .calling import to_json
from .snapshot import Snapshot, fitting, tables


class Screen(Protocol):
    """What shows readings of one peer, and that there is none."""

    def show(self, snapshot: Snapshot) -> None: ...

    def miss(self, reason: str) -> None: ...


@contextmanager
def screen(url: str, *, once: bool, as_json: bool) -> Iterator[Screen]:
    """For the standard output that there is."""
    if as_json:
        yield Objects(url)
    elif once or not sys.stdout.isatty():
        yield Tables(url)
    else:
        with Live(console=Console(), auto_refresh=False) as live:
            yield Renewed(url, live)


class Losses:
    """Says on standard error when a peer stops answering, and when it answers again."""

    def __init__(self, url: str) -> None:
        self._url = shown(url)
        self._lost = False

    def note(self, reason: str | None) -> None:
        """``reason``: why there is no answer; None where there is one."""
        if (reason is not None) != self._lost:
            self._lost = reason is not None
            said = f"{reason}; trying again" if self._lost else "it answers again"
            click.echo(f"tracewire: {self._url}: {said}", err=True)


class Objects:
    """An object on a line for each row."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._losses = Losses(url)

    def show(self, snapshot: Snapshot) -> None:
        self._losses.note(None)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        for kind, rows in (("timing", snapshot.timings), ("census", snapshot.census)):
            ours = {"kind": kind, "time": time, "url": self._url}  # a row has no say in these
            for row in rows or ():
                click.echo(to_json({**ours, **row, **ours}))

    def miss(self, reason: str) -> None:
        self._losses.note(reason)


class Tables:
    """Tables below each other, an empty line between two readings."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._losses = Losses(url)
        self._is_first = True

    def show(self, snapshot: Snapshot) -> None:
        self._losses.note(None)
        if not self._is_first:
            print()
        self._is_first = False
        print(_headline(self._url))
        for part in tables(snapshot, Console().width if sys.stdout.isatty() else None):
            if isinstance(part, Table):
                show(part)
            else:
                print(part)
        sys.stdout.flush()

    def miss(self, reason: str) -> None:
        self._losses.note(reason)


class Renewed:
    """A terminal on which each reading takes the place of the one before."""

    def __init__(self, url: str, live: Live) -> None:
        self._url = url
        self._live = live
        self._last = Snapshot()
        self._head = ""  # when the last reading was
        self._missing = ""  # since when there is none, and why

    def show(self, snapshot: Snapshot) -> None:
        self._last, self._head, self._missing = snapshot, _headline(self._url), ""
        self._renew()

    def miss(self, reason: str) -> None:
        if not self._missing:
            self._missing = f"since {datetime.now():%H:%M:%S}: {reason}; trying again"
        self._renew()

    def _renew(self) -> None:
        width, height = self._live.console.size
        head = [Text(line) for line in (self._head, self._missing) if line]
        taken = sum(len(line.wrap(self._live.console, width)) for line in head)
        snapshot = fitting(self._last, width, height - taken)
        self._live.update(Group(*head, *tables(snapshot, width)), refresh=True)


def _headline(url: str) -> str:
    """Whose reading it is, and when it came, by the clock here."""
    return f"{shown(url)}  {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}"
