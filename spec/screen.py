"""Tables on standard output, complaints on standard error."""

import sys
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from .safe import escape

LONGEST_NAME: Final = 255  # characters of the name of an input that are shown

#: Columns where nobody looks: in a pipe or a file each row is one line, however long.
ENDLESS: Final = 4096


def columns(*headers: str) -> Table:
    """An empty table with these columns, the first of which are kept whole."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, no_wrap=header != headers[-1], overflow="fold")
    return table


def show(table: Table) -> None:
    """Prints the table, folded to the width of a terminal if it goes to one."""
    if sys.stdout.isatty():
        Console().print(table)
        return
    console = Console(width=ENDLESS)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def complain(name: str, error: Exception) -> None:
    """Says why an input could not be read."""
    click.echo(f"tracewire: {shown(name)}: {error}", err=True)


def shown(name: str) -> str:
    """The name of an input as it is printed."""
    return "stdin" if name == "-" else escape(name[:LONGEST_NAME])
