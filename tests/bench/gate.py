"""Fails where codec, tracing or calls execute more instructions than they did: 2 % more than at
the merge base, or 10 % more than in the last release.

Run in the environment that the tests run in; it compares commits, not what is uncommitted. The
package of each commit is built here, by the same compiler and with the same flags. Rises that are
meant stand in intended.toml.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import opentelemetry.trace

sys.path.insert(0, str(Path(__file__).parents[2]))  # the root serves tests.* to a script, too

from tests.bench import samples
from tests.bench.counts import CannotRun, costs
from tests.bench.measure import build_floor

CODEC: Final = "_speedups.pyx"
INTENDED: Final = "tests/bench/intended.toml"
Costs = Mapping[str, float]


class NoBaseline(Exception):
    """Why there is nothing to compare with."""


class Rise(NamedTuple):
    """A rise that is meant: ``percent`` more instructions of ``case``, on top of the limit."""

    case: str
    percent: float
    reason: str


class Verdict(NamedTuple):
    case: str
    before: float
    after: float
    allowed: float

    @property
    def rise(self) -> float:
        """Percent."""
        return (self.after / self.before - 1) * 100

    @property
    def red(self) -> bool:
        return self.after > self.before * (1 + self.allowed / 100)

    def __str__(self) -> str:
        sign = "RED" if self.red else "ok "
        counts = f"{self.before:.1f} -> {self.after:.1f} instructions"
        return f"{sign} {self.case}: {counts}, {self.rise:+.2f} % (allowed {self.allowed:g} %)"


def judge(
    before: Costs, after: Costs, limit: float, intended: Sequence[Rise], known: Sequence[Rise]
) -> Iterator[Verdict]:
    """A verdict on each case.

    ``limit``: percent. ``intended``: the rises listed now; one that was ``known`` to the baseline
    is already in its counts, and so has expired.
    """
    for case in before:
        meant = [rise.percent for rise in intended if rise.case == case and rise not in known]
        yield Verdict(case, before[case], after[case], limit + sum(meant))


# What to compare with.


def merge_base(root: Path) -> str:
    """The commit at which HEAD left main, or its first parent where it is on main."""
    main = git(root, "rev-parse", "--verify", "--quiet", "origin/main") or git(
        root, "rev-parse", "--verify", "--quiet", "main"
    )
    if main is None:
        raise NoBaseline("there is no branch main")
    if git(root, "merge-base", "--is-ancestor", "HEAD", main) is not None:
        base, why = (
            git(root, "rev-parse", "--verify", "--quiet", "HEAD^1"),
            "this is the first commit",
        )
    else:
        base, why = git(root, "merge-base", "HEAD", main), "HEAD shares no commit with main"
    if base is None:
        shallow = git(root, "rev-parse", "--is-shallow-repository") == "true"
        raise NoBaseline("the clone is shallow; git fetch --unshallow" if shallow else why)
    return with_codec(root, base)


def last_release(root: Path) -> str:
    """The newest tag v* before HEAD."""
    tag = git(root, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
    if tag is None:
        raise NoBaseline("no tag v* lies before HEAD")
    return with_codec(root, tag)


def with_codec(root: Path, commit: str) -> str:
    files = git(root, "ls-tree", "-r", "--name-only", commit, "codec") or ""
    if not any(file.endswith(f"/{CODEC}") for file in files.splitlines()):
        raise NoBaseline(f"{commit[:12]} has no compiled codec")
    return commit


def git(root: Path, *arguments: str) -> str | None:
    """What git prints, None where it fails."""
    ran = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else None


def rises(root: Path, commit: str) -> list[Rise]:
    """The intended rises that a commit lists."""
    listed = tomllib.loads(git(root, "show", f"{commit}:{INTENDED}") or "").get("rise", [])
    return [Rise(**entry) for entry in listed]


BASELINES: Final[Mapping[str, tuple[Callable[[Path], str], float]]] = {
    "the merge base": (merge_base, 2.0),
    "the last release": (last_release, 10.0),
}


# What a commit costs.


def install(root: Path, commit: str, directory: Path) -> None:
    """Builds a commit into the directory, to be imported from it."""
    source, archive = directory.with_suffix(".source"), directory.with_suffix(".tar")
    subprocess.run(["git", "archive", f"--output={archive}", commit], cwd=root, check=True)
    with tarfile.open(archive) as opened:
        opened.extractall(source, filter="data")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", f"--target={directory}", str(source)]
    required = os.environ | {"TRACEWIRE_REQUIRE_EXTENSIONS": "1"}
    subprocess.run(command, check=True, env=required)


def count(path: Sequence[Path]) -> Costs:
    """What each case costs in the package that lies on the path, an empty call subtracted."""
    path = [*path, Path(opentelemetry.trace.__file__).parents[2]]  # for what the package needs
    found: dict[tuple[str, str | None], float] = {}
    cases = samples.COUNTED.values()
    for setup, runs in {(case.setup, case.runs): None for case in cases}:
        of_setup = [case for case in cases if (case.setup, case.runs) == (setup, runs)]
        empty = sorted({case.empty for case in of_setup if case.empty is not None})
        statements = [*empty, *(case.statement for case in of_setup)]
        counts = costs(statements, setup, path, runs=runs)
        found[setup, None] = 0.0
        found |= {(setup, each): cost for each, cost in zip(statements, counts, strict=True)}
    return {
        name: (found[case.setup, case.statement] - found[case.setup, case.empty]) / case.units
        for name, case in samples.COUNTED.items()
    }


def compare(root: Path, baselines: Mapping[str, str]) -> bool:
    """Prints the verdicts against each baseline; whether all are green."""
    green, intended = True, rises(root, "HEAD")
    with tempfile.TemporaryDirectory() as made, ThreadPoolExecutor(os.cpu_count()) as pool:
        build_floor(Path(made))
        # Names of one length, since what lies on the heap before it moves a count a little.
        built = [Path(made, f"built{at}") for at in range(1 + len(baselines))]
        commits = ["HEAD", *baselines.values()]
        list(pool.map(lambda commit, into: install(root, commit, into), commits, built))
        after = count([built[0], Path(made)])
        for (name, commit), directory in zip(baselines.items(), built[1:], strict=True):
            try:
                before = count([directory, Path(made)])
            except CannotRun as error:
                print(f"Not compared with {name}, {commit[:12]}: it cannot run this. {error}")
                continue
            print(f"Against {name}, {commit[:12]}:")
            limit = BASELINES[name][1]
            for verdict in judge(before, after, limit, intended, rises(root, commit)):
                print(f"  {verdict}")
                green = green and not verdict.red
    return green


def main() -> int:
    root = Path(__file__).parents[2]
    if shutil.which("valgrind") is None:
        print("The gate is skipped: valgrind is not installed.")
        return int(os.environ.get("TRACEWIRE_NO_SKIPS") == "1")
    baselines = {}
    for name, (find, _) in BASELINES.items():
        try:
            baselines[name] = find(root)
        except NoBaseline as none:
            print(f"Not compared with {name}: {none}.")
    return 0 if not baselines or compare(root, baselines) else 1


if __name__ == "__main__":
    sys.exit(main())
