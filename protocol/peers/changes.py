"""Waiting until something is different, by whoever wants to, without a task."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes all that wait whenever it is told of a change. ``until`` can be cancelled at will."""

    __slots__ = ("_loop", "_next")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._next: asyncio.Future[None] | None = None

    def notify(self) -> None:
        if self._next is not None:
            self._next.set_result(None)
            self._next = None

    async def until(self, is_so: Callable[[], object]) -> None:
        """Returns once it is so, which is asked now and after each change."""
        while not is_so():
            await self.wait()

    async def wait(self) -> None:
        """Returns after the next change."""
        if self._next is None:
            self._next = self._loop.create_future()
        await asyncio.shield(self._next)
