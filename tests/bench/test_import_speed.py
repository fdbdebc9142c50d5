"""Imports are quick, beside a Python that does nothing.

Each is made by a process of its own, whose processor time the system tells. They take turns, round
by round; noise only adds, so the lower decile of the rounds counts.
"""

import os
import subprocess
import sys
from statistics import quantiles

import pytest

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison

ROUNDS = 40
NOTHING = "pass"


def processor_time(code: str) -> float:
    """Nanoseconds of a process that runs the code, its start and end included."""
    process = subprocess.Popen([sys.executable, "-P", "-c", code])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return (used.ru_utime + used.ru_stime) * 1e9


def beside_nothing(code: str) -> Comparison:
    """A/A: of two processes that do nothing."""
    sides = [code, NOTHING, NOTHING]
    rounds = [[processor_time(each) for each in sides] for _ in range(ROUNDS)]
    ours, theirs, twin = (quantiles(side, n=10)[0] for side in zip(*rounds, strict=True))
    return Comparison(ours / theirs, theirs / twin, ours, theirs)


@pytest.mark.parametrize(
    ("code", "limit"),
    [("import tracewire", 1.3), ("from tracewire.protocol import connect, serve", 11)],
)
def test_an_import_takes_at_most_so_much_of_the_time_of_nothing(
    code: str, limit: float, figure: Figure
) -> None:
    found = beside_nothing(code)
    figure(f"{code} / {NOTHING}", found, limit)
    assert found.ratio <= limit
