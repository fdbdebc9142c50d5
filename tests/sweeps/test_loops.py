"""One event loop after another, as asyncio.run makes them: none stays, and nothing grows."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.places import Place, place_of
from tests.sweeps.loops import run_loops
from tracewire.protocol.peers.per_loop import LoopAffinity


def test_nothing_is_kept_of_loops(place: Place, tmp_path: Path) -> None:
    assert not run_loops(place, tmp_path, 20)


def test_loops_that_are_kept_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    make = LoopAffinity.__init__

    def keeps(self: LoopAffinity, what: str, again: str) -> None:
        make(self, what, again)
        kept.append(asyncio.get_running_loop())

    monkeypatch.setattr(LoopAffinity, "__init__", keeps)
    wrong = run_loops(place_of("memory", tmp_path), tmp_path, 20)
    assert any("loops are kept" in each for each in wrong)
