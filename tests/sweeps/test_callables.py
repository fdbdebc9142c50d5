"""Whatever a user hands in may raise anything: calls are answered, and nothing is left."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.places import Place, place_of
from tests.sweeps import callables
from tests.sweeps.callables import FENCED, places, spend, sweep
from tests.sweeps.conftest import PLACES
from tests.sweeps.faults import KINDS, Odd, Panic
from tracewire.protocol.fence import Fence
from tracewire.protocol.peers.handlers import Handlers

#: Tried of every place, where that is cheapest, and one more of one in so many.
_ALWAYS, _FURTHER = KINDS.index(Panic), 3
#: Elsewhere one kind of one in so many.
_ONE_IN = len(PLACES) - 1


def _cheap(number: int, kind: int) -> bool:
    return kind == _ALWAYS or (number % _FURTHER, kind) == (0, number // _FURTHER % len(KINDS))


def test_each_place_raises_each_kind(place: Place, tmp_path: Path) -> None:
    if place.scheme == "memory" and place.new_loop is asyncio.new_event_loop:
        runs = sweep(place, tmp_path, _cheap)
        assert runs > 50
    else:
        offset = PLACES.index(f"{place.scheme}-asyncio") + (
            place.new_loop is not asyncio.new_event_loop
        )
        runs = sweep(
            place,
            tmp_path,
            lambda number, kind: (
                (number + offset) % _ONE_IN == 0
                and kind == (number + offset) // _ONE_IN % len(KINDS)
            ),
        )
        assert runs > 4


def test_every_place_is_reached(tmp_path: Path) -> None:
    memory = place_of("memory", tmp_path)
    reached = {*places(memory, tmp_path)}
    only_of_fan_outs = {"server's chance", "server's rate", "server's baggage"}
    assert FENCED - reached <= only_of_fan_outs
    assert {"tasks for Handlers._handle", "converter", "rollout", "message's text"} <= reached


def test_a_fence_that_is_torn_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*arguments: object) -> None:
        raise arguments[-1]  # type: ignore[misc]

    monkeypatch.setattr(Fence, "contain", raises)
    memory = place_of("memory", tmp_path)
    _, wrong = spend(memory, tmp_path, "client's sampler", Odd)
    assert any("gave Odd" in each for each in wrong)


def test_a_call_that_is_not_answered_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(_: Handlers, ending: BaseException) -> None:
        raise ending

    monkeypatch.setattr(Handlers, "_end_program", at_once)
    monkeypatch.setattr(callables, "_ANSWERED", 0.2)
    memory = place_of("memory", tmp_path)
    _, wrong = spend(memory, tmp_path, "server's sampler", SystemExit)
    assert "a call was not answered" in wrong
