"""Whoever is cancelled, in whatever turn of the loop, leaves nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.places import Place
from tests.sweeps.scenarios import early, hanging, whole_life
from tests.sweeps.turns import sweep

SWEEP = pytest.mark.parametrize("times", [1, 50], ids=["once", "again-and-again"])


@SWEEP
@pytest.mark.parametrize("scenario", [whole_life, early, hanging])
def test_nothing_is_left(scenario: object, place: Place, times: int, tmp_path: Path) -> None:
    assert callable(scenario)
    assert sweep(lambda: scenario(place), place.new_loop, tmp_path, times) > 5


async def leaky_file(path: Path) -> None:
    (path / "leaky.sock").touch()
    await asyncio.sleep(0)  # nobody removes it who is cancelled here
    (path / "leaky.sock").unlink()


async def leaky_task() -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()


def test_a_sweep_finds_a_file_that_is_left(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"leaky\.sock"):
        sweep(lambda: leaky_file(tmp_path), asyncio.new_event_loop, tmp_path, patience=0.1)


def test_a_sweep_finds_a_task_that_is_left(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="sleep"):
        sweep(leaky_task, asyncio.new_event_loop, tmp_path, patience=0.1)
