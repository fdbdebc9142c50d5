"""What is read and may not start yet (C-87 to C-91, C-102), and slots of servers (C-79)."""

import pytest

from tests.unit.talk import Maker, Talk, cancel, error, notification, request
from tests.unit.test_connection_waiting import LIMIT, asked, stuck
from tracewire.codec import Frame, Status
from tracewire.protocol.connection.events import RequestRefused
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import QUEUED_BYTES, Executed

#: A payload that fills the queue.
FULL = bytes(LIMIT - QUEUED_BYTES)


def holds(talk: Talk, *frames: Frame | bytes) -> list[object]:
    """What comes of these, none of which may start."""
    events: list[object] = []
    for event in talk.hears(*frames):
        assert not talk.connection.may_start
        events += talk.connection.hold(event)  # type: ignore[arg-type]
    return events


@pytest.mark.parametrize(("left", "may"), [(LIMIT, True), (LIMIT + 1, False)])
def test_a_handler_starts_until_more_than_the_limit_waits(met: Maker, left: int, may: bool) -> None:
    assert stuck(met, left).connection.may_start is may  # C-87


def test_what_waits_for_room_counts(met: Maker) -> None:
    talk = stuck(met)
    asked(talk, 1).respond(1)
    assert not talk.connection.may_start
    talk.hears(cancel(1))  # it is replaced by an error, which is written
    talk.connection.outbox.take()
    talk.connection.written(LIMIT)
    assert talk.connection.may_start


def test_they_start_in_order_once_they_may(met: Maker) -> None:  # C-88
    talk = stuck(met, LIMIT + 1)
    assert holds(talk, request(1), notification("n"), notification(""), request(2)) == []
    assert talk.connection.requests_open == 2
    assert talk.connection.next_to_start() is None
    talk.connection.written(LIMIT)
    assert not talk.connection.may_start  # for another, who would pass them
    started = [talk.connection.next_to_start() for _ in range(5)]
    names = [type(each).__name__ for each in started]
    assert names == [
        "RequestReceived",
        "NotificationReceived",
        "MessageReceived",
        "RequestReceived",
        "NoneType",
    ]
    assert talk.connection.may_start


@pytest.mark.parametrize("over", [0, 1])
def test_a_request_over_the_bytes_of_the_queue_is_refused(met: Maker, over: int) -> None:  # C-89
    talk = stuck(met, LIMIT + 1)
    half = LIMIT // 2 - QUEUED_BYTES
    first, second = request(1, "m", bytes(half)), request(2, "m", bytes(half + over))
    events = holds(talk, first, second)
    said = "too much waits to start"
    refused = [RequestRefused(second, Status.RESOURCE_EXHAUSTED, said)]
    assert events == refused * over
    answers = [(2, Status.RESOURCE_EXHAUSTED, Executed.NO)]
    assert [error(frame) for frame in talk.says()] == answers * over
    assert talk.connection.requests_open == 2 - over


@pytest.mark.parametrize("method", ["n", ""])
@pytest.mark.parametrize("over", [0, 1])
def test_a_notification_over_the_bytes_is_dropped_and_counted(
    met: Maker, over: int, method: str
) -> None:  # C-90
    talk = stuck(met, LIMIT + 1)
    assert holds(talk, notification(method, FULL + bytes(over))) == []
    assert talk.connection.counts["notifications_refused"] == over
    talk.connection.written(0)
    assert (talk.connection.next_to_start() is None) is bool(over)


def test_empty_notifications_are_counted_as_the_memory_that_they_take(met: Maker) -> None:
    talk = stuck(met, LIMIT + 1)  # C-102
    most = LIMIT // QUEUED_BYTES
    holds(talk, *[notification("n")] * (most + 1))
    assert talk.connection.counts["notifications_refused"] == 1
    assert talk.connection.size == LIMIT + 1 + most * QUEUED_BYTES


@pytest.mark.parametrize("how", ["cancel", "expiry", "cancel before"])
def test_a_request_that_ends_in_the_queue_is_answered_at_once(met: Maker, how: str) -> None:
    slots = ConcurrencyLimit(10)  # C-91
    talk = stuck(met, LIMIT + 1, server=slots)
    timed = request(1, "m", FULL, {7: 1_000_000})
    if how == "cancel before":  # in the same input
        received, _ = talk.hears(timed, cancel(1))
        status, events = Status.CANCELLED, talk.connection.hold(received)  # type: ignore[arg-type]
    else:
        holds(talk, timed)
        late = how == "expiry"
        status = Status.DEADLINE_EXCEEDED if late else Status.CANCELLED
        events = talk.waits(1.0) if late else talk.hears(cancel(1))
    said = "the deadline passed" if how == "expiry" else "the call was cancelled"
    assert events == [RequestRefused(timed, status, said)]
    assert [error(frame) for frame in talk.says()] == [(1, status, Executed.NO)]
    assert (slots.taken, talk.connection.requests_open) == (0, 0)
    assert holds(talk, request(2, "m", FULL)) == []  # the bytes are free as well


def test_a_drain_waits_for_what_may_not_start_yet(met: Maker) -> None:
    talk = stuck(met, LIMIT + 1)
    holds(talk, notification("n"))
    talk.connection.drain()
    talk.connection.written(0)
    assert talk.state() is State.DRAINING
    talk.connection.next_to_start()
    talk.connection.begin_notice()
    talk.connection.end_notice()
    assert talk.state() is State.LINGERING


def test_one_connection_has_a_quarter_of_the_slots_while_others_want_some(met: Maker) -> None:
    slots = ConcurrencyLimit(8)  # C-79
    one, other = met(server=slots), met(server=slots)
    one.hears(*map(request, range(1, 9)))  # all of them: nobody wants one
    assert slots.taken == 8
    other.hears(request(1))
    assert [error(said)[0] for said in other.says()] == [1]
    for id in (1, 2):
        one.connection.respond(id)
    one.hears(request(9))
    assert [error(frame)[:2] for frame in one.says()[2:]] == [(9, Status.RESOURCE_EXHAUSTED)]
    assert len(other.hears(request(2), request(3))) == 2
    assert slots.taken == 8
    for id in (3, 4):
        one.connection.respond(id)
    one.clock.now += 1.0  # nobody has wanted one for a while
    one.says()
    one.hears(request(10), request(11))
    assert one.says() == []
