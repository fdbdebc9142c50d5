"""Inputs by their names: files, and standard input for ``-``."""

import io
import os
import select
from typing import Final, Protocol

import click

CHUNK: Final = 1 << 16  # bytes that are read at once


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unreadable(Exception):
    """Input that cannot be judged: why, and what to do about it."""


class Input(io.FileIO):
    """A file whose reading waits for data, also where the descriptor was set not to block."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        while (data := super().read(size)) is None:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            poll.poll()
        return data


def open_input(name: str) -> Input:
    """The file of that name, or standard input for ``-``. Raises Unreadable."""
    if name == "-" and os.isatty(0):
        click.echo("tracewire: reading standard input; end it with Ctrl-D", err=True)
    try:
        return Input(0, closefd=False) if name == "-" else Input(name)
    except OSError as error:
        raise Unreadable(error.strerror) from None
