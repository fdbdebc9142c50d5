"""Pairs of connections over a simulated wire, and the judge of their histories.

``python -m tests.property.simulate`` tries more seeds.
"""

import pytest

from tests.property.history import History, Outcome
from tests.property.planted import PLANTED
from tests.property.simulate import try_seeds
from tests.property.simulation import simulate
from tracewire.codec import Frame, Kind, Status, encode, to_stream
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.messages import Goaway
from tracewire.protocol.connection.shutdown import State, Trigger
from tracewire.protocol.constants import Executed

RUNS = 500
#: Seeds in which every planted fault is found.
FEW = 150


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


def test_every_state_comes_up() -> None:
    seen = {State.OPEN}

    class Watched(Connection):
        __slots__ = ()

        def _move(self, event: Trigger) -> None:
            super()._move(event)
            seen.add(self.state)

    for seed in range(FEW):
        simulate(seed, Watched)
    assert seen == set(State)


# The judge must be able to object.


@pytest.mark.parametrize(
    ("planted", "objection"), PLANTED, ids=lambda each: getattr(each, "__name__", "")
)
def test_the_judge_objects_to_a_planted_fault(planted: type[Connection], objection: str) -> None:
    found = (fault for seed in range(FEW) for fault in simulate(seed, planted)[0])
    assert any(objection in fault for fault in found)


def history(*outcomes: Outcome) -> History:
    """Of one call that ran and was answered."""
    made = History(outcomes={"a1": list(outcomes)})
    made.wrote("a", to_stream(encode(Frame(Kind.REQUEST, 1, "m", b"a1"))))
    made.wrote("b", to_stream(encode(Frame(Kind.RESPONSE, 1, 0, b"a1"))))
    made.accepted["a1"] = made.ran["a1"] = 1
    return made


def test_the_judge_has_nothing_against_a_call_that_was_answered() -> None:
    assert history(Outcome(Status.OK, None, "a1")).faults() == []


def test_the_judge_objects_to_a_side_that_was_told_all_and_does_not_know() -> None:
    made = history(Outcome(Status.UNAVAILABLE, Executed.MAYBE))
    assert made.faults() == []  # it was not told which call was the last
    made.wrote("b", to_stream(encode(Goaway(1).frame())))
    assert made.faults() == ["call a1 may have run, and its side heard all, but not whether"]
    made.broken = True
    assert made.faults() == []


def test_the_judge_objects_to_a_call_that_ran_and_is_said_not_to_have() -> None:
    made = history(Outcome(Status.UNAVAILABLE, Executed.NO))
    assert made.faults() == ["call a1 ran, and was reported as not executed"]


def test_the_judge_objects_to_a_call_without_an_outcome_and_to_one_with_two() -> None:
    ok = Outcome(Status.OK, None, "a1")
    assert history().faults() == ["call a1 has 0 outcomes: []"]
    assert history(ok, ok).faults() == [f"call a1 has 2 outcomes: {[ok, ok]}"]


def test_the_judge_objects_to_the_reply_to_another_call() -> None:
    assert history(Outcome(Status.OK, None, "a2")).faults() == ["call a1 met the reply to a2"]


def test_the_judge_objects_to_an_answer_of_a_handler_that_did_not_run() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.ran.clear()
    assert made.faults() == ["call a1 was answered, and did not run"]


def test_the_judge_objects_to_a_request_that_nobody_made() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.outcomes.clear()
    assert made.faults() == ["request a1 was accepted, and nobody made it"]


def test_the_judge_objects_to_a_request_that_ran_and_was_not_accepted() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.accepted.clear()
    assert made.faults() == ["request a1 ran, and was not accepted"]


def test_the_judge_objects_to_a_request_that_ran_twice() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.ran["a1"] = 2
    assert made.faults() == ["request a1 was accepted 1 times and ran 2 times"]


def test_the_judge_objects_to_bytes_that_are_no_frame() -> None:
    made = history(Outcome(Status.OK, None, "a1"))
    made.wrote("b", to_stream(b"junk"))
    assert ["b wrote an invalid frame" in fault for fault in made.faults()] == [True]
