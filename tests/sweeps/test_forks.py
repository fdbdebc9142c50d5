"""A process is forked at each stage of a life: the child ends nothing of its parent's."""

import os
from pathlib import Path

import pytest

from tests.interop.places import Place, place_of
from tests.sweeps.forks import STAGES, forked_at
from tracewire.protocol import Server


@pytest.mark.parametrize("lingers", [False, True], ids=["leaves", "lingers"])
def test_a_child_ends_nothing(place: Place, lingers: bool, tmp_path: Path) -> None:
    for stage in STAGES:
        assert not forked_at(place, stage, lingers, tmp_path), stage


def test_a_child_that_closes_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of("unix", tmp_path)
    leave = Server.__aexit__

    async def removes_the_file(self: Server, *_: object) -> None:
        if self._affinity.forked:
            os.unlink(self.url.removeprefix("unix://"))
        await leave(self)

    monkeypatch.setattr(Server, "__aexit__", removes_the_file)
    with pytest.raises(FileNotFoundError):
        forked_at(place, "served", False, tmp_path)
