"""Calls, requests and their ids (section 7.3), and what else a connection carries."""

import pytest

from tests.unit.checks import refused
from tests.unit.talk import (
    Maker,
    Talk,
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
from tracewire.codec import NOT_SAMPLED, Frame, Kind, Status
from tracewire.protocol.connection.events import (
    CallAnswered,
    CallFailed,
    MessageReceived,
    NotificationReceived,
    PongReceived,
    RequestReceived,
)
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError

MAX_ID = 4_294_967_295


def skip_to(talk: Talk, id: int) -> None:
    """Makes this the id of the next call: four thousand million calls take too long."""
    talk.connection._outgoing._next_id = id


def test_ids_of_calls_ascend(met: Maker) -> None:  # C-11
    talk = met()
    ids = [talk.connection.request(n, "m", b"%d" % n) for n in range(3)]
    assert ids == [1, 2, 3]
    assert talk.says() == [request(n + 1, "m", b"%d" % n) for n in range(3)]
    assert talk.connection.calls_open == 3


def test_an_id_is_not_used_again_after_its_response(met: Maker) -> None:  # C-11
    talk = met()
    first = talk.connection.request("first", "m")
    talk.hears(response(first))
    assert talk.connection.request("second", "m") == first + 1


def test_an_id_is_not_used_again_after_its_cancel(met: Maker) -> None:  # C-11
    talk = met()
    talk.connection.cancel(talk.connection.request("first", "m"))
    assert talk.connection.request("second", "m") == 2


def test_a_call_carries_trace_and_extensions(met: Maker) -> None:
    talk = met()
    talk.connection.request("call", "m", b"", NOT_SAMPLED, {"tenant": "a"})
    assert talk.says() == [Frame(Kind.REQUEST, 1, "m", b"", NOT_SAMPLED, {"tenant": "a"})]


def test_responses_meet_their_calls_in_any_order(met: Maker) -> None:
    talk = met()
    callers = [object() for _ in range(3)]
    ids = [talk.connection.request(caller, "m") for caller in callers]
    answers = [response(id, b"%d" % id) for id in reversed(ids)]
    events = talk.hears(*answers)
    assert events == [
        CallAnswered(caller, answer)
        for caller, answer in zip(reversed(callers), answers, strict=True)
    ]
    assert all(event.caller is callers[2 - n] for n, event in enumerate(events))  # type: ignore[union-attr]
    assert talk.connection.calls_open == 0


def test_a_failing_response_tells_the_caller_all_that_was_said(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    said = b"\xa3\x00\x62no\x01\x81\x05\x02\x02"  # {0: "no", 1: [5], 2: 2}
    [event] = talk.hears(response(1, said, Status.NOT_FOUND))
    assert isinstance(event, CallFailed)
    told = event.error
    assert event.caller == "caller"
    assert (told.status, told.message, told.details, told.executed) == (
        Status.NOT_FOUND,
        "no",
        [5],
        Executed.YES,
    )


@pytest.mark.parametrize("number", [17, 2_147_483_648, MAX_ID])
def test_a_status_that_is_not_assigned_reads_as_unknown(met: Maker, number: int) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    assert [outcome(event) for event in talk.hears(response(1, b"", number))] == [
        ("caller", Status.UNKNOWN, None)
    ]


def test_a_caller_may_be_anything_even_none(met: Maker) -> None:
    talk = met()
    talk.connection.request(None, "m")
    assert talk.hears(response(1)) == [CallAnswered(None, response(1))]


def test_a_request_is_handed_out_and_answered_once(met: Maker) -> None:  # C-2
    talk = met()
    asked = request(7, "guild.join", b"42")
    assert talk.hears(asked) == [RequestReceived(7, asked, None)]
    assert talk.says() == []
    talk.connection.respond(7, b"done", {"k": 1})
    assert talk.says() == [response(7, b"done", 0, {"k": 1})]
    with pytest.raises(KeyError):
        talk.connection.respond(7, b"again")
    with pytest.raises(KeyError):
        talk.connection.fail(7, RpcError(Status.INTERNAL))
    with pytest.raises(KeyError):
        talk.connection.cancelled(7)
    assert talk.says() == []


def test_a_request_that_failed_is_answered_with_its_error(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    talk.connection.fail(1, RpcError(Status.ABORTED, "why", {"a": [1]}, Executed.YES))
    [said] = talk.says()
    assert error(said) == (1, Status.ABORTED, Executed.YES)
    assert body(said) == {0: "why", 1: {"a": [1]}, 2: 2}


def test_a_request_that_nobody_made_cannot_be_answered(met: Maker) -> None:
    talk = met()
    with pytest.raises(KeyError):
        talk.connection.respond(1)
    assert not talk.connection.outbox.pending


@pytest.mark.parametrize("id", [1, 23, 24, 65_536, MAX_ID - 1, MAX_ID])
def test_requests_may_have_any_id(met: Maker, id: int) -> None:
    talk = met()
    talk.hears(request(id))
    talk.connection.respond(id)
    assert talk.says() == [response(id)]


def test_an_id_that_was_answered_may_come_again(met: Maker) -> None:  # only ids in flight count
    talk = met()
    for n in range(3):
        assert talk.hears(request(5)) == [RequestReceived(5, request(5), None)]
        talk.connection.respond(5, b"%d" % n)
    assert talk.says() == [response(5, b"%d" % n) for n in range(3)]


def test_ids_of_requests_need_not_ascend_for_the_receiver(met: Maker) -> None:
    talk = met()
    events = talk.hears(request(9), request(3))
    assert [event.id for event in events if isinstance(event, RequestReceived)] == [9, 3]


def test_equal_ids_of_both_sides_do_not_meet(met: Maker) -> None:
    talk = met()
    own = talk.connection.request("own", "m")
    assert own == 1
    talk.hears(request(1, "theirs"))
    talk.connection.respond(1, b"theirs")
    assert talk.connection.calls_open == 1
    assert talk.hears(response(1, b"ours")) == [CallAnswered("own", response(1, b"ours"))]
    assert talk.says() == [request(1), response(1, b"theirs")]


def test_a_response_that_no_call_waits_for_is_counted(met: Maker) -> None:  # C-14
    talk = met()
    talk.connection.request("caller", "m")
    talk.hears(response(1))
    assert talk.hears(response(1), response(2), response(MAX_ID, b"", 5)) == []
    assert talk.connection.counts["unknown_responses"] == 3
    assert talk.connection.request("next", "m") == 2


def test_a_cancel_of_an_id_that_is_not_in_flight_is_counted(met: Maker) -> None:  # C-14
    talk = met()
    talk.hears(request(1))
    talk.connection.respond(1)
    assert talk.hears(cancel(1)) == []
    assert talk.connection.counts["unknown_cancels"] == 1
    assert talk.says() == [response(1)]


def test_the_last_id_begins_a_call_and_then_the_side_drains(met: Maker) -> None:  # C-12
    talk = met()
    skip_to(talk, MAX_ID - 1)
    assert talk.connection.request("last but one", "m") == MAX_ID - 1
    assert [frame.kind for frame in talk.says()] == [Kind.REQUEST]
    assert talk.connection.request("last", "m") == MAX_ID
    assert [(frame.kind, frame.id) for frame in talk.says()] == [
        (Kind.REQUEST, MAX_ID),
        (Kind.GOAWAY, 0),
    ]
    with pytest.raises(RpcError) as caught:
        talk.connection.request("one more", "m")
    assert (caught.value.status, caught.value.executed) == (Status.UNAVAILABLE, Executed.NO)
    answers = talk.hears(response(MAX_ID), response(MAX_ID - 1))
    assert [event.caller for event in answers if isinstance(event, CallAnswered)] == [
        "last",
        "last but one",
    ]


def test_arguments_that_make_no_frame_leave_nothing_behind(met: Maker) -> None:
    talk = met()
    wake = talk.connection.wake
    with refused("F-11"):
        talk.connection.request("caller", "", expires=talk.clock.now + 1.0)
    with refused("F-12"):
        talk.connection.notify("m" * 256)
    assert not talk.connection.outbox.pending
    assert talk.connection.calls_open == 0
    assert talk.connection.wake == wake
    assert talk.connection.request("next", "m") == 1


def test_notifications_come_and_go(met: Maker) -> None:
    talk = met()
    talk.connection.notify("guild.typing", b"u", NOT_SAMPLED, {"k": 1})
    said = Frame(Kind.NOTIFICATION, 0, "guild.typing", b"u", NOT_SAMPLED, {"k": 1})
    assert talk.says() == [said]
    assert talk.hears(said) == [NotificationReceived(said, None)]
    assert talk.says() == []


def test_envelopes_come_and_go(met: Maker) -> None:
    talk = met()
    talk.connection.send(b"message", NOT_SAMPLED)
    said = Frame(Kind.NOTIFICATION, 0, "", b"message", NOT_SAMPLED)
    assert talk.says() == [said]
    assert talk.hears(said) == [MessageReceived(b"message", said)]


def test_each_ping_is_answered_by_a_pong_of_its_id(met: Maker) -> None:  # C-2
    talk = met()
    talk.hears(ping(5))
    talk.waits(1)
    talk.hears(Frame(Kind.PING, MAX_ID, 0, b"what it holds is ignored"))
    assert talk.says() == [pong(5), pong(MAX_ID)]


def test_pings_of_ours_count_by_themselves(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    assert [talk.connection.ping(), talk.connection.ping()] == [1, 2]
    assert talk.says()[1:] == [ping(1), ping(2)]
    assert talk.hears(pong(1), Frame(Kind.PONG, 2, 0, b"ignored")) == [
        PongReceived(1),
        PongReceived(2),
    ]
    assert talk.connection.calls_open == 1


def test_only_requests_and_pings_are_answered(met: Maker) -> None:  # C-2
    talk = met()
    talk.hears(response(1), notification(), pong(1), notification(""))
    talk.hears(Frame(32_768, 1, 0), Frame(65_535, 9, "x"))
    assert talk.says() == []


def test_output_is_given_once(met: Maker) -> None:
    talk = met()
    assert (talk.connection.outbox.pending > 0, talk.connection.outbox.take()) == (False, b"")
    talk.connection.notify("m")
    assert talk.connection.outbox.pending
    assert talk.says() == [notification()]
    assert (talk.connection.outbox.pending > 0, talk.connection.outbox.take()) == (False, b"")
