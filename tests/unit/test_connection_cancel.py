"""Cancels and pings, and sides that send too many of them (section 7.4)."""

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.talk import (
    Maker,
    body,
    cancel,
    error,
    notification,
    outcome,
    ping,
    pong,
    request,
    response,
)
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol.connection.events import CallAnswered, RequestCancelled, RequestReceived
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError


def test_giving_a_call_up_says_cancel(met: Maker) -> None:
    talk = met()
    id = talk.connection.request("caller", "m")
    talk.connection.cancel(id)
    assert talk.says() == [request(1), cancel(1)]
    assert talk.connection.calls_open == 0


def test_the_outcome_of_a_call_that_was_given_up_is_not_reported(met: Maker) -> None:
    talk = met()
    talk.connection.cancel(talk.connection.request("caller", "m", expires=talk.clock.now + 1.0))
    assert talk.hears(response(1)) == []
    assert talk.waits(2.0) == []
    assert talk.connection.lost() == []


@pytest.mark.parametrize("answered", [False, True])
def test_a_call_that_is_over_is_not_cancelled(met: Maker, answered: bool) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    if answered:
        talk.hears(response(1))
    else:
        talk.connection.cancel(1)
    talk.says()
    talk.connection.cancel(1)
    talk.connection.cancel(2)
    assert talk.says() == []


def test_a_side_that_ends_now_says_cancel_for_what_is_open(met: Maker) -> None:
    """And its callers still learn how their calls ended."""
    talk = met()
    for caller in ("answered", "given up", "open", "also open"):
        talk.connection.request(caller, "m")
    talk.hears(response(1))
    talk.connection.cancel(2)
    talk.says()
    talk.connection.cancel_all()
    assert talk.says() == [cancel(3), cancel(4)]
    maybe = Status.UNAVAILABLE, Executed.MAYBE
    assert [outcome(each) for each in talk.connection.lost()] == [
        ("open", *maybe),
        ("also open", *maybe),
    ]


def test_a_cancel_only_cancels_the_handler(met: Maker) -> None:  # C-16
    talk = met()
    talk.hears(request(1))
    assert talk.hears(cancel(1)) == [RequestCancelled(1, Status.CANCELLED)]
    assert talk.says() == []
    assert talk.connection.requests_open == 1


def test_a_handler_that_made_a_response_in_spite_of_a_cancel_is_heard(met: Maker) -> None:  # C-16
    talk = met()
    talk.hears(request(1), cancel(1))
    talk.connection.respond(1, b"done")
    assert talk.says() == [response(1, b"done")]


def test_a_handler_that_ended_by_a_cancel_is_answered_so(met: Maker) -> None:  # C-16
    talk = met()
    talk.hears(request(1))
    assert talk.connection.start(1)
    talk.hears(cancel(1))
    talk.connection.cancelled(1)
    assert [error(said) for said in talk.says()] == [(1, Status.CANCELLED, Executed.MAYBE)]


def test_a_handler_that_was_cancelled_by_its_own_side_is_answered_so(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    talk.connection.cancelled(1)
    assert [error(said) for said in talk.says()] == [(1, Status.CANCELLED, Executed.MAYBE)]


def test_a_cancelled_request_holds_its_place_until_it_is_answered(met: Maker) -> None:  # C-16
    limit = ConcurrencyLimit(10)
    talk = met(in_flight=1, server=limit)
    talk.hears(request(1), cancel(1), request(2))
    assert [error(said) for said in talk.says()] == [(2, Status.RESOURCE_EXHAUSTED, Executed.NO)]
    assert limit.taken == 1
    talk.connection.cancelled(1)
    assert limit.taken == 0
    assert talk.hears(request(3)) == [RequestReceived(3, request(3), None)]


def test_a_second_cancel_of_a_request_does_nothing(met: Maker) -> None:
    talk = met()
    talk.hears(request(1), request(2), cancel(1))
    assert talk.hears(cancel(1)) == []
    assert talk.connection.counts["unknown_cancels"] == 0


def test_cancels_are_applied_before_handlers_start(met: Maker) -> None:
    talk = met()
    events = talk.hears(request(1), request(2), cancel(1))
    assert [type(event).__name__ for event in events] == [
        "RequestReceived",
        "RequestReceived",
        "RequestCancelled",
    ]
    assert not talk.connection.start(1)
    assert talk.connection.start(2)
    assert [error(said) for said in talk.says()] == [(1, Status.CANCELLED, Executed.NO)]
    with pytest.raises(KeyError):
        talk.connection.respond(1)


def test_what_a_cancel_holds_is_ignored(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    assert talk.hears(Frame(Kind.CANCEL, 1, 0, b"\xff" * 100, None, {"k": 1})) != []


def test_as_many_cancels_as_requests_are_borne(met: Maker) -> None:
    talk = met()
    talk.hears(request(1), request(2))
    talk.hears(cancel(1), cancel(77))
    assert talk.state() is State.OPEN


def test_more_cancels_than_requests_are_a_connection_error(met: Maker) -> None:  # C-20
    talk = met()
    talk.hears(request(1), request(2))
    talk.hears(cancel(1), cancel(2), cancel(2))
    [said] = talk.says()
    assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.RESOURCE_EXHAUSTED)
    assert talk.state() is State.FAILED


def test_a_cancel_of_a_request_that_was_refused_is_borne(met: Maker) -> None:
    talk = met(in_flight=1)
    talk.hears(
        request(1), request(2), request(3, extensions={65_538: 1}), b"\xd9\xd4\xf7\x84\x00\x04"
    )
    talk.hears(cancel(1), cancel(2), cancel(3), cancel(4))
    assert talk.state() is State.OPEN
    assert talk.connection.counts["unknown_cancels"] == 3


def test_an_invalid_request_that_was_answered_may_be_cancelled_once(met: Maker) -> None:
    talk = met()
    talk.hears(frame_bytes(0, 5, ""), cancel(5))
    assert talk.state() is State.OPEN
    talk.hears(cancel(5))
    assert talk.state() is State.FAILED


def test_a_request_and_its_cancel_may_follow_one_another_for_ever(met: Maker) -> None:
    talk = met()
    for id in range(1, 2_001):
        talk.hears(request(id), cancel(id))
        talk.connection.cancelled(id)
    assert talk.state() is State.OPEN
    assert talk.connection.requests_open == 0


def test_two_ping_strikes_are_borne(met: Maker) -> None:  # C-15
    talk = met()
    talk.hears(ping(1), ping(2), ping(3))
    assert talk.says() == [pong(1), pong(2), pong(3)]
    assert talk.state() is State.OPEN


def test_the_third_ping_strike_is_a_connection_error(met: Maker) -> None:  # C-15, C-20
    talk = met()
    talk.hears(ping(1), ping(2), ping(3), ping(4))
    *pongs, said = talk.says()
    assert pongs == [pong(1), pong(2), pong(3)]
    assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.RESOURCE_EXHAUSTED)


def test_a_ping_a_second_is_no_strike(met: Maker) -> None:  # C-15
    talk = met()
    for id in range(1, 20):
        talk.hears(ping(id))
        talk.waits(1.0)
    assert talk.state() is State.OPEN


def test_pings_just_within_a_second_are_strikes(met: Maker) -> None:  # C-15
    talk = met()
    for id in range(1, 4):
        talk.hears(ping(id))
        talk.waits(0.999)
    assert talk.state() is State.OPEN
    talk.hears(ping(4))
    assert talk.state() is State.FAILED


def test_patience_between_strikes_clears_none(met: Maker) -> None:  # C-15: other frames do
    talk = met()
    talk.hears(ping(1), ping(2), ping(3))
    talk.waits(100.0)
    talk.hears(ping(4))
    assert talk.state() is State.OPEN
    talk.hears(ping(5))
    assert talk.state() is State.FAILED


@pytest.mark.parametrize(
    "other",
    [notification(), request(1), response(1), pong(), Frame(32_768, 0, 0), cancel(9)],
    ids=lambda frame: f"kind-{int(frame.kind)}",
)
def test_any_other_frame_clears_the_strikes(met: Maker, other: Frame) -> None:  # C-15
    talk = met()
    talk.hears(request(9), ping(1), ping(2), ping(3), other, ping(4), ping(5))
    assert talk.state() is State.OPEN
    talk.hears(ping(6))
    assert talk.state() is State.FAILED


def test_a_record_that_is_no_frame_clears_no_strike(met: Maker) -> None:  # C-15
    talk = met()
    talk.hears(ping(1), ping(2), ping(3), b"", ping(4))
    assert talk.state() is State.FAILED


def test_a_quiet_side_is_asked_for_a_sign_of_life(met: Maker) -> None:
    talk = met(keepalive_seconds=10)
    talk.connection.request("caller", "m")
    talk.says()
    assert talk.connection.wake == talk.clock.now + 10
    talk.waits(9.9)
    assert talk.says() == []
    talk.waits(0.1)
    assert talk.says() == [ping(1)]
    assert talk.hears(pong(1)) != []
    talk.waits(9.9)
    assert talk.says() == []
    assert talk.state() is State.OPEN


def test_any_input_is_a_sign_of_life(met: Maker) -> None:
    talk = met(keepalive_seconds=10)
    talk.connection.request("caller", "m")
    talk.waits(10.0)
    talk.hears(notification())
    talk.waits(9.9)
    assert talk.state() is State.OPEN


def test_a_side_that_gives_no_sign_of_life_is_given_up(met: Maker) -> None:  # C-20
    talk = met(keepalive_seconds=10)
    talk.connection.request("caller", "m")
    talk.waits(10.0)
    assert talk.connection.wake == talk.clock.now + 10
    assert talk.waits(9.9) == []
    [failed] = talk.waits(0.1)
    assert failed.caller == "caller"  # type: ignore[union-attr]
    assert [frame.kind for frame in talk.says()] == [Kind.REQUEST, Kind.PING, Kind.GOAWAY]
    assert talk.state() is State.FAILED


def test_a_side_without_calls_is_asked_whether_it_is_there(met: Maker) -> None:
    talk = met(keepalive_seconds=10)
    assert talk.connection.wake == talk.clock.now + 10
    talk.waits(10.0)
    assert talk.says() == [ping(1)]
    talk.hears(pong(1))
    talk.waits(10.0)
    assert talk.says() == [ping(2)]
    talk.waits(10.0)
    assert talk.state() is State.FAILED


def test_no_sign_of_life_is_asked_for_after_this_side_said_its_last(met: Maker) -> None:
    talk = met(keepalive_seconds=1.5)
    talk.connection.request("caller", "m")
    talk.connection.drain()
    talk.says()
    assert talk.state() is State.LINGERING
    for _ in range(4):
        assert talk.waits(1.2) == []
    assert talk.says() == []
    assert talk.state() is State.LINGERING
    assert talk.hears(response(1)) == [CallAnswered("caller", response(1))]


def test_without_keepalive_no_ping_is_sent(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    talk.says()
    talk.waits(1_000_000.0)
    assert talk.says() == []


def test_errors_of_refused_pings_say_so(met: Maker) -> None:
    talk = met()
    talk.connection.drain()
    with pytest.raises(RpcError, match="closing"):
        talk.connection.ping()
