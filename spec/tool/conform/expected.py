"""The file of expected failures: one id a line, and comments after #."""

from collections.abc import Iterable
from pathlib import Path

from tracewire.spec.suite.case import FAILED, Case, Outcome


def read_expected(path: Path, cases: Iterable[Case]) -> frozenset[str]:
    """The ids in the file. OSError if it cannot be read, ValueError for an id of no case."""
    known = {case.id for case in cases}
    expected = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        id = line.partition("#")[0].strip()
        if id and id not in known:
            raise ValueError(f"{path}, line {number}: there is no case {id!r}")
        if id:
            expected.add(id)
    return frozenset(expected)


def is_good(outcome: Outcome, expected: frozenset[str]) -> bool:
    """Whether it is as expected: a listed case that passes is not."""
    return (outcome.verdict == FAILED) == (outcome.case.id in expected)
