"""How far reading has come, on the terminal of whoever waits for it."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tracewire.spec.tool.inputs import Readable
from tracewire.spec.tool.screen import shown

WORTH_A_BAR: Final = 8 << 20  # bytes; what is shorter is read before a bar is seen
LONGEST_NAME: Final = 24  # characters; the bar needs the rest of a line


class _Watched:
    """A file whose reading moves a bar."""

    def __init__(self, file: FileIO, bar: Progress, total: int | None) -> None:
        self._file = file
        self._bar = bar
        self._task = bar.add_task("", total=total)

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self._bar.advance(self._task, len(data))
        return data


@contextmanager
def watched(file: FileIO, name: str) -> Iterator[Readable]:
    """The file, with a bar on standard error where that is a terminal and the file is large."""
    status = os.fstat(file.fileno())
    total = status.st_size if stat.S_ISREG(status.st_mode) else None
    if not sys.stderr.isatty() or (total is not None and total < WORTH_A_BAR):
        yield file
        return
    columns = (
        TextColumn(os.path.basename(shown(name))[:LONGEST_NAME], markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    # Lines printed meanwhile go above the bar, unless they go somewhere else.
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        yield _Watched(file, bar, total)
