"""A scenario that is cancelled at its first, its second … its last turn, and what it leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.sweeps.leaks import PATIENCE, LeakCheck

Scenario = Callable[[], Awaitable[None]]
NewLoop = Callable[[], asyncio.AbstractEventLoop]

#: Up to this one each turn is tried, then fewer and fewer: a pause spans thousands of turns.
EACH = 100


def sweep(
    scenario: Scenario,
    new_loop: NewLoop,
    folder: Path,
    times: int = 1,
    each: int = EACH,
    patience: float = PATIENCE,
) -> int:
    """Runs it until it is through before it is cancelled; in how many turns that was.

    Args:
        scenario: what is run, anew for each turn.
        new_loop: makes the loop of each run.
        folder: where it may make files; none may be there afterwards.
        times: how often it is cancelled: once, or in each turn after the first time too.
        each: up to which turn none is left out.
        patience: seconds in which what was ended in time may go.
    """
    turn = 0
    while True:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            if runner.run(_cancelled_at(turn, scenario, folder, times, patience)):
                return turn
        turn += 1 + turn // each


async def _cancelled_at(
    turn: int, scenario: Scenario, folder: Path, times: int, patience: float
) -> bool:
    """Whether it ended by itself. AssertionError where something is left."""
    check = LeakCheck(folder)
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
    left = await check.settle(patience)
    assert not left, f"cancelled at turn {turn}: {left}"
    return through
