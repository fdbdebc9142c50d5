"""The fence around foreign code: what is logged, how often, and what goes through."""

import logging
import time
from asyncio import CancelledError
from typing import Any

import pytest

from tracewire.protocol import fence
from tracewire.protocol.fence import Fence, shown

LOGGER = logging.getLogger("tracewire.test")


class Untold(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands still, until it is told."""
    told = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: told[0])
    return told


def test_a_cause_is_logged_once_a_minute_with_how_often_it_came(now: Any, caplog: Any) -> None:
    a_fence = Fence()
    for seconds in (0.0, 1.0, 59.9, 60.0, 61.0):
        now[0] = seconds
        a_fence.report(LOGGER, "the sampler failed", KeyError(seconds))
    assert caplog.messages == [
        "the sampler failed",
        "the sampler failed (2 more of the kind since the last line)",
    ]
    assert a_fence.failures == 5
    assert "KeyError: 0.0" in caplog.text


def test_causes_are_told_apart_by_place_and_type_and_not_by_text(now: Any, caplog: Any) -> None:
    a_fence = Fence()
    for said, error in (
        ("a", KeyError(1)),
        ("a", KeyError(2)),
        ("a", TypeError()),
        ("b", KeyError()),
    ):
        a_fence.report(LOGGER, said, error)
    assert caplog.messages == ["a", "a", "b"]


def test_causes_are_bounded(now: Any, caplog: Any) -> None:
    a_fence = Fence()
    for number in range(1_000):
        a_fence.report(LOGGER, "a", type(f"Error{number}", (Exception,), {})())
    assert len(caplog.messages) == fence.MOST_CAUSES + 1


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), SystemExit(1)])
def test_what_ends_the_program_goes_through(ends: BaseException) -> None:
    with pytest.raises(type(ends)):
        Fence().contain(LOGGER, "a", ends)


@pytest.mark.parametrize("error", [Untold(), GeneratorExit(), CancelledError(), BaseException()])
def test_all_else_stays_inside(error: BaseException, caplog: Any) -> None:
    Fence().contain(LOGGER, "a", error)
    assert caplog.messages == ["a"]


class Broken(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise BaseException("a handler of logs")


def test_a_handler_of_logs_that_raises_is_contained_too() -> None:
    a_fence, broken = Fence(), Broken()
    LOGGER.addHandler(broken)
    try:
        a_fence.report(LOGGER, "a", KeyError())
    finally:
        LOGGER.removeHandler(broken)
    assert a_fence.failures == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("déjà", "déjà"),
        ("lone \ud800", "lone ?"),
        (KeyError("a"), "'a'"),
        (Untold(), "<Untold, whose text cannot be made>"),
    ],
)
def test_any_object_is_shown_as_text_that_can_be_written(value: object, text: str) -> None:
    assert shown(value) == text
    assert shown(value).encode()
