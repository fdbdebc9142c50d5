"""Calls in flight, at their limits and over (C-25)."""

import pytest

from tests.unit.talk import Maker, cancel, error, notification, request, response
from tracewire.codec import Status
from tracewire.protocol.connection.events import (
    CallAnswered,
    NotificationReceived,
    RequestReceived,
    RequestRefused,
)
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_as_many_requests_as_the_limit_are_accepted(met: Maker, limit: int) -> None:
    talk = met(in_flight=limit)
    asked = [request(id) for id in range(1, limit + 2)]
    said = "too many calls in flight"
    assert talk.hears(*asked) == [
        *(RequestReceived(each.id, each, None) for each in asked[:limit]),
        RequestRefused(asked[limit], Status.RESOURCE_EXHAUSTED, said),
    ]
    assert [error(said) for said in talk.says()] == [
        (limit + 1, Status.RESOURCE_EXHAUSTED, Executed.NO)
    ]
    assert talk.connection.requests_open == limit


def test_by_default_a_connection_has_1000_requests_in_flight(met: Maker) -> None:
    talk = met(server=ConcurrencyLimit(10_000))
    talk.hears(*[request(id) for id in range(1, 1_003)])
    assert talk.connection.requests_open == 1_000
    assert len(talk.says()) == 2


@pytest.mark.parametrize("answer", ["respond", "fail", "cancelled", "start"])
def test_an_answer_makes_room(met: Maker, answer: str) -> None:
    limit = ConcurrencyLimit(1)
    talk = met(server=limit)
    talk.hears(request(1))
    assert limit.taken == 1
    if answer == "fail":
        talk.connection.fail(1, RpcError(Status.INTERNAL))
    else:
        if answer == "start":
            talk.hears(cancel(1))
        getattr(talk.connection, answer)(1)
    assert limit.taken == 0
    assert len(talk.hears(request(2))) == 1


def test_the_limit_of_a_server_is_that_of_all_its_connections(met: Maker) -> None:
    limit = ConcurrencyLimit(2)
    one, other = met(server=limit), met(server=limit)
    one.hears(request(1))
    other.hears(request(1), request(2))
    assert [error(said) for said in other.says()] == [(2, Status.RESOURCE_EXHAUSTED, Executed.NO)]
    one.connection.respond(1)
    assert len(other.hears(request(3))) == 1
    assert limit.taken == 2


def test_a_lost_connection_gives_its_places_back_as_its_handlers_end(met: Maker) -> None:
    limit = ConcurrencyLimit(2)
    talk = met(server=limit)
    talk.hears(request(1), request(2))
    talk.connection.lost()
    assert limit.taken == 2
    talk.connection.cancelled(1)
    talk.connection.respond(2)
    assert limit.taken == 0


def test_a_refused_request_takes_no_place(met: Maker) -> None:
    limit = ConcurrencyLimit(1)
    talk = met(server=limit)
    talk.hears(
        request(1), request(2), request(3, extensions={65_538: 1}), b"\xd9\xd4\xf7\x84\x00\x04"
    )
    assert limit.taken == 1
    talk.connection.respond(1)
    assert limit.taken == 0


def test_reading_does_not_pause_at_the_limit(met: Maker) -> None:
    talk = met(in_flight=1)
    talk.connection.request("caller", "m")
    events = talk.hears(request(1), request(2), cancel(1), notification())
    assert [type(event).__name__ for event in events] == [
        "RequestReceived",
        "RequestRefused",
        "RequestCancelled",
        "NotificationReceived",
    ]
    assert isinstance(events[-1], NotificationReceived)


def test_a_full_side_still_hears_answers_to_its_own_calls(met: Maker) -> None:
    talk = met(in_flight=1)
    talk.connection.request("nested", "m")
    answer = response(1, b"done")
    assert talk.hears(request(1), request(2), answer)[2:] == [CallAnswered("nested", answer)]
