"""SIGTERM and SIGINT for all servers of an event loop that serve until they come."""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self

from ..transports.loop_local import loop_local

_NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)


def stop_signals() -> "StopSignals":
    """Those of the running loop: a context manager inside of which they are taken."""
    loop = asyncio.get_running_loop()
    return loop_local(loop, "signals", lambda: StopSignals(loop))


class StopSignals:
    """Takes the signals from the first who enters to the last who leaves.

    Outside the main thread, where Python gives none, it takes none. What handled them before is put
    back at the end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._earlier: dict[int, Any] = {}
        self._waiting: set[Callable[[], None]] = set()
        self._entered = 0

    def __enter__(self) -> Self:
        self._entered += 1
        if self._entered == 1 and threading.current_thread() is threading.main_thread():
            for number in _NUMBERS:
                self._earlier[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *raised: object) -> None:
        self._entered -= 1
        if self._entered:
            return
        for number, earlier in self._earlier.items():
            # Bound methods are made anew each time: they are equal, not the same.
            if signal.getsignal(number) == self._arrived:
                signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
        self._earlier.clear()

    def call(self, arrived: Callable[[], None]) -> None:
        """Calls it in the loop for each signal from now on, until ``forget``."""
        self._waiting.add(arrived)

    def forget(self, arrived: Callable[[], None]) -> None:
        self._waiting.discard(arrived)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        """Between any two instructions of the main thread: it only wakes the loop."""
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for arrived in [*self._waiting]:
            arrived()
