"""Calls over a wire that delays, cuts, resets, says nothing: one outcome each, and a true one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.interop.places import Place, place_of
from tests.sweeps.history import History
from tests.sweeps.load import Load
from tests.sweeps.wire import FATES
from tracewire.codec import Status
from tracewire.protocol import Executed, RpcError
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.events import CallFailed

_CALLS = 60


def load(place: Place, folder: Path, seed: int) -> Load:
    made = Load(place, folder, seed)
    with asyncio.Runner(loop_factory=place.new_loop) as runner:
        runner.run(made.run(_CALLS))
    return made


def test_each_call_has_one_true_outcome(place: Place, tmp_path: Path) -> None:
    for seed in range(2):
        made = load(place, tmp_path, seed)
        assert not made.wrong, f"seed {seed}"


def test_each_fate_is_met(tmp_path: Path) -> None:
    place, met = place_of("memory", tmp_path), set[str]()
    for seed in range(6):
        met |= load(place, tmp_path, seed).met.keys()
    assert met == {*FATES} - {"lives", "slow"}


def test_a_side_that_denies_what_it_sent_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denying(end: Any) -> Any:
        def denies(self: Connection, *arguments: Any) -> Any:
            events = end(self, *arguments)
            for event in events:
                if isinstance(event, CallFailed):
                    event.error.executed = Executed.NO
            return events

        return denies

    for name in ("end", "lost"):
        monkeypatch.setattr(Connection, name, denying(getattr(Connection, name)))
    place, wrong = place_of("memory", tmp_path), list[str]()
    for seed in range(4):
        wrong += load(place, tmp_path, seed).wrong
    assert any("ran, and was reported as not executed" in each for each in wrong)


def test_the_history_knows_what_is_wrong() -> None:
    history = History()
    for name in "abcd":
        history.begin(name)
    history.ran.update({"a": 2, "b": 1, "e": 1})
    history.end("a", "a")
    history.end("b", RpcError(Status.UNAVAILABLE, executed=Executed.NO))
    history.end("c", RpcError(Status.NOT_FOUND, executed=Executed.YES))
    assert history.faults() == [
        "e ran, and nobody called it",
        "a ran 2 times",
        "a ran 2 times and gave 'a'",
        "b ran, and was reported as not executed: UNAVAILABLE (executed: no)",
        "c did not run, and was reported as executed: NOT_FOUND (executed: yes)",
        "d has 0 outcomes: []",
    ]
