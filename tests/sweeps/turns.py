"""A scenario that is cancelled at its first, its second … its last turn, and what it leaves."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Scenario = Callable[[], Awaitable[None]]
NewLoop = Callable[[], asyncio.AbstractEventLoop]

#: Seconds in which what was ended in time may go.
PATIENCE = 3.0

#: Up to this one each turn is tried, then fewer and fewer: a pause spans thousands of turns.
_EACH = 100


def sweep(scenario: Scenario, new_loop: NewLoop, folder: Path, times: int = 1) -> int:
    """Runs it until it is through before it is cancelled; in how many turns that was.

    Args:
        folder: where it may make files; none may be there afterwards.
        times: how often it is cancelled: once, or in each turn after the first time too.
    """
    turn = 0
    while True:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            if runner.run(_cancelled_at(turn, scenario, folder, times)):
                return turn
        turn += 1 + turn // _EACH


async def _cancelled_at(turn: int, scenario: Scenario, folder: Path, times: int) -> bool:
    """Whether it ended by itself. AssertionError where something is left."""
    behind: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: behind.append(context))
    before = _descriptors()
    running = asyncio.ensure_future(scenario())
    for _ in range(turn):
        await asyncio.sleep(0)
    through = running.done()
    for _ in range(times):
        running.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()
    until = loop.time() + PATIENCE
    while (left := _left(before, folder)) and loop.time() < until:
        await asyncio.sleep(0.001)
    gc.collect()  # shows tasks whose exception nobody read, and transports that nobody closed
    assert not left, f"cancelled at turn {turn}: {left}"
    assert not behind, f"cancelled at turn {turn}: {behind}"
    return through


def _left(before: dict[int, str], folder: Path) -> list[str]:
    """Tasks, descriptors and files."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    opened = _descriptors().items() - before.items()
    return [*map(repr, tasks), *map(repr, opened), *map(str, folder.iterdir())]


def _descriptors() -> dict[int, str]:
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
