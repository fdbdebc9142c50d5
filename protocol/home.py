"""Home: the process and the event loop that something belongs to."""

import asyncio
import os


class Home:
    """Those in which it is made. ``what``, for messages, and ``again``: what to do elsewhere."""

    __slots__ = ("_again", "_loop", "_process", "_what")

    def __init__(self, what: str, again: str) -> None:
        self._what, self._again = what, again
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()

    def check(self) -> None:
        """RuntimeError where it is used elsewhere."""
        if self._process != os.getpid():
            raise RuntimeError(f"{self._what} was made before the process forked; {self._again}")
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(f"{self._what} belongs to another event loop; {self._again}")
