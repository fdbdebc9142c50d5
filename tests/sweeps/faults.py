"""Errors that code of others raises, and the places where it may: one of them is armed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tracewire.codec import Status
from tracewire.protocol import RpcError


class Odd(Exception):
    """As any library raises it."""


class Panic(BaseException):
    """As a compiled extension raises it: no Exception."""


class Unsayable(Exception):
    """Its text cannot be made."""

    def __str__(self) -> str:
        raise Panic

    __repr__ = __str__


def _refusal() -> RpcError:
    return RpcError(Status.PERMISSION_DENIED, "no")


#: What a callable may raise, the two plainest first.
KINDS: Final[tuple[Callable[[], BaseException], ...]] = (
    Odd,
    Panic,
    Unsayable,
    _refusal,
    asyncio.CancelledError,
    StopAsyncIteration,
    KeyboardInterrupt,
    SystemExit,
)
#: Those that end the program, once all is answered.
ENDING: Final = (KeyboardInterrupt, SystemExit)


class Faults:
    """Where code of others runs, by name, and how often. The place that is armed raises.

    Args:
        place: which; None for none.
        make: makes the error, anew for each time.
    """

    def __init__(self, place: str | None = None, make: Callable[[], BaseException] = Odd) -> None:
        self.place, self._make = place, make
        self.reached: Counter[str] = Counter()

    def at(self, place: str) -> None:
        """Code of others runs here."""
        self.reached[place] += 1
        if place == self.place:
            raise self._make()

    def disarm(self) -> None:
        self.place = None


def run_through(
    new_loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, None]
) -> None:
    """As asyncio.run, but what ends the program in a callback ends nothing here."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        task = runner.get_loop().create_task(main)
        while not task.done():
            try:
                runner.get_loop().run_until_complete(task)
            except ENDING:
                continue
        task.result()
