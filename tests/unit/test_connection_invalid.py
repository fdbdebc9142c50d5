"""Records that are no valid frame, and too long ones (section 7.1)."""

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.talk import Maker, body, error, notification, outcome, record, request, response
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol.connection.events import (
    CallAnswered,
    NotificationReceived,
    RequestReceived,
    RequestRefused,
)
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed

MAX_ID = 4_294_967_295

#: Records whose kind and id were read before the first violation.
INVALID_REQUEST = frame_bytes(0, 5, "")  # F-11
INVALID_RESPONSE = frame_bytes(1, 1, "text")  # F-13

NO_FRAMES = [
    b"",
    b"no frame",
    b"\xd9\xd4\xf7\x84",
    frame_bytes(0, 0, "m"),  # F-9
    frame_bytes(2, 1, "m"),  # F-10
    frame_bytes(2, 0, 5),  # F-12
    frame_bytes(5, 1, 1),  # F-14
    frame_bytes(32_768, 1, -1),  # F-15
    frame_bytes(65_536, 1, 0),  # F-7
    frame_bytes(0, MAX_ID + 1, "m"),  # F-8
    frame_bytes(1, MAX_ID + 1, 0),  # F-8
    frame_bytes(7, 1, 0) + b"\x00",  # F-18
]


@pytest.mark.parametrize("bad", NO_FRAMES, ids=lambda bad: bad.hex()[:24] or "empty")
def test_an_invalid_record_is_dropped_and_the_next_is_heard(met: Maker, bad: bytes) -> None:  # C-4
    talk = met()
    assert talk.hears(bad, request(1)) == [RequestReceived(1, request(1), None)]
    assert talk.connection.counts["invalid_records"] == 1
    assert talk.says() == []
    assert talk.state() is State.OPEN


def test_fifteen_invalid_records_are_borne(met: Maker) -> None:  # C-4
    talk = met()
    events = talk.hears(*[b""] * 15, notification())
    assert events == [NotificationReceived(notification(), None)]
    assert talk.connection.counts["invalid_records"] == 15
    assert talk.state() is State.OPEN


def test_the_sixteenth_invalid_record_is_a_connection_error(met: Maker) -> None:  # C-4, C-20
    talk = met()
    talk.hears(*[b""] * 15)
    assert talk.hears(b"", notification()) == []
    [said] = talk.says()
    assert said.kind == Kind.GOAWAY
    assert body(said)[1] == Status.INVALID_ARGUMENT
    assert talk.state() is State.FAILED


def test_valid_records_between_do_not_excuse_invalid_ones(met: Maker) -> None:  # C-4
    talk = met()
    for _ in range(15):
        talk.hears(b"", notification())
    assert talk.state() is State.OPEN
    talk.hears(b"")
    assert talk.state() is State.FAILED


def test_an_invalid_request_that_was_answered_counts_as_invalid(met: Maker) -> None:  # C-4
    talk = met()
    talk.hears(*[INVALID_REQUEST] * 16)
    assert [frame.kind for frame in talk.says()] == [Kind.RESPONSE] * 15 + [Kind.GOAWAY]


def test_an_invalid_request_is_answered_and_not_executed(met: Maker) -> None:  # C-5
    talk = met()
    [refused] = talk.hears(INVALID_REQUEST)
    [said] = talk.says()
    assert refused == RequestRefused(None, Status.INVALID_ARGUMENT, body(said)[0])
    assert error(said) == (5, Status.INVALID_ARGUMENT, Executed.NO)
    assert body(said)[0].startswith("F-11 at offset 6")
    assert talk.connection.requests_open == 0


@pytest.mark.parametrize("id", [1, MAX_ID])
def test_an_invalid_request_may_have_any_id(met: Maker, id: int) -> None:  # C-5
    talk = met()
    talk.hears(frame_bytes(0, id, "m") + b"\x00")
    assert [error(said)[:2] for said in talk.says()] == [(id, Status.INVALID_ARGUMENT)]


def test_an_invalid_request_is_answered_though_it_comes_first(fresh: Maker) -> None:  # C-5, G-5
    talk = fresh()
    talk.hears(INVALID_REQUEST)
    assert [error(said)[:2] for said in talk.says()] == [(5, Status.INVALID_ARGUMENT)]


def test_an_invalid_response_fails_its_call(met: Maker) -> None:  # C-6
    talk = met()
    talk.connection.request("first", "m")
    talk.connection.request("second", "m")
    assert [outcome(event) for event in talk.hears(INVALID_RESPONSE)] == [
        ("first", Status.INTERNAL, Executed.MAYBE)
    ]
    assert talk.hears(response(1)) == []
    assert talk.hears(response(2)) == [CallAnswered("second", response(2))]


def test_an_invalid_response_of_no_call_is_counted(met: Maker) -> None:  # C-6, C-14
    talk = met()
    assert talk.hears(INVALID_RESPONSE) == []
    assert talk.connection.counts["unknown_responses"] == 1
    assert talk.connection.counts["invalid_records"] == 1


def test_a_request_whose_id_is_in_flight_is_a_connection_error(met: Maker) -> None:  # C-13, C-20
    talk = met()
    talk.hears(request(1))
    events = talk.hears(request(1, "other"))
    assert [type(event).__name__ for event in events] == ["RequestCancelled"]
    [said] = talk.says()
    assert (said.kind, body(said)[0], body(said)[1]) == (Kind.GOAWAY, 1, Status.INVALID_ARGUMENT)
    assert talk.state() is State.FAILED


def test_an_invalid_request_whose_id_is_in_flight_is_a_connection_error(met: Maker) -> None:  # C-13
    talk = met()
    talk.hears(request(5))
    talk.hears(INVALID_REQUEST)
    [said] = talk.says()
    assert (said.kind, body(said)[1]) == (Kind.GOAWAY, Status.INVALID_ARGUMENT)
    assert "request 5 is in flight" in body(said)[2]


def test_an_id_whose_request_was_cancelled_is_in_flight_until_answered(met: Maker) -> None:  # C-13
    talk = met()
    talk.hears(request(1), Frame(Kind.CANCEL, 1, 0))
    talk.hears(request(1))
    assert talk.state() is State.FAILED


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
def test_a_record_as_long_as_the_maximum_is_read(fresh: Maker, mode: str) -> None:  # S-2
    talk = fresh(mode=mode, max_frame=65_536)
    talk.receives((65_536).to_bytes(4, "big"))
    assert talk.state() is State.OPEN


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
def test_a_record_over_the_maximum_is_a_connection_error(fresh: Maker, mode: str) -> None:  # C-3
    talk = fresh(mode=mode, max_frame=65_536)
    assert talk.receives((65_537).to_bytes(4, "big")) == []
    assert talk.state() is State.FAILED
    assert talk.connection.counts["connection_errors"] == 1
    assert talk.says() == []  # G-3


def test_a_record_over_the_maximum_is_answered_by_goaway(met: Maker) -> None:  # C-3, C-20
    talk = met(max_frame=65_536)
    talk.hears(request(8))
    events = talk.receives(record(notification()) + b"\xff\xff\xff\xff" + record(notification()))
    assert [type(event).__name__ for event in events] == [
        "NotificationReceived",
        "RequestCancelled",
    ]
    [said] = talk.says()
    assert (said.kind, body(said)[0], body(said)[1]) == (Kind.GOAWAY, 8, Status.RESOURCE_EXHAUSTED)


def test_what_follows_a_record_that_is_too_long_is_not_kept(met: Maker) -> None:
    talk = met(max_frame=65_536)
    talk.receives(b"\xff\xff\xff\xff")
    for _ in range(100):
        assert talk.connection.receive(bytes(100_000)) == []
    assert talk.state() is State.FAILED


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
def test_an_input_that_ends_inside_a_record_is_counted(fresh: Maker, mode: str) -> None:  # S-3
    talk = fresh(mode=mode)
    talk.receives(record(notification())[:-1])
    assert talk.connection.end() == []
    assert talk.connection.counts["invalid_records"] == 1


def test_an_input_that_ends_after_a_record_is_not_counted(met: Maker) -> None:  # S-3
    talk = met()
    talk.hears(notification())
    talk.connection.end()
    assert talk.connection.counts["invalid_records"] == 0


def test_what_a_connection_error_discards_is_no_invalid_record(met: Maker) -> None:
    talk = met()
    talk.receives(record(notification())[:-1])
    talk.waits(30)
    assert talk.state() is State.FAILED
    talk.connection.end()
    assert talk.connection.counts["invalid_records"] == 0
