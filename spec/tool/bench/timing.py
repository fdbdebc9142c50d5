"""Nanoseconds of statements that take turns, so that all of them meet the same machine."""

from collections.abc import Mapping
from statistics import median
from time import thread_time
from timeit import Timer
from typing import Any, Final, NamedTuple

SAMPLE_SECONDS: Final = 0.002  # what one turn of a statement takes, at least


class Statement(NamedTuple):
    """Python code and the names that it uses."""

    code: str
    names: Mapping[str, object]

    def value(self) -> Any:
        """What it comes to, if it is an expression. The code is never anybody's input."""
        return eval(self.code, dict(self.names))


class Stopwatch:
    """Times of one statement, less those of an empty one."""

    def __init__(self, statement: Statement) -> None:
        # The clock counts this thread's work, whatever else the machine does.
        self._timer = Timer(statement.code, timer=thread_time, globals=dict(statement.names))
        self._empty = Timer(timer=thread_time)
        self._samples: list[float] = []
        self._runs = 1
        while self._timer.timeit(self._runs) < SAMPLE_SECONDS:
            self._runs *= 2

    def take_turn(self) -> None:
        """Adds one sample."""
        spent = self._timer.timeit(self._runs) - self._empty.timeit(self._runs)
        self._samples.append(spent / self._runs)

    @property
    def nanoseconds(self) -> float:
        """The median of the samples."""
        return median(self._samples) * 1e9
