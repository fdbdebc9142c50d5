"""The end of input and of the transport (C-19), and a connection that is closed."""

import pytest

from tests.unit.talk import (
    Maker,
    error,
    goaway,
    notification,
    outcome,
    record,
    request,
    response,
)
from tracewire.codec import Status
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed

MAX_ID = 4_294_967_295


@pytest.mark.parametrize("drained_here", [True, False])
def test_at_the_end_of_input_calls_that_were_accepted_may_have_run(
    met: Maker, drained_here: bool
) -> None:  # C-19
    talk = met()
    for caller in ("a", "b", "c"):
        talk.connection.request(caller, "m")
    if drained_here:
        talk.connection.drain()
    talk.hears(goaway(2, 0, "restarting"))  # which refuses c
    events = talk.connection.end()
    assert [outcome(event) for event in events] == [
        ("a", Status.UNAVAILABLE, Executed.MAYBE),
        ("b", Status.UNAVAILABLE, Executed.MAYBE),
    ]
    assert all("restarting" in event.error.message for event in events)  # type: ignore[union-attr]


def test_at_the_end_without_goaway_any_call_may_have_run(met: Maker) -> None:  # C-19
    talk = met()
    skipped = talk.connection
    skipped._outgoing._next_id = MAX_ID - 1
    skipped.request("a", "m")
    [event] = skipped.end()
    assert outcome(event) == ("a", Status.UNAVAILABLE, Executed.MAYBE)


def test_a_lost_transport_fails_calls_as_the_end_does(met: Maker) -> None:  # C-19
    talk = met()
    talk.connection.request("a", "m")
    talk.hears(goaway(1, 0, "restarting"))
    events = talk.connection.lost("the cable broke")
    assert [outcome(event) for event in events] == [("a", Status.UNAVAILABLE, Executed.MAYBE)]
    assert events[0].error.message == "the cable broke: restarting"  # type: ignore[union-attr]
    assert talk.state() is State.CLOSED
    assert talk.connection.lost() == []


def test_a_lost_transport_cancels_handlers_which_then_end(met: Maker) -> None:
    talk = met()
    talk.hears(request(1), request(2))
    events = talk.connection.lost()
    assert [(type(event).__name__, event.id) for event in events] == [  # type: ignore[union-attr]
        ("RequestCancelled", 1),
        ("RequestCancelled", 2),
    ]
    assert talk.connection.requests_open == 2
    talk.connection.respond(1)
    talk.connection.cancelled(2)
    assert talk.connection.requests_open == 0
    assert talk.says() == []


def test_after_a_half_close_responses_are_still_written(met: Maker) -> None:
    talk = met()
    talk.hears(request(1), request(2))
    assert talk.connection.end() == []
    assert talk.state() is State.FINISHING
    talk.connection.respond(1, b"1")
    assert talk.says() == [response(1, b"1")]
    talk.connection.respond(2, b"2")
    assert talk.says() == [response(2, b"2")]
    assert talk.state() is State.CLOSED


def test_after_a_half_close_deadlines_hold(met: Maker) -> None:
    talk = met()
    talk.hears(request(1, extensions={7: 1_000_000}))
    talk.connection.end()
    assert [type(event).__name__ for event in talk.waits(1.0)] == ["RequestCancelled"]
    talk.connection.cancelled(1)
    assert [error(said)[:2] for said in talk.says()] == [(1, Status.DEADLINE_EXCEEDED)]


def test_input_that_ends_while_idle_closes(met: Maker) -> None:
    talk = met()
    talk.connection.end()
    assert talk.state() is State.CLOSED
    assert talk.connection.end() == []


@pytest.mark.parametrize("last", ["end", "lost", "expire"])
def test_a_closed_connection_asks_for_nothing_more(met: Maker, last: str) -> None:
    talk = met(keepalive_seconds=2)
    talk.connection.request("caller", "m", expires=talk.clock.now + 60.0)
    talk.receives(record(notification())[:-1])
    talk.connection.drain()
    if last == "expire":
        talk.waits(5.0)
    else:
        getattr(talk.connection, last)()
    assert talk.state() is State.CLOSED
    assert talk.waits(5.0) == []
    assert talk.connection.wake == float("inf")
    talk.connection.drain()
    talk.connection.overflow()
    talk.connection.end()
    assert talk.connection.receive(record(request(1))) == []
    assert talk.state() is State.CLOSED


def test_a_finishing_side_is_not_woken_for_input_that_cannot_come(met: Maker) -> None:
    talk = met(keepalive_seconds=2)
    talk.hears(request(1))
    talk.receives(record(notification())[:-1])
    talk.connection.end()
    talk.waits(1_000.0)
    assert talk.state() is State.FINISHING
    assert talk.connection.wake == float("inf")
