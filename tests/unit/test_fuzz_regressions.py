"""What fuzzing starts from, and what it once found, put to every invariant without atheris."""

from types import ModuleType

import pytest

from fuzz.invariants import INVARIANTS, Invariant
from fuzz.seeds import regressions, seeds

named = pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)


@named
def test_every_invariant_holds_for_each_vector(codec: ModuleType, invariant: Invariant) -> None:
    vectors = seeds()
    assert len(vectors) > 2_000
    for data in vectors:
        invariant.check(codec, data)


@named
def test_what_fuzzing_once_found_stays_fixed(codec: ModuleType, invariant: Invariant) -> None:
    for path in regressions():
        invariant.check(codec, path.read_bytes())
