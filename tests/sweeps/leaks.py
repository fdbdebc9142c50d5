"""What a scenario may leave behind: tasks, descriptors, files, names, failures nobody saw, lines.

Nothing here knows of a test framework: `LeakCheck.settle` gives texts, and raises nothing.
"""

import asyncio
import gc
import logging
import os
import socket
from collections import Counter
from pathlib import Path
from typing import Any, Final, Self

from tracewire.protocol.fence import FENCE
from tracewire.protocol.transports.loop_local import loop_local

#: Seconds in which what was ended in time may go.
PATIENCE: Final = 3.0
#: Seconds between two looks.
_LOOK_AGAIN: Final = 0.001


class LeakCheck:
    """Remembers what there is in the running loop and its process; `settle` says what is new.

    Args:
        folders: where a scenario may make files; none may be there afterwards.
    """

    def __init__(self, *folders: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._folders = folders
        self._descriptors = descriptors()
        self._tasks = asyncio.all_tasks()
        self._behind: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self._behind.append(context))

    async def settle(self, patience: float = PATIENCE) -> list[str]:
        """What is left once nothing goes any more, or the patience is over; none is as it was."""
        until = self._loop.time() + patience
        while (left := self.left()) and self._loop.time() < until:
            await asyncio.sleep(_LOOK_AGAIN)
        gc.collect()  # shows tasks whose exception nobody read, and transports that nobody closed
        await asyncio.sleep(0)
        return [*left, *(f"failed behind: {each}" for each in self._behind)]

    def left(self) -> list[str]:
        """Tasks, descriptors, files, and names in memory that are listened on, now."""
        tasks = asyncio.all_tasks() - self._tasks
        new = descriptors().items() - self._descriptors.items()
        opened = [each for each in new if not _is_pair(*each)]
        files = [each for folder in self._folders for each in folder.iterdir()]
        names: dict[str, object] = loop_local(self._loop, "memory", dict)
        return [*map(repr, tasks), *map(repr, opened), *map(str, files), *map(repr, names.items())]


def descriptors() -> dict[int, str]:
    """Those of this process, and what they are for, without what a loop keeps for itself."""
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            what = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the folder's own
            continue
        if what != "/dev/null" and not what.startswith("anon_inode:"):
            found[number] = what
    return found


def _is_pair(number: int, what: str) -> bool:
    """Whether it is of a socketpair: loops wake themselves by one, uvloop by another each run."""
    if not what.startswith("socket:"):
        return False
    try:
        with socket.socket(fileno=os.dup(number)) as copy:
            return copy.family == socket.AF_UNIX and copy.getpeername() == copy.getsockname() == ""
    except OSError:  # it is closed by now, or not connected
        return False


class LogLines(logging.Handler):
    """The lines of our loggers while it is entered, by logger and format, and those told again.

    A cause is told once a minute: in a scenario of seconds no line comes twice.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.counts: Counter[tuple[str, ...]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        kind = error.__name__ if error else ""
        arguments = map(str, record.args) if isinstance(record.args, tuple) else ()
        self.counts[record.name, record.msg, *arguments, kind] += 1

    def repeated(self) -> list[str]:
        return [f"{each} is logged {n} times" for each, n in self.counts.items() if n > 1]

    def __enter__(self) -> Self:
        FENCE.forget()
        logging.getLogger("tracewire").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("tracewire").removeHandler(self)
