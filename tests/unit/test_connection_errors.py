"""Connection errors (section 7.6), and which fault of a request is answered (C-23)."""

from itertools import pairwise

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.talk import (
    Maker,
    Talk,
    body,
    cancel,
    error,
    goaway,
    notification,
    outcome,
    ping,
    record,
    request,
    response,
)
from tracewire.codec import Kind, Status
from tracewire.protocol.connection.events import RequestCancelled, RequestReceived
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed

#: What a side can do wrong, and the status of the goaway that it is told.
WRONGS = {
    "id in flight": (record(request(1)), Status.INVALID_ARGUMENT),
    "invalid and in flight": (record(frame_bytes(0, 1, "")), Status.INVALID_ARGUMENT),
    "16th invalid record": (record(b"") * 16, Status.INVALID_ARGUMENT),
    "over-long record": (b"\xff\xff\xff\xff", Status.RESOURCE_EXHAUSTED),
    "cancels": (record(cancel(3)) * 3, Status.RESOURCE_EXHAUSTED),
    "pings": (record(ping()) * 4, Status.RESOURCE_EXHAUSTED),
}


def wronged(met: Maker, name: str) -> Talk:
    """A side with a call and two requests in flight, to whom this was done."""
    talk = met()
    talk.hears(request(1), request(2))
    talk.connection.request("caller", "m")
    talk.says()
    talk.receives(WRONGS[name][0])
    return talk


@pytest.mark.parametrize("name", WRONGS)
def test_a_connection_error_is_said_with_its_status(met: Maker, name: str) -> None:  # C-20
    talk = wronged(met, name)
    said = [frame for frame in talk.says() if frame.kind == Kind.GOAWAY]
    assert [(body(frame)[0], body(frame)[1]) for frame in said] == [(2, WRONGS[name][1])]
    assert body(said[0])[2]
    assert talk.state() is State.FAILED
    assert talk.connection.counts["connection_errors"] == 1


@pytest.mark.parametrize("name", WRONGS)
def test_after_a_connection_error_nothing_is_answered(met: Maker, name: str) -> None:  # C-20
    talk = wronged(met, name)
    talk.says()
    assert talk.hears(request(7), ping(9), response(1), b"", goaway()) == []
    talk.connection.respond(1, b"done")
    talk.connection.cancelled(2)
    assert talk.says() == []
    assert talk.connection.requests_open == 0


@pytest.mark.parametrize("name", WRONGS)
def test_after_a_connection_error_input_is_discarded_for_a_second(
    met: Maker, name: str
) -> None:  # C-20
    talk = wronged(met, name)
    assert talk.connection.wake == talk.clock.now + 1
    talk.waits(0.999)
    assert talk.state() is State.FAILED
    talk.waits(0.001)
    assert talk.state() is State.CLOSED


@pytest.mark.parametrize("name", WRONGS)
def test_after_a_connection_error_the_end_of_input_closes(met: Maker, name: str) -> None:  # C-20
    talk = wronged(met, name)
    assert talk.connection.end() == []
    assert talk.state() is State.CLOSED


def test_a_connection_error_fails_calls_and_cancels_handlers(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    talk.hears(request(1), request(2), cancel(2))
    failed, cancelled = talk.receives(b"\xff\xff\xff\xff")
    assert outcome(failed) == ("caller", Status.UNAVAILABLE, Executed.MAYBE)
    assert "S-2" in failed.error.message  # type: ignore[union-attr]
    assert cancelled == RequestCancelled(1, Status.CANCELLED)


def test_a_request_of_the_same_input_as_a_connection_error_does_not_start(met: Maker) -> None:
    talk = met()
    events = talk.receives(record(request(1)) + b"\xff\xff\xff\xff")
    assert events == [RequestReceived(1, request(1), None), RequestCancelled(1, Status.CANCELLED)]
    assert not talk.connection.start(1)
    assert talk.connection.requests_open == 0
    assert [frame.kind for frame in talk.says()] == [Kind.GOAWAY]


def test_a_side_that_drains_says_a_connection_error_as_well(met: Maker) -> None:  # C-101
    talk = met()
    talk.hears(request(1))
    talk.connection.drain()
    talk.hears(request(1))
    said = [body(frame)[1] for frame in talk.says()]
    assert said == [Status.OK, Status.INVALID_ARGUMENT]
    assert talk.state() is State.FAILED


def test_an_error_of_a_side_that_reads_no_frames_is_not_said(fresh: Maker) -> None:  # G-3
    talk = fresh()
    talk.hears(*[b""] * 16)
    assert talk.state() is State.FAILED
    assert talk.says() == []


@pytest.mark.parametrize("before", ["open", "draining", "leaving", "finishing"])
def test_a_full_write_buffer_is_a_connection_error(met: Maker, before: str) -> None:  # C-26
    talk = met()
    talk.hears(request(1))
    if before == "draining":
        talk.connection.drain()
    elif before == "leaving":
        talk.hears(goaway())
    elif before == "finishing":
        talk.connection.end()
    talk.says()
    assert talk.connection.overflow() == [RequestCancelled(1, Status.CANCELLED)]
    [said] = talk.says()
    assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.RESOURCE_EXHAUSTED)
    ended = State.CLOSED if before == "finishing" else State.FAILED
    assert talk.state() is ended
    assert talk.connection.overflow() == []


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
def test_a_record_may_take_just_under_30_seconds(fresh: Maker, mode: str) -> None:  # C-26
    talk = fresh(mode=mode)
    talk.receives(record(notification(""))[:-1])
    assert talk.connection.wake == talk.clock.now + 30
    assert talk.waits(29.999) == []
    [event] = talk.receives(record(notification(""))[-1:])
    assert type(event).__name__ == "MessageReceived"
    talk.waits(0.001)
    assert talk.state() is State.OPEN


def test_a_record_unfinished_after_30_seconds_is_a_connection_error(met: Maker) -> None:  # C-26
    talk = met()
    stream = record(notification("m", bytes(100)))
    for at in range(29):  # a slow loris: something comes all the time
        talk.receives(stream[at : at + 1])
        talk.waits(1.0)
        assert talk.state() is State.OPEN
    talk.waits(1.0)
    [said] = talk.says()
    assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.RESOURCE_EXHAUSTED)
    assert talk.state() is State.FAILED
    assert talk.connection.wake == talk.clock.now + 1


def test_the_time_of_a_record_begins_with_its_first_byte(met: Maker) -> None:  # C-26
    talk = met()
    whole = record(notification())
    talk.receives(whole[:1])
    talk.waits(20.0)
    talk.receives(whole[1:] + whole[:1])
    talk.waits(29.9)
    assert talk.state() is State.OPEN
    talk.waits(0.1)
    assert talk.state() is State.FAILED


def test_an_idle_connection_waits_for_nothing(met: Maker) -> None:  # C-26
    talk = met()
    talk.hears(notification())
    talk.waits(1_000_000.0)
    assert talk.state() is State.OPEN
    assert talk.connection.wake == float("inf")


def faulty(*faults: str) -> bytes:
    """A request with these faults, its id 1 where that is in flight, else 9."""
    extensions: dict[int | str, object] = {}
    if "even keys" in faults:
        extensions[65_538] = 0
    if "timeout 0" in faults:
        extensions[7] = 0
    target = "" if "invalid" in faults else "m"
    return frame_bytes(0, 1 if "id in flight" in faults else 9, target, b"", extensions)


ORDER = ["id in flight", "invalid", "goaway", "even keys", "timeout 0", "overload"]
ANSWERS = {
    "invalid": Status.INVALID_ARGUMENT,
    "goaway": Status.UNAVAILABLE,
    "even keys": Status.UNIMPLEMENTED,
    "timeout 0": Status.DEADLINE_EXCEEDED,
    "overload": Status.RESOURCE_EXHAUSTED,
}


@pytest.mark.parametrize(("first", "second"), list(pairwise(ORDER)))
@pytest.mark.parametrize("rest", [False, True], ids=["two", "all-after"])
def test_of_several_faults_the_first_is_answered(
    met: Maker, first: str, second: str, rest: bool
) -> None:  # C-23
    faults = ORDER[ORDER.index(first) :] if rest else [first, second]
    talk = met(server=ConcurrencyLimit(1 if "overload" in faults else 2))
    talk.hears(request(1))
    if "goaway" in faults:
        talk.connection.drain()
    talk.says()
    talk.hears(faulty(*faults))
    [said] = talk.says()
    if first == "id in flight":
        assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.INVALID_ARGUMENT)
    else:
        assert error(said) == (9, ANSWERS[first], Executed.NO)
    assert talk.connection.requests_open == 1
