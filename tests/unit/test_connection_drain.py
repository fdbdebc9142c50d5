"""The end of calls in good order (section 7.5)."""

from collections.abc import Callable

import pytest

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
    request,
    response,
)
from tracewire.codec import Frame, Kind, Status, encode
from tracewire.protocol.connection.events import (
    CallAnswered,
    GoawayReceived,
    NotificationReceived,
    RequestRefused,
)
from tracewire.protocol.connection.messages import Goaway
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError

MAX_ID = 4_294_967_295
STARTING = [("request", ("caller", "m")), ("notify", ("m",)), ("send", (b"",)), ("ping", ())]


def test_a_drain_says_the_last_id_that_was_accepted(met: Maker) -> None:
    talk = met(in_flight=2)
    talk.hears(request(3), request(9), request(12))
    talk.connection.respond(9)
    talk.says()
    talk.connection.drain("restarting")
    [said] = talk.says()
    assert (said.kind, said.id, said.target) == (Kind.GOAWAY, 0, 0)
    assert body(said) == {0: 12, 1: 0, 2: "restarting"}


def test_the_last_id_is_also_that_of_an_invalid_request(met: Maker) -> None:  # C-46
    talk = met()
    talk.hears(request(3), encode(request(7)) + b"\0")
    talk.says()
    talk.connection.drain()
    assert [body(said)[0] for said in talk.says()] == [7]


def test_a_side_that_accepted_nothing_says_0(met: Maker) -> None:
    talk = met()
    talk.connection.drain()
    assert [body(said) for said in talk.says()] == [{0: 0, 1: 0}]


def test_accepted_calls_are_finished_before_writing_is_shut_down(met: Maker) -> None:  # C-17
    talk = met()
    talk.hears(request(1), request(2))
    talk.connection.drain()
    assert talk.state() is State.DRAINING
    talk.connection.respond(1, b"1")
    assert talk.state() is State.DRAINING
    talk.connection.fail(2, RpcError(Status.ABORTED))
    assert talk.state() is State.LINGERING
    assert [frame.kind for frame in talk.says()] == [4, 1, 1]


def test_an_acceptor_that_read_no_frame_yet_says_goaway_after_the_first(fresh: Maker) -> None:
    talk = fresh(connector=False)
    talk.connection.drain("restarting")
    assert (talk.state(), talk.says()) == (State.DRAINING, [])
    talk.hears(request(1))
    said = talk.says()
    assert [frame.kind for frame in said] == [Kind.HELLO, Kind.GOAWAY, Kind.RESPONSE]
    assert body(said[1]) == {0: 0, 1: 0, 2: "restarting"}
    assert said[2].status is Status.UNAVAILABLE  # C-18
    assert talk.state() is State.LINGERING


def test_an_acceptor_waits_5_seconds_for_the_first_frame_after_which_it_says_goaway(
    fresh: Maker,
) -> None:
    talk = fresh(connector=False)
    talk.connection.drain()
    talk.waits(4.999)
    assert talk.state() is State.DRAINING
    talk.waits(0.001)
    assert (talk.state(), talk.says()) == (State.LINGERING, [])
    talk.waits(5.0)
    assert talk.state() is State.CLOSED


def test_a_connection_error_before_the_first_frame_ends_the_wait_for_it(fresh: Maker) -> None:
    talk = fresh(connector=False)
    talk.connection.drain()
    talk.receives(b"\xff\xff\xff\xff")
    assert talk.state() is State.FAILED
    talk.waits(1.0)
    assert talk.state() is State.CLOSED


def test_a_cancelled_handler_is_waited_for(met: Maker) -> None:  # C-16, C-17
    talk = met()
    talk.hears(request(1))
    talk.connection.drain()
    talk.hears(cancel(1))
    assert talk.state() is State.DRAINING
    talk.connection.cancelled(1)
    assert talk.state() is State.LINGERING


def test_input_is_read_to_its_end(met: Maker) -> None:  # C-17
    talk = met()
    talk.connection.request("caller", "m")
    talk.connection.drain()
    assert talk.state() is State.LINGERING
    assert talk.hears(response(1, b"late")) == [CallAnswered("caller", response(1, b"late"))]
    assert talk.connection.end() == []
    assert talk.state() is State.CLOSED


def test_input_is_read_for_5_seconds(met: Maker) -> None:  # C-17
    talk = met()
    talk.connection.request("caller", "m")
    talk.connection.drain()
    assert talk.connection.wake == talk.clock.now + 5
    assert talk.waits(4.999) == []
    assert talk.state() is State.LINGERING
    events = talk.waits(0.001)
    assert [outcome(event) for event in events] == [("caller", Status.UNAVAILABLE, Executed.MAYBE)]
    assert talk.state() is State.CLOSED


def test_the_other_side_s_goaway_does_not_prolong_the_wait(met: Maker) -> None:  # C-17
    talk = met()
    talk.connection.drain()
    talk.waits(4.0)
    talk.hears(goaway())
    talk.waits(1.0)
    assert talk.state() is State.CLOSED


def test_nothing_runs_while_input_is_read_to_its_end(met: Maker) -> None:  # C-17
    talk = met()
    talk.connection.drain()
    talk.says()
    late = [request(1), notification(), notification(""), ping(1), request(2), cancel(1)]
    assert talk.hears(*late) == []
    assert talk.says() == []
    assert talk.connection.requests_open == 0


@pytest.mark.parametrize(("name", "arguments"), STARTING)
@pytest.mark.parametrize("drained_here", [True, False])
def test_after_goaway_neither_side_starts_anything(
    met: Maker, name: str, arguments: tuple[object, ...], drained_here: bool
) -> None:  # C-18
    talk = met()
    talk.hears(request(1))
    if drained_here:
        talk.connection.drain()
    else:
        talk.hears(goaway())
    talk.says()
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments)
    assert (caught.value.status, caught.value.executed) == (Status.UNAVAILABLE, Executed.NO)
    assert talk.says() == []
    assert talk.connection.calls_open == 0


@pytest.mark.parametrize("drained_here", [True, False])
def test_a_request_after_goaway_is_answered_unavailable(
    met: Maker, drained_here: bool
) -> None:  # C-18
    talk = met()
    talk.hears(request(1))
    if drained_here:
        talk.connection.drain()
    else:
        talk.hears(goaway())
    talk.says()
    said = "the connection is closing"
    assert talk.hears(request(2)) == [RequestRefused(request(2), Status.UNAVAILABLE, said)]
    assert [error(said) for said in talk.says()] == [(2, Status.UNAVAILABLE, Executed.NO)]


@pytest.mark.parametrize("drained_here", [True, False])
def test_a_notification_is_heard_while_calls_are_finished(
    met: Maker, drained_here: bool
) -> None:  # C-100
    talk = met()
    talk.hears(request(1))
    if drained_here:
        talk.connection.drain()
    else:
        talk.hears(goaway())
    assert talk.hears(notification()) == [NotificationReceived(notification(), None)]


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (lambda talk: talk.connection.drain(), State.LINGERING),
        (lambda talk: talk.hears(goaway()), State.CLOSED),
        (lambda talk: talk.connection.end(), State.CLOSED),
    ],
    ids=["drain", "goaway", "half-close"],
)
def test_what_nobody_answers_is_finished_like_a_call(
    met: Maker, end: Callable[[Talk], object], then: State
) -> None:  # C-49
    talk = met()
    talk.hears(notification())
    talk.connection.begin_notice()
    end(talk)
    waited = talk.state()
    talk.connection.end_notice()
    assert waited not in (State.LINGERING, State.CLOSED)
    assert talk.state() is then


def test_a_cancel_can_be_said_while_calls_are_finished(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    talk.connection.request("caller", "m")
    talk.connection.drain()
    talk.says()
    talk.connection.cancel(1)
    assert talk.says() == [cancel(1)]


def test_a_second_drain_does_nothing(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    talk.connection.drain()
    talk.connection.drain()
    assert [frame.kind for frame in talk.says()] == [Kind.GOAWAY]


def test_the_side_that_heard_goaway_closes_when_no_call_is_open(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    talk.hears(request(1))
    assert talk.hears(goaway(1, 0, "restarting")) == [GoawayReceived(Goaway(1, 0, "restarting"))]
    assert talk.state() is State.LEAVING
    talk.hears(response(1))
    assert talk.state() is State.LEAVING
    talk.connection.respond(1)
    assert talk.state() is State.CLOSED
    assert talk.says() == [request(1), response(1)]


@pytest.mark.parametrize("how", ["cancel", "expire"])
def test_a_call_that_is_over_in_another_way_is_not_waited_for(met: Maker, how: str) -> None:
    talk = met()
    talk.connection.request("caller", "m", expires=talk.clock.now + 1.0)
    talk.hears(goaway(1))
    if how == "cancel":
        talk.connection.cancel(1)
    else:
        talk.waits(1.0)
    assert talk.state() is State.CLOSED
    assert [frame.kind for frame in talk.says()] == [Kind.REQUEST, Kind.CANCEL]


def test_calls_that_a_goaway_does_not_accept_fail_at_once(met: Maker) -> None:  # C-18, C-19
    talk = met()
    for caller in "abc":
        talk.connection.request(caller, "m")
    leaving, *failed = talk.hears(goaway(1, 0, "restarting"))
    assert leaving == GoawayReceived(Goaway(1, 0, "restarting"))
    assert [outcome(event) for event in failed] == [
        ("b", Status.UNAVAILABLE, Executed.NO),
        ("c", Status.UNAVAILABLE, Executed.NO),
    ]
    assert talk.state() is State.LEAVING
    assert talk.hears(response(1, b"done")) == [CallAnswered("a", response(1, b"done"))]
    assert talk.state() is State.CLOSED


def test_a_side_without_calls_closes_at_once_on_goaway(met: Maker) -> None:
    talk = met()
    talk.hears(goaway())
    assert talk.state() is State.CLOSED


def test_a_goaway_that_cannot_be_read_ends_calls_as_any_does(met: Maker) -> None:
    talk = met()
    talk.connection.request("caller", "m")
    [event] = talk.hears(Frame(Kind.GOAWAY, 0, 0, b"\xff"))
    assert event == GoawayReceived(Goaway(MAX_ID))
    assert [outcome(event) for event in talk.connection.end()] == [
        ("caller", Status.UNAVAILABLE, Executed.MAYBE)
    ]


def test_a_second_goaway_changes_nothing(met: Maker) -> None:
    talk = met()
    for caller in "ab":
        talk.connection.request(caller, "m")
    talk.hears(goaway(1))  # which refuses the second
    assert talk.hears(goaway(2, 3, "later")) == []
    assert [outcome(event)[2] for event in talk.connection.end()] == [Executed.MAYBE]


def test_both_sides_may_drain(met: Maker) -> None:
    talk = met()
    talk.hears(request(1))
    talk.connection.drain()
    talk.hears(goaway())
    assert talk.state() is State.DRAINING
    talk.connection.respond(1)
    assert talk.state() is State.LINGERING
    talk.connection.end()
    assert talk.state() is State.CLOSED


def test_a_side_that_heard_goaway_may_drain_itself(met: Maker) -> None:
    talk = met()
    talk.hears(request(1), goaway())
    talk.connection.drain()
    assert [frame.kind for frame in talk.says()] == [Kind.GOAWAY]
    assert talk.state() is State.DRAINING
