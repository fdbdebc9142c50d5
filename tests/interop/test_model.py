"""The model of the rollout: no counterexample as specified, and one for each broken rule."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from spec.model import check
from spec.model.check import STUCK, VARIANTS, Found

pytestmark = pytest.mark.once

PAGE = Path(__file__).parents[2] / "docs" / "model.md"

search = cache(check.search)


@pytest.fixture(autouse=True)
def _spin() -> None:
    if shutil.which("spin") is None:
        pytest.skip("spin is not installed")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_search_finds_what_it_must_and_no_more(variant: str) -> None:
    found = search(variant)
    assert found.is_right, check.verdict(found)
    assert bool(found.story) == (VARIANTS[variant].wanted is not None)


@pytest.mark.parametrize("variant", ["SPECIFIED", "ENDS"])
def test_as_specified_every_state_is_searched(variant: str) -> None:
    found = search(variant)
    assert found.complete
    assert found.states > 100_000


def test_a_step_that_no_run_takes_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = "    :: step { waited && !waited -> evidence = false }\n"
    start = "proctype deployer() {\n    do\n"
    model = tmp_path / check.MODEL.name
    model.write_text(check.MODEL.read_text().replace(start, start + idle))
    monkeypatch.setattr(check, "MODEL", model)
    monkeypatch.setattr(check, "BUILD", tmp_path)
    found = check.search("ENDS")
    assert "evidence = 0" in "".join(found.idle)
    assert not found.is_right


def test_each_claim_is_broken_by_a_variant() -> None:
    told = set(re.findall(r'printf\("found: (.*)\\n"\)', check.MODEL.read_text()))
    assert {each.wanted for each in VARIANTS.values()} - {None} == told | {STUCK}


def test_each_variant_is_told_of_in_the_model_and_each_macro_there_is_one() -> None:
    text = check.MODEL.read_text()
    asked = set(re.findall(r"(?:#ifn?def |defined\()([A-Z_]+)", text))
    assert asked == VARIANTS.keys() - {"SPECIFIED"}
    theory = text.partition("*/")[0]
    assert [name for name in asked if name not in theory] == []


@pytest.mark.parametrize(
    ("variant", "last"),
    [
        ("SENDERS_FIRST", "receiver 0, which reads bare, is given a framed message"),
        ("NARROWED_EARLY", "receiver 1, which reads framed, is given a bare message"),
        ("LOOKALIKE", "receiver 1, which reads both, is given a lookalike message"),
        ("TOO_STRICT", "receiver 0 is deployed anew: it reads both"),
    ],
)
def test_a_counterexample_is_told_step_by_step(variant: str, last: str) -> None:
    assert search(variant).story[-1] == last


def test_the_page_is_what_the_search_finds() -> None:
    found = [search(variant) for variant in VARIANTS]
    assert check.page(found) in PAGE.read_text()


RIGHT = Found("SPECIFIED", 10, None, True, [], [])


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT._replace(complete=False),
        RIGHT._replace(broken=check.LOST),
        RIGHT._replace(idle=["line 1: a step"]),
        RIGHT._replace(variant="NO_DRAIN"),
        RIGHT._replace(variant="NO_DRAIN", broken=check.LOST),
    ],
)
def test_a_search_that_is_cut_off_or_finds_the_wrong_thing_is_not_right(wrong: Found) -> None:
    assert RIGHT.is_right
    assert not wrong.is_right
    assert "WRONG" in check.verdict(wrong)
