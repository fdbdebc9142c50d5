"""How two things are timed against each other.

A figure is a ratio inside one run, never a time: machines and their load differ, and both sides of
a ratio meet the same. Each side is the time of a loop over a statement less that of an empty loop.
The sides take turns, round by round, and the clock counts this thread's work only.

A busy machine has slow spells that nearly double every time, and now and then a loop stays slower
than its twin for as long as it lives. Noise only adds. So each side is built and timed anew in
several batches, and judged by the best of them. Each has a twin, the same statement timed as if it
were another: what differs between the two (A/A) is what the machine adds.
"""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import quantiles
from timeit import Timer
from typing import NamedTuple

SAMPLE_SECONDS = 0.001
ROUNDS = 30  # in a batch, of which the lower decile counts
BATCHES = 8  # of which the best of each side counts


class Timed:
    """A statement to time, with the names it uses."""

    def __init__(self, statement: str, names: Mapping[str, object]) -> None:
        self.statement, self.names = statement, dict(names)
        self._loop = Timer(statement, timer=time.thread_time, globals=self.names)
        self._empty_loop = Timer("pass", timer=time.thread_time)
        self.calls = 1
        while self.run() < SAMPLE_SECONDS:
            self.calls *= 2

    def run(self) -> float:
        """Seconds that a loop of ``calls`` took."""
        return self._loop.timeit(self.calls)

    def sample(self) -> float:
        """Nanoseconds of one call."""
        return (self.run() - self._empty_loop.timeit(self.calls)) / self.calls * 1e9


class Comparison(NamedTuple):
    """``ratio``: ours to theirs. ``same``: a side to its twin (A/A), that of the two which is
    further from 1. ``ours``, ``theirs``: in ``unit``."""

    ratio: float
    same: float
    ours: float
    theirs: float
    unit: str = "ns"

    def __str__(self) -> str:
        both = f"{self.ours:,.1f} {self.unit} / {self.theirs:,.1f} {self.unit}"
        return f"{self.ratio:.3f} = {both} (A/A {self.same:.3f})"


def compare(ours: Timed, theirs: Timed) -> Comparison:
    """The ratio of two times."""
    batches = [_batch(ours, theirs) for _ in range(BATCHES)]
    our, their, *twins = (min(side) for side in zip(*batches, strict=True))
    same = max(our / twins[0], their / twins[1], key=lambda spread: abs(spread - 1))
    return Comparison(our / their, same, our, their)


def _batch(ours: Timed, theirs: Timed) -> list[float]:
    """The time of each side and of their twins, by loops of their own that take turns."""
    sides = [Timed(side.statement, side.names) for side in (ours, theirs) * 2]
    samples: list[list[float]] = [[] for _ in sides]
    order = list(range(len(sides)))
    for _ in range(ROUNDS):
        random.shuffle(order)
        for at in order:
            samples[at].append(sides[at].sample())
    return [quantiles(side, n=10)[0] for side in samples]


def build_floor(directory: Path) -> None:
    """Builds floor.pyx into the directory."""
    source = shutil.copy(Path(__file__).with_name("floor.pyx"), directory)
    command = [sys.executable, "-m", "Cython.Build.Cythonize", "--inplace", "--quiet", source]
    subprocess.run(command, check=True, cwd=directory, capture_output=True)
