"""SIGTERM and SIGINT for all servers of an event loop that serve until they come."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final, Self
from weakref import WeakSet

from ..transports.loop_local import loop_local

_NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)


def stop_signals() -> "StopSignals":
    """The signals of the running loop: a context manager inside of which they are taken."""
    loop = asyncio.get_running_loop()
    return loop_local(loop, "signals", lambda: StopSignals(loop))


class StopSignals:
    """Takes the signals from the first who enters to the last who leaves.

    Outside the main thread, where Python gives none, it takes none. What handled them before, by
    ``signal.signal`` or by the loop's ``add_signal_handler``, is not called meanwhile, and is put
    back at the end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._earlier: dict[int, Any] = {}
        self._filter: _WakeupFilter | None = None
        self._waiting: set[Callable[[], None]] = set()
        self._entered = 0

    def __enter__(self) -> Self:
        if not self._entered and threading.current_thread() is threading.main_thread():
            self._filter = _WakeupFilter(self._loop)
            _taking.add(self)
            for number in _NUMBERS:
                self._earlier[number] = signal.signal(number, self._arrived)
        self._entered += 1
        return self

    def __exit__(self, *raised: object) -> None:
        self._entered -= 1
        if self._entered:
            return
        self._put_back()
        if self._filter is not None:
            self._filter.close()
            self._filter = None

    def call(self, arrived: Callable[[], None]) -> None:
        """Calls it in the loop for each signal from now on, until ``forget``."""
        self._waiting.add(arrived)

    def forget(self, arrived: Callable[[], None]) -> None:
        self._waiting.discard(arrived)

    def let_go(self) -> None:
        """In a forked child, which ends by its own signals: the loop there is the parent's."""
        self._put_back()
        if self._filter is not None:
            self._filter.let_go()
            self._filter = None

    def _put_back(self) -> None:
        for number, earlier in self._earlier.items():
            # Bound methods are made anew each time: they are equal, not the same.
            if signal.getsignal(number) == self._arrived:
                signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
        self._earlier.clear()

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        """Between any two instructions of the main thread: it only wakes the loop."""
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for arrived in [*self._waiting]:
            arrived()


class _WakeupFilter:
    """Keeps our signals from the loop, whose own handlers would be called beside ours.

    Python writes the number of each signal to one descriptor of the process, where a loop reads
    what is for its handlers. Here they are read first, and those of other signals passed on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        self._earlier = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        loop.add_reader(self._reading, self._pass_on)

    def let_go(self) -> None:
        """Unregisters nothing: what polls is the parent's."""
        signal.set_wakeup_fd(self._earlier)

    def close(self) -> None:
        self._loop.remove_reader(self._reading)
        latest = signal.set_wakeup_fd(self._earlier)
        if latest != self._writing.fileno():  # somebody set another one meanwhile
            signal.set_wakeup_fd(latest)
        self._pass_on()
        self._reading.close()
        self._writing.close()

    def _pass_on(self) -> None:
        with suppress(BlockingIOError):  # nothing to read; or full, and the loop wakes anyhow
            numbers = self._reading.recv(4096)
            others = bytes(number for number in numbers if number not in _NUMBERS)
            if others and self._earlier >= 0:
                os.write(self._earlier, others)


_taking: Final[WeakSet[StopSignals]] = WeakSet()


def _let_go() -> None:
    for signals in _taking:
        signals.let_go()


os.register_at_fork(after_in_child=_let_go)
