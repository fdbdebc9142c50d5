"""Pairs of connections over a simulated wire, and the judge of their histories.

``python -m tests.property.simulate`` tries more seeds.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.property.history import History, Outcome
from tests.property.simulate import try_seeds
from tests.property.simulation import simulate
from tracewire.codec import Frame, Kind, Status, encode, encode_response, to_stream
from tracewire.protocol.connection import Connection
from tracewire.protocol.constants import Executed
from tracewire.protocol.events import Happening
from tracewire.protocol.status import RpcError

RUNS = 500


def test_no_history_is_wrong_and_every_kind_of_outcome_comes_up() -> None:
    wrong, kinds = try_seeds(range(RUNS))
    assert wrong == {}
    assert set(kinds) >= {
        "OK",
        "ABORTED, executed yes",
        "DEADLINE_EXCEEDED, executed maybe",
        "RESOURCE_EXHAUSTED, executed no",
        "UNAVAILABLE, executed maybe",
        "UNAVAILABLE, executed no",
        "given up",
    }
    assert min(kinds.values()) >= RUNS / 10


def test_a_seed_decides_all() -> None:
    assert [simulate(7) for _ in range(3)] == [simulate(7)] * 3


# The judge must be able to object: each of these connections has one fault.


class SwapsIds(Connection):
    __slots__ = ()

    def respond(self, id: int, payload: bytes = b"", extensions: Any = None) -> None:
        super().respond(next(iter(self._requests)), payload, extensions)


class AnswersTwice(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        super()._answer(id, frame)
        self._output.append(to_stream(frame))


class AnswersNothing(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        self._requests.end(id)
        self._settle()


class DeniesWhatRan(Connection):
    __slots__ = ()

    def cancelled(self, id: int) -> None:
        self.fail(id, RpcError(Status.UNAVAILABLE, "cancelled", executed=Executed.NO))

    def respond(self, id: int, payload: bytes = b"", extensions: Any = None) -> None:
        self.cancelled(id)


class SaysAWrongLastId(Connection):
    __slots__ = ()

    def drain(self, text: str | None = None) -> None:
        accepted, self._requests.last_id = self._requests.last_id, 0
        super().drain(text)
        self._requests.last_id = accepted


class LosesOutcomes(Connection):
    __slots__ = ()

    def end(self) -> list[Happening]:
        super().end()
        return []


class ReportsTwice(Connection):
    __slots__ = ()

    def expire(self) -> list[Happening]:
        return super().expire() * 2


class ReportsWhatWasGivenUp(Connection):
    __slots__ = ()

    def cancel(self, id: int) -> None:
        self._say(Frame(Kind.CANCEL, id, 0))


class KeepsPlaces(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        super()._answer(id, frame)
        self._requests._load.taken += 1


class NeverSettles(Connection):
    __slots__ = ()

    def _settle(self) -> None:
        pass


class SettlesTooSoon(Connection):
    __slots__ = ()

    def drain(self, text: str | None = None) -> None:
        super().drain(text)
        for id in list(self._requests):
            self._requests.end(id)
            self._requests._load.taken += 1
        self._settle()


class NeverWakes(Connection):
    __slots__ = ()

    def expire(self) -> list[Happening]:
        events = super().expire()
        self.wake = float("inf")
        return events


class WakesForEver(Connection):
    __slots__ = ()

    def expire(self) -> list[Happening]:
        events = super().expire()
        self.wake = 0.0
        return events


class StartsAfterGoaway(Connection):
    __slots__ = ()

    def request(self, *arguments: Any, **options: Any) -> int:
        id = super().request(*arguments, **options)
        if id == 3:
            self._say(Frame(Kind.GOAWAY, 0, 0))
        return id


class UsesIdsAgain(Connection):
    __slots__ = ()

    def cancel(self, id: int) -> None:
        super().cancel(id)
        self._calls._next_id = id


class AnswersBeforeItRuns(Connection):
    __slots__ = ()

    def start(self, id: int) -> bool:
        started = super().start(id)
        if started:
            self._output.append(to_stream(encode_response(id, b"")))
        return started


class HearsNotificationsTwice(Connection):
    __slots__ = ()

    def receive(self, data: bytes) -> list[Happening]:
        events = super().receive(data)
        return events + [event for event in events if type(event).__name__ == "Notified"]


class GreetsTwice(Connection):
    __slots__ = ()

    def notify(self, *arguments: Any, **options: Any) -> None:
        super().notify(*arguments, **options)
        self._output.append(to_stream(encode(Frame(Kind.HELLO, 0, 0))))


PLANTED: list[tuple[type[Connection], str]] = [
    (SwapsIds, "met the reply to"),
    (AnswersTwice, "has 2 responses"),
    (AnswersNothing, "was accepted and has 0 responses"),
    (DeniesWhatRan, "ran, and was reported as not executed"),
    (SaysAWrongLastId, "ran, and was reported as not executed"),
    (LosesOutcomes, "has 0 outcomes"),
    (ReportsTwice, "has 2 outcomes"),
    (ReportsWhatWasGivenUp, "has 2 outcomes"),
    (KeepsPlaces, "was left with"),
    (NeverSettles, "was left with"),
    (SettlesTooSoon, "could not be answered"),
    (NeverWakes, "was left with"),
    (WakesForEver, "to be woken at once for ever"),
    (StartsAfterGoaway, "began a call after its goaway"),
    (UsesIdsAgain, "wrote requests whose ids do not ascend"),
    (AnswersBeforeItRuns, "has 2 responses"),
    (HearsNotificationsTwice, "heard notifications twice"),
    (GreetsTwice, "said hello twice"),
]


@pytest.mark.parametrize(
    ("planted", "objection"), PLANTED, ids=lambda each: getattr(each, "__name__", "")
)
def test_the_judge_objects_to_a_planted_fault(
    planted: Callable[..., Connection], objection: str
) -> None:
    objections = (
        fault for seed in range(RUNS) for fault in simulate(seed, planted)[0] if objection in fault
    )
    assert next(objections, None) is not None


def history(*outcomes: Outcome) -> History:
    """Of one call that ran and was answered."""
    made = History(outcomes={"a1": list(outcomes)})
    made.wrote("a", to_stream(encode(Frame(Kind.REQUEST, 1, "m", b"a1"))))
    made.wrote("b", to_stream(encode(Frame(Kind.RESPONSE, 1, 0, b"a1"))))
    made.accepted["a1"] = made.ran["a1"] = 1
    return made


def test_the_judge_has_nothing_against_a_call_that_was_answered() -> None:
    assert history(Outcome(Status.OK, None, "a1")).faults() == []


def test_the_judge_objects_to_a_call_that_missed_its_response() -> None:
    made = history(Outcome(Status.UNAVAILABLE, Executed.MAYBE))
    assert made.faults() == ["call a1 was answered, and its side heard all, but not this"]
    made.broken = True
    assert made.faults() == []


def test_the_judge_objects_to_an_answer_of_a_handler_that_did_not_run() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.ran.clear()
    assert made.faults() == ["call a1 was answered, and did not run"]


def test_the_judge_objects_to_a_request_that_nobody_made() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.outcomes.clear()
    assert made.faults() == ["request a1 was accepted, and nobody made it"]


def test_the_judge_objects_to_a_request_that_ran_twice() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.ran["a1"] = 2
    assert made.faults() == ["request a1 was accepted 1 times and ran 2 times"]


def test_the_judge_objects_to_bytes_that_are_no_frame() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.wrote("b", to_stream(b"junk"))
    assert ["b wrote an invalid frame" in fault for fault in made.faults()] == [True]
