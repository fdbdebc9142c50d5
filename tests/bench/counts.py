"""What a statement costs in instructions, as callgrind counts them.

A program counts the same each time, so start and setup fall out of a difference: a statement costs
(count with 10 N runs of it - count with N runs) / 9 N.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: Settings that would change what is run, or that valgrind cannot bear.
UNSET = ("PYTHON", "TRACEWIRE_", "LD_PRELOAD")

_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")


class CannotRun(Exception):
    """A statement or the setup failed; the last line that was said."""


def costs(
    statements: Sequence[str],
    setup: str,
    path: Sequence[Path],
    inside: str | None = None,
    runs: int = 500,
) -> list[float]:
    """Instructions of one run of each statement, loop included.

    ``setup`` is run once before them; ``path`` is searched for modules that are not the standard
    library's. ``runs``: N. ``inside``: count only what the C functions of that name (``*`` matches
    anything) execute, and all that they call.
    """

    def count(more: int | None) -> int:
        """Of a program that runs each statement N times, and one of them ten times as often."""
        times = [runs * (10 if at == more else 1) for at in range(len(statements))]
        return _count(_program(statements, times, setup), path, inside)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        base, *counts = pool.map(count, [None, *range(len(statements))])
    return [(each - base) / (9 * runs) for each in counts]


def _count(program: str, path: Sequence[Path], inside: str | None) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    if inside is not None:
        command.append(f"--toggle-collect={inside}")
    command += [sys.executable, "-P", "-S", "-c", program]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
    environment = kept | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(map(str, path))}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        said = [line for line in ran.stderr.splitlines() if not line.startswith("==")]
        raise CannotRun(said[-1] if said else ran.stderr)
    collected = _COLLECTED.search(ran.stderr)
    if collected is None:
        raise RuntimeError(f"callgrind printed no count:\n{ran.stderr}")
    return int(collected[1])


def _program(statements: Sequence[str], times: Sequence[int], setup: str) -> str:
    """In a function, where names are local and so cost the same wherever they come from."""
    lines = setup.splitlines()
    for statement, often in zip(statements, times, strict=True):
        lines += [f"for _ in range({often}):", f"    {statement}"]
    return "\n".join(["def run():", *(f"    {line}" for line in lines), "run()"])
