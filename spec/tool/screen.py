"""Tables on standard output, complaints on standard error."""

import sys
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from .safe import MOST, escape

LONGEST_NAME: Final = 255  # characters of the name of an input that are shown whole
FOLDED: Final = 20  # the least that the last column of a table is folded to

#: Columns where nothing folds: each row is one line, however long, for a terminal to wrap.
ENDLESS: Final = 4096


def columns(*headers: str) -> Table:
    """An empty table with these columns, the first of which are kept whole."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, no_wrap=header != headers[-1], overflow="fold")
    return table


def show(table: Table) -> None:
    """Prints the table, folded to a terminal where that leaves room for its last column."""
    console = Console(width=ENDLESS, force_terminal=False)
    if sys.stdout.isatty() and Console().width >= _least_width(console, table):
        Console().print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def _least_width(console: Console, table: Table) -> int:
    """The columns that show the whole table, its last column folded."""
    whole = console.measure(table).maximum
    table.columns[-1].width = FOLDED
    folded = console.measure(table).maximum
    table.columns[-1].width = None
    return min(whole, folded)


def complain(name: str, error: Exception) -> None:
    """Says why an input could not be read."""
    click.echo(f"tracewire: {shown(name)}: {error}", err=True)


def shown(name: str) -> str:
    """The name of an input as it is printed."""
    if name == "-":
        return "stdin"
    if len(name) > LONGEST_NAME:
        return f"{escape(name[:MOST])}… ({len(name):,} characters)"
    return escape(name) if name.strip() else repr(name)
