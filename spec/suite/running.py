"""Runs cases on a testee or on a live peer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from .calling import Callers
from .case import Case, Outcome, run
from .orders import Lines
from .process import testee
from .wire import CannotReach, PeerLimits, dial

#: Live cases that run at once; most of their time they wait.
AT_ONCE: Final = 8

Tell = Callable[[Outcome], object]


async def run_on_testee(
    command: Sequence[str], cases: Sequence[Case], patience: float, tell: Tell
) -> tuple[str, list[Outcome]]:
    """The testee's name, and what came of the cases, in their order. CannotStart."""
    outcomes = []
    async with testee(command, patience) as asked:
        for case in cases:
            outcomes.append(await run(case, asked, time.monotonic))
            tell(outcomes[-1])
    return f"{asked.name}, generation {asked.generation}", outcomes


async def run_on_caller(
    url: str, lines: Lines, cases: Sequence[Case], tell: Tell
) -> tuple[str, list[Outcome]]:
    """The address, and what came of the cases, one after the other. CannotStart, CannotReach;
    ValueError for a wrong address."""
    outcomes = []
    try:
        async with Callers(lines).listening(url) as callers:
            await callers.greet()
            for case in cases:
                outcomes.append(await run(case, callers, time.monotonic))
                tell(outcomes[-1])
            return callers.url, outcomes
    except OSError as error:
        raise CannotReach(f"cannot listen on {url}: {error.strerror or error}") from None


async def run_on_peer(
    url: str, cases: Sequence[Case], patience: float, limits: PeerLimits, tell: Tell
) -> list[Outcome]:
    """What came of the cases, in their order. CannotReach; ValueError for a wrong address."""
    peer = await dial(url, patience, limits)
    room = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Outcome:
        async with room:
            outcome = await run(case, peer, time.monotonic)
        tell(outcome)
        return outcome

    async with asyncio.TaskGroup() as group:
        began = {
            case.id: group.create_task(one(case))
            for case in sorted(cases, key=lambda case: -case.waits)
        }
    return [began[case.id].result() for case in cases]
