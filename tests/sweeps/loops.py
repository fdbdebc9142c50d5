"""Whole lives in one event loop after another, and what the process keeps of them."""

import asyncio
import gc
from pathlib import Path
from typing import Final
from weakref import WeakSet

from tests.interop.places import Place
from tests.sweeps.leaks import LeakCheck, descriptors
from tests.sweeps.scenarios import whole_life

#: Objects by which a process may differ from one run to the next.
_OBJECTS: Final = 150


def run_loops(place: Place, folder: Path, times: int) -> list[str]:
    """So many loops, each with a whole life; what is wrong afterwards."""
    wrong: list[str] = []
    loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    async def main() -> None:
        check = LeakCheck(folder)
        loops.add(asyncio.get_running_loop())
        await whole_life(place)
        wrong.extend(await check.settle())

    before, opened = 0, descriptors()
    for number in range(times):
        if number == times // 2:  # what is made once, and for each of the first, is there
            gc.collect()
            before, opened = len(gc.get_objects()), descriptors()
        with asyncio.Runner(loop_factory=place.new_loop) as runner:
            runner.run(main())
    gc.collect()
    grown = len(gc.get_objects()) - before
    if grown > _OBJECTS:
        wrong.append(f"{grown} more objects after {times - times // 2} loops")
    kept = len(loops)
    if kept > 1:  # the runner of the last one is still there
        wrong.append(f"{kept} loops are kept")
    if descriptors() != opened:
        wrong.append(f"descriptors: {descriptors().items() ^ opened.items()}")
    return wrong
