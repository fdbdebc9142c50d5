"""Inputs by their names: files, and standard input for ``-``."""

import io
import os
from typing import Protocol

import click


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unreadable(Exception):
    """Input that cannot be judged: why, and what to do about it."""


def open_input(name: str) -> io.FileIO:
    """The file of that name, or standard input for ``-``. Raises Unreadable."""
    if name == "-" and os.isatty(0):
        click.echo("tracewire: reading standard input; end it with Ctrl-D", err=True)
    try:
        return io.FileIO(0, closefd=False) if name == "-" else io.FileIO(name)
    except OSError as error:
        raise Unreadable(error.strerror) from None
