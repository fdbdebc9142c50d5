"""The model of the rollout: no counterexample as specified, and one for each broken rule."""

import shutil
from functools import cache

import pytest

from spec.model import check
from spec.model.check import VARIANTS, Found

pytestmark = pytest.mark.once

search = cache(check.search)


@pytest.fixture(autouse=True)
def _spin() -> None:
    if shutil.which("spin") is None:
        pytest.skip("spin is not installed")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_search_finds_what_it_must_and_no_more(variant: str) -> None:
    found = search(variant)
    assert found.is_right, found
    assert found.states > 1
    assert bool(found.story) == bool(VARIANTS[variant][1])


def test_as_specified_every_state_is_searched() -> None:
    found = search("SPECIFIED")
    assert found.complete
    assert found.states > 10_000


@pytest.mark.parametrize(
    ("variant", "last"),
    [
        ("SENDERS_FIRST", "receiver 0 is given a framed message"),
        ("LOSES_ON_CRASH", "1 messages were put, 0 taken, and the queue has 0"),
    ],
)
def test_a_counterexample_is_told_step_by_step(variant: str, last: str) -> None:
    assert search(variant).story[-1] == last


def test_a_search_that_is_cut_off_or_finds_the_wrong_thing_is_not_right() -> None:
    assert not Found("SPECIFIED", 10, "", False, []).is_right
    assert not Found("NO_DRAIN", 10, "", True, []).is_right
    assert not Found("NO_DRAIN", 10, "violated 0", True, []).is_right
