"""What waits for room, and what goes without (C-81 to C-86)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.talk import Maker, Talk, cancel, error, goaway, meet, outcome, ping, request
from tracewire.codec import Kind, Status, encode_request
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.events import CallFailed, MessageSent, RequestCancelled
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError

LIMIT = 1_000
#: Bytes of the record of a notification without a payload, and of a response.
NOTIFICATION, RESPONSE = 13, 12


def stuck(met: Maker, left: int = LIMIT, **options: Any) -> Talk:
    """A connection whose transport has not taken so many bytes yet."""
    talk = met(write_buffer=LIMIT, **options)
    talk.connection.notify("m", bytes(left - NOTIFICATION - 2))
    assert len(talk.connection.outbox.take()) == left
    talk.connection.written(left)
    return talk


def asked(talk: Talk, *ids: int) -> Connection:
    """The connection, after these requests were received."""
    talk.hears(*map(request, ids))
    return talk.connection


@pytest.mark.parametrize(("left", "waits"), [(LIMIT - 1, 0), (LIMIT, 1)])
def test_a_result_waits_once_the_limit_is_left(met: Maker, left: int, waits: int) -> None:
    talk = stuck(met, left)
    asked(talk, 1).respond(1, bytes(5 * LIMIT))  # one, however long. C-82
    assert len(talk.connection.outbox.waiting) == waits
    assert len(talk.says()) == 1 - waits


def test_those_that_wait_are_sent_in_the_order_in_which_they_came(met: Maker) -> None:  # C-81
    talk = stuck(met)
    connection = asked(talk, 1, 2)
    connection.respond(1)
    connection.notify("n", sender="sender")
    connection.request("caller", "c")
    connection.fail(2, RpcError(Status.ABORTED))
    connection.send(b"message", sender="other")
    assert talk.says() == []
    assert connection.written(0) == [MessageSent("sender"), MessageSent("other")]
    said = [(frame.kind, frame.id, frame.target) for frame in talk.says()]
    assert said == [
        (Kind.RESPONSE, 1, Status.OK),
        (Kind.NOTIFICATION, 0, "n"),
        (Kind.REQUEST, 1, "c"),
        (Kind.RESPONSE, 2, Status.ABORTED),
        (Kind.NOTIFICATION, 0, ""),
    ]


def test_nobody_passes_those_that_wait(met: Maker) -> None:
    talk = stuck(met)
    connection = talk.connection
    connection.notify("m", b"first")
    connection.outbox.left(0, False)  # there is room, and they were not admitted yet
    connection.notify("m", b"second")
    connection.written(0)
    assert [frame.payload for frame in talk.says()] == [b"first", b"second"]


def test_as_many_as_fit_are_admitted_each_with_its_length(met: Maker) -> None:  # C-82
    talk = stuck(met)
    for at in range(5):
        talk.connection.notify("m", bytes([at]) * 400)
    talk.connection.written(300)  # 300, 715, 1130
    assert [frame.payload[0] for frame in talk.says()] == [0, 1]
    talk.connection.written(LIMIT)
    assert talk.says() == []
    talk.connection.written(LIMIT - 1)
    assert [frame.payload[0] for frame in talk.says()] == [2]


SAID: dict[str, tuple[Callable[[Talk], object], Kind]] = {
    "ping": (lambda talk: talk.connection.ping(), Kind.PING),
    "pong": (lambda talk: talk.hears(ping()), Kind.PONG),
    "goaway": (lambda talk: talk.connection.drain(), Kind.GOAWAY),
    "cancel": (lambda talk: talk.connection.cancel(1), Kind.CANCEL),
    "expiry": (lambda talk: talk.waits(9.0), Kind.CANCEL),
    "refusal": (lambda talk: talk.hears(request(7, extensions={65_538: 0})), Kind.RESPONSE),
    "no such method": (
        lambda talk: asked(talk, 7).refuse(7, RpcError(Status.UNIMPLEMENTED)),
        Kind.RESPONSE,
    ),
    "cancelled": (lambda talk: talk.connection.cancelled(1), Kind.RESPONSE),
    "connection error": (lambda talk: talk.receives(b"\xff" * 4), Kind.GOAWAY),
}


@pytest.mark.parametrize("name", SAID)
def test_what_may_not_wait_passes_those_that_do(met: Maker, name: str) -> None:  # C-83
    talk = met(write_buffer=LIMIT)
    asked(talk, 1).request("caller", "c", expires=talk.clock.now + 9.0)
    talk.connection.notify("m", bytes(LIMIT))
    talk.connection.outbox.take()
    talk.connection.written(LIMIT)
    talk.connection.notify("m")
    do, kind = SAID[name]
    do(talk)
    assert [frame.kind for frame in talk.says()] == [kind]


def test_bytes_that_did_not_wait_are_counted_until_they_are_written(met: Maker) -> None:  # C-84
    talk = stuck(met)
    outbox = talk.connection.outbox
    talk.hears(ping(1))
    pong = outbox.unqueued
    assert pong == len(outbox.take())
    talk.connection.written(LIMIT + pong)
    assert outbox.unqueued == pong
    talk.connection.written(pong)  # what was before it was written
    assert outbox.unqueued == pong
    talk.connection.written(pong - 1)
    assert outbox.unqueued == pong - 1
    talk.connection.notify("m")
    size = len(outbox.take())
    talk.connection.written(size)
    assert outbox.unqueued == 0


def test_the_timeout_is_written_when_the_call_is_admitted(met: Maker) -> None:  # C-85
    talk = stuck(met)
    talk.connection.request("caller", "c", expires=talk.clock.now + 5.0, extensions={"a": 1})
    talk.clock.now += 2.0
    talk.connection.written(0)
    [sent] = talk.says()
    assert sent.extensions == {7: 3_000_000, "a": 1}


def test_a_call_whose_time_is_over_before_it_is_sent_was_not_executed(met: Maker) -> None:
    talk = stuck(met)
    talk.connection.request("first", "c", expires=talk.clock.now + 1.0)
    talk.connection.request("second", "c", expires=talk.clock.now + 2.0)
    [failed] = talk.waits(1.0)
    assert outcome(failed) == ("first", Status.DEADLINE_EXCEEDED, Executed.NO)
    talk.clock.now += 1.0  # and the second is admitted before anybody looked
    [failed] = talk.connection.written(0)
    assert outcome(failed) == ("second", Status.DEADLINE_EXCEEDED, Executed.NO)
    assert talk.says() == []


@pytest.mark.parametrize("said", ["sent", "read", "unreadable"])
def test_a_goaway_ends_waits_of_calls_and_notifications_alone(met: Maker, said: str) -> None:
    talk = stuck(met)  # C-86
    connection = asked(talk, 1)
    connection.request("caller", "c")
    connection.notify("n", sender="sender")
    connection.respond(1, b"result")
    if said == "sent":
        events = connection.drain()
    else:
        events = talk.hears(goaway(9 if said == "read" else 2**32))
    failed = [outcome(event) for event in events if isinstance(event, CallFailed)]
    no = Status.UNAVAILABLE, Executed.NO
    assert failed == [("caller", *no), ("sender", *no)]
    assert State.OPEN is not talk.state() is not State.CLOSED
    talk.says()
    connection.written(0)
    assert [frame.payload for frame in talk.says()] == [b"result"]
    assert talk.state() in (State.LINGERING, State.CLOSED)  # nothing is left to wait for


def test_who_is_cancelled_while_it_waits_is_not_sent(met: Maker) -> None:
    talk = stuck(met)
    id = talk.connection.request("caller", "c")
    talk.connection.notify("n", sender="sender")
    talk.connection.notify("m", sender="other")
    talk.connection.cancel(id)
    talk.connection.withdraw("sender")
    assert talk.connection.written(0) == [MessageSent("other")]
    assert [frame.target for frame in talk.says()] == ["m"]
    assert talk.connection.calls_open == 0


def test_a_call_is_cancelled_once(met: Maker) -> None:  # C-45
    talk = met()
    for caller in ("first", "second"):
        talk.connection.request(caller, "c", expires=talk.clock.now + 1.0)
    talk.says()
    talk.connection.cancel(1)
    talk.connection.cancel(1)
    talk.waits(1.0)
    talk.connection.cancel(2)
    talk.connection.cancel_all()
    assert [(frame.kind, frame.id) for frame in talk.says()] == [(Kind.CANCEL, 1), (Kind.CANCEL, 2)]


def test_a_result_that_waits_keeps_its_id_and_not_the_servers_slot(met: Maker) -> None:  # C-93
    slots = ConcurrencyLimit(10)
    talk = stuck(met, server=slots, in_flight=1)
    asked(talk, 1).respond(1)
    assert (slots.taken, talk.connection.requests_open) == (0, 1)
    talk.hears(request(2))
    assert [error(said) for said in talk.says()] == [(2, Status.RESOURCE_EXHAUSTED, Executed.NO)]
    talk.connection.written(0)
    assert (slots.taken, talk.connection.requests_open) == (0, 0)
    talk.hears(request(1))
    assert slots.taken == 1


def test_a_request_with_the_id_of_a_result_that_waits_is_an_error(met: Maker) -> None:
    talk = stuck(met)
    asked(talk, 1).respond(1)
    talk.hears(request(1))
    assert talk.state() is State.FAILED
    assert talk.connection.requests_open == 0


@pytest.mark.parametrize("how", ["cancel", "expiry"])
def test_a_result_that_waits_is_replaced_by_a_cancel_or_expiry(met: Maker, how: str) -> None:
    talk = stuck(met)  # C-92
    talk.hears(request(1, extensions={7: 1_000_000}))
    talk.connection.respond(1, b"result")
    if how == "cancel":
        status, events = Status.CANCELLED, talk.hears(cancel(1))
    else:
        status, events = Status.DEADLINE_EXCEEDED, talk.waits(1.0)
    assert events == []
    assert [error(said) for said in talk.says()] == [(1, status, Executed.YES)]
    talk.connection.written(0)
    assert talk.says() == []
    assert talk.connection.requests_open == 0


def test_a_result_given_after_its_cancel_waits_and_is_sent(met: Maker) -> None:  # C-42
    talk = stuck(met)
    asked(talk, 1, 2)
    talk.hears(cancel(1))
    talk.connection.respond(1, b"result")
    talk.hears(cancel(1))
    talk.connection.written(0)
    assert [frame.payload for frame in talk.says()] == [b"result"]


@pytest.mark.parametrize("how", ["lost", "overflow", "stalled"])
def test_what_waits_ends_with_the_connection(met: Maker, how: str) -> None:
    slots = ConcurrencyLimit(10)
    talk = stuck(met, server=slots)
    connection = asked(talk, 1, 2)
    connection.request("caller", "c")
    connection.notify("n", sender="sender")
    connection.respond(1, bytes(LIMIT))
    for event in talk.hears(request(3)):
        connection.hold(event)  # type: ignore[arg-type]
    events = getattr(connection, how)()
    no = Status.UNAVAILABLE, Executed.NO
    failed = [outcome(event) for event in events if isinstance(event, CallFailed)]
    assert failed == [("caller", *no), ("sender", *no)]
    assert events[2:] == [RequestCancelled(2, Status.CANCELLED)]
    connection.cancelled(2)
    assert (slots.taken, connection.requests_open, connection.calls_open) == (0, 0, 0)
    assert connection.next_to_start() is None
    assert connection.counts["connection_errors"] == (how != "lost")


def test_a_side_that_stalls_is_told_no_goaway(met: Maker) -> None:  # C-95
    talk = stuck(met)
    talk.connection.stalled()
    assert talk.says() == []
    assert talk.state() is State.CLOSED


def test_the_last_id_may_wait_and_then_the_side_drains(fresh: Maker) -> None:  # C-12
    talk = meet(fresh(connector=True, write_buffer=LIMIT))
    talk.connection.notify("m", bytes(LIMIT))
    talk.connection.outbox.take()
    talk.connection.written(LIMIT)
    talk.connection._outgoing._next_id = 2**32 - 1
    talk.connection.request("caller", "c")
    with pytest.raises(RpcError) as refused:
        talk.connection.request("other", "c")
    assert (refused.value.status, refused.value.executed) == (Status.UNAVAILABLE, Executed.NO)
    assert talk.state() is State.OPEN
    talk.connection.written(0)
    assert [frame.kind for frame in talk.says()] == [Kind.REQUEST, Kind.GOAWAY]


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535, 65_536])
def test_a_call_that_waits_counts_with_the_bytes_that_it_will_have(met: Maker, length: int) -> None:
    talk = stuck(met)
    connection, outbox = talk.connection, talk.connection.outbox
    connection.request("caller", "method", bytes(length), extensions={"tenant": "a"})
    waits = outbox.waiting.size
    connection.written(0)
    assert len(outbox.take()) == waits > length


@pytest.mark.parametrize(("over", "status"), [(0, None), (1, Status.RESOURCE_EXHAUSTED)])
def test_a_call_that_would_wait_is_as_long_as_the_other_side_reads(
    met: Maker, over: int, status: Status | None
) -> None:
    talk = stuck(met)
    longest = talk.connection.peer_max_frame - len(encode_request(1, "m", bytes(65_536))) + 65_536
    try:
        talk.connection.request("caller", "m", bytes(longest + over))
    except RpcError as refused:
        assert refused.status is status
    else:
        assert status is None
