"""Deadlines (C-24): counted by both sides, rounded down, never sent as 0."""

from math import inf, nan

import pytest

from tests.unit.talk import (
    Extensions,
    Maker,
    cancel,
    error,
    notification,
    outcome,
    record,
    request,
    response,
)
from tracewire.codec import Status
from tracewire.protocol.connection.events import (
    CallAnswered,
    NotificationReceived,
    RequestCancelled,
    RequestReceived,
    RequestRefused,
)
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError
from tracewire.protocol.wire import read_timeout, write_timeout

SECOND: Extensions = {7: 1_000_000}


@pytest.mark.parametrize(
    ("seconds", "microseconds"),
    [
        (0.0, 0),
        (-1.0, -1_000_000),
        (0.000_000_9, 0),
        (0.000_001, 1),
        (0.000_001_9, 1),
        (1, 1_000_000),
        (1.5, 1_500_000),
        (1.999_999_9, 1_999_999),
        (140_737_488.355_328, 1 << 47),
        (140_737_489, 1 << 47),
        (1e300, 1 << 47),
        (10**30, 1 << 47),
        (inf, 1 << 47),
    ],
)
def test_timeouts_are_rounded_down_and_have_a_maximum(seconds: float, microseconds: int) -> None:
    assert write_timeout(seconds) == microseconds


def test_a_timeout_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        write_timeout(nan)


@pytest.mark.parametrize("microseconds", [1, 3, 999_999, 1_000_001, (1 << 47) - 1, 1 << 47])
def test_a_timeout_does_not_grow_at_a_hop(microseconds: int) -> None:
    seconds = read_timeout({7: microseconds})
    assert seconds is not None
    assert microseconds - 1 <= write_timeout(seconds) <= microseconds


def test_a_call_carries_its_timeout_beside_other_extensions(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m", extensions={"k": 1}, expires=talk.clock.now + 1.5)
    assert talk.says() == [request(1, extensions={7: 1_500_000, "k": 1})]


@pytest.mark.parametrize("timeout", [0, 0.0, 0.000_000_9, -1.0])
def test_a_call_without_time_left_fails_here(met: Maker, timeout: float) -> None:
    talk = met()
    with pytest.raises(RpcError) as caught:
        talk.connection.request("caller", "m", expires=talk.clock.now + timeout)
    assert (caught.value.status, caught.value.executed) == (
        Status.DEADLINE_EXCEEDED,
        Executed.NO,
    )
    assert talk.says() == []
    assert talk.connection.calls_open == 0


@pytest.mark.parametrize(
    ("name", "arguments"), [("request", ("caller", "m")), ("notify", ("m",)), ("send", (b"",))]
)
def test_a_timeout_of_0_is_never_sent(met: Maker, name: str, arguments: tuple[object, ...]) -> None:
    talk = met()
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments, extensions={7: 0})
    assert caught.value.status == Status.DEADLINE_EXCEEDED
    assert talk.says() == []


def test_a_call_with_a_microsecond_left_is_made(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m", expires=talk.clock.now + 2**-19)  # 1.9 microseconds
    assert talk.says() == [request(1, extensions={7: 1})]


def test_a_call_for_ever_may_be_said_so(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m", expires=talk.clock.now + inf)
    assert talk.says() == [request(1, extensions={7: 1 << 47})]
    assert talk.waits(1e9) == []


def test_the_caller_s_side_enforces_the_deadline(met: Maker) -> None:
    talk = met()
    talk.connection.request("late", "m", expires=talk.clock.now + 1.0)
    talk.connection.request("later", "m", expires=talk.clock.now + 2.0)
    talk.connection.request("never", "m")
    talk.says()
    assert talk.connection.wake == talk.clock.now + 1
    assert talk.waits(0.999) == []
    assert [outcome(event) for event in talk.waits(0.001)] == [
        ("late", Status.DEADLINE_EXCEEDED, Executed.MAYBE)
    ]
    assert talk.says() == [cancel(1)]
    assert talk.connection.wake == talk.clock.now + 1
    assert [outcome(event)[0] for event in talk.waits(1.0)] == ["later"]
    assert talk.connection.wake == inf
    assert talk.hears(response(1), response(2)) == []
    assert talk.hears(response(3)) == [CallAnswered("never", response(3))]


def test_a_response_in_time_ends_the_deadline(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m", expires=talk.clock.now + 1.0)
    talk.hears(response(1))
    assert talk.waits(2.0) == []
    assert talk.connection.wake == inf
    assert talk.says() == [request(1, extensions=SECOND)]


def test_the_handler_s_side_enforces_the_deadline(met: Maker) -> None:
    talk = met()
    asked = request(1, extensions=SECOND)
    assert talk.hears(asked) == [RequestReceived(1, asked, talk.clock.now + 1)]
    assert talk.connection.wake == talk.clock.now + 1
    assert talk.waits(0.999) == []
    assert talk.waits(0.001) == [RequestCancelled(1, Status.DEADLINE_EXCEEDED)]
    assert talk.connection.requests_open == 1
    talk.connection.cancelled(1)
    assert [error(said) for said in talk.says()] == [(1, Status.DEADLINE_EXCEEDED, Executed.MAYBE)]
    assert talk.connection.wake == inf


def test_a_response_of_a_handler_that_expired_is_still_the_answer(met: Maker) -> None:
    talk = met()
    talk.hears(request(1, extensions=SECOND))
    talk.waits(1.0)
    talk.connection.respond(1, b"just")
    assert talk.says() == [response(1, b"just")]


def test_a_request_that_expired_before_its_handler_started_does_not_start(met: Maker) -> None:
    talk = met()
    talk.hears(request(1, extensions=SECOND))
    talk.waits(1.0)
    assert not talk.connection.start(1)
    assert [error(said) for said in talk.says()] == [(1, Status.DEADLINE_EXCEEDED, Executed.NO)]


def test_the_first_cause_of_a_cancelled_handler_is_answered(met: Maker) -> None:
    talk = met()
    talk.hears(request(1, extensions=SECOND), request(2, extensions=SECOND), cancel(1))
    assert talk.waits(1.0) == [RequestCancelled(2, Status.DEADLINE_EXCEEDED)]
    assert talk.hears(cancel(2)) == []
    talk.connection.cancelled(1)
    talk.connection.cancelled(2)
    assert [error(said)[:2] for said in talk.says()] == [
        (1, Status.CANCELLED),
        (2, Status.DEADLINE_EXCEEDED),
    ]


def test_time_counts_from_the_record_s_first_byte(met: Maker) -> None:
    talk = met()
    asked = request(1, extensions=SECOND)
    began = talk.clock.now
    talk.receives(record(asked)[:1])
    talk.waits(0.6)
    assert talk.receives(record(asked)[1:]) == [RequestReceived(1, asked, began + 1)]


def test_time_of_the_next_record_counts_from_its_own_first_byte(met: Maker) -> None:
    talk = met()
    first, second = request(1, extensions=SECOND), request(2, extensions=SECOND)
    talk.receives(record(first)[:1])
    talk.waits(0.5)
    events = talk.receives(record(first)[1:] + record(second))
    assert [event.expires for event in events if isinstance(event, RequestReceived)] == [
        talk.clock.now + 0.5,
        talk.clock.now + 1,
    ]


def test_a_request_whose_time_passed_while_it_arrived_is_refused(met: Maker) -> None:
    talk = met()
    stream = record(request(1, extensions=SECOND))
    talk.receives(stream[:-1])
    talk.waits(1.0)
    [refused] = talk.receives(stream[-1:])
    assert isinstance(refused, RequestRefused)
    assert refused.frame == request(1, extensions=SECOND)
    assert refused.status is Status.DEADLINE_EXCEEDED
    assert [error(said) for said in talk.says()] == [(1, Status.DEADLINE_EXCEEDED, Executed.NO)]


def test_a_request_with_a_timeout_of_0_is_refused(met: Maker) -> None:
    talk = met()
    [refused] = talk.hears(request(1, extensions={7: 0}))
    assert isinstance(refused, RequestRefused)
    assert [error(said) for said in talk.says()] == [(1, Status.DEADLINE_EXCEEDED, Executed.NO)]


def test_a_request_with_a_microsecond_left_is_accepted(met: Maker) -> None:
    talk = met()
    assert len(talk.hears(request(1, extensions={7: 1}))) == 1


@pytest.mark.parametrize("method", ["m", ""])
def test_a_notification_with_a_timeout_of_0_is_dropped(met: Maker, method: str) -> None:
    talk = met()
    assert talk.hears(notification(method, extensions={7: 0})) == []
    assert talk.connection.counts["notifications_expired"] == 1


def test_a_notification_whose_time_passed_while_it_arrived_is_dropped(met: Maker) -> None:
    talk = met()
    stream = record(notification(extensions=SECOND))
    talk.receives(stream[:-1])
    talk.waits(1.0)
    assert talk.receives(stream[-1:]) == []
    assert talk.connection.counts["notifications_expired"] == 1


def test_a_notification_says_when_it_expires(met: Maker) -> None:
    talk = met()
    told = notification(extensions=SECOND)
    assert talk.hears(told) == [NotificationReceived(told, talk.clock.now + 1)]
