"""A clock that a test moves, so that limits of seconds end when it says and not before."""

import asyncio


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop in which no time passes until ``later`` lets it."""

    now = 1_000.0

    def time(self) -> float:
        return self.now


async def later(seconds: float) -> None:
    """So many seconds pass at once, after what is at hand; what is due then has been called.

    Exact in quarters.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StillLoop)
    await _turns(3)
    loop.now += seconds
    await _turns(3)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
