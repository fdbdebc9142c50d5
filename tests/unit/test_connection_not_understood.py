"""Frames with even keys or of kinds that this side does not know (G-6 to G-14)."""

from collections.abc import Mapping

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.talk import (
    Maker,
    body,
    cancel,
    error,
    goaway,
    hello,
    notification,
    outcome,
    ping,
    pong,
    request,
    response,
)
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol.connection.events import (
    CallAnswered,
    MessageReceived,
    NotificationReceived,
    RequestCancelled,
    RequestReceived,
    RequestRefused,
)
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed

MAX_ID = 4_294_967_295
UNKNOWN: Mapping[int | str, object] = {65_538: "not understood"}


def test_a_request_with_unknown_even_keys_is_answered_with_their_list(met: Maker) -> None:  # G-8
    talk = met()
    keys: dict[int | str, object] = {65_538: 1, 7: 10_000, 65_640: [], 4_294_967_294: None, "x": 1}
    [refused] = talk.hears(request(1, extensions=keys))
    [said] = talk.says()
    asked = request(1, extensions=keys)
    assert refused == RequestRefused(asked, Status.UNIMPLEMENTED, body(said)[0])
    assert error(said) == (1, Status.UNIMPLEMENTED, Executed.NO)
    assert body(said)[1] == [65_538, 65_640, 4_294_967_294]
    for key in ("65538", "65640", "4294967294"):
        assert key in body(said)[0]
    assert talk.connection.requests_open == 0


def test_all_of_64_unknown_even_keys_are_named(met: Maker) -> None:  # G-8
    talk = met()
    keys = [MAX_ID - 1 - 2 * n for n in range(64)]
    talk.hears(request(1, extensions=dict.fromkeys(keys, 0)))
    [said] = talk.says()
    assert body(said)[1] == sorted(keys)
    assert all(str(key) in body(said)[0] for key in keys)


def test_even_keys_that_were_announced_are_understood(fresh: Maker) -> None:
    talk = fresh(even_keys=(65_538, 65_540))
    asked = request(1, extensions={65_538: 1, 65_540: 1})
    told = notification(extensions={65_540: 1})
    assert talk.hears(asked, told) == [
        RequestReceived(1, asked, None),
        NotificationReceived(told, None),
    ]


def test_odd_and_text_keys_need_not_be_known(met: Maker) -> None:  # G-6
    talk = met()
    asked = request(1, extensions={65_539: 1, 65_537: [], MAX_ID: {}, "tenant": "a"})
    assert talk.hears(asked) == [RequestReceived(1, asked, None)]


@pytest.mark.parametrize(("key", "value"), [(5, 1), (7, "soon"), (9, 65_536), (11, [1]), (13, 0)])
def test_an_unusable_value_is_no_obstacle(met: Maker, key: int, value: object) -> None:  # G-7
    talk = met()
    [event] = talk.hears(frame_bytes(0, 1, "m", b"body", {key: value}))
    assert isinstance(event, RequestReceived)
    assert (event.frame.payload, event.expires) == (b"body", None)


@pytest.mark.parametrize("method", ["m", ""])
def test_a_notification_with_an_unknown_even_key_is_dropped(met: Maker, method: str) -> None:  # G-9
    talk = met()
    assert talk.hears(notification(method, b"body", UNKNOWN)) == []
    assert talk.connection.counts["notifications_not_understood"] == 1
    assert talk.says() == []


def test_a_response_with_an_unknown_even_key_fails_its_call(met: Maker) -> None:  # G-10
    talk = met()
    talk.connection.request("caller", "m")
    [event] = talk.hears(response(1, b"body", 0, UNKNOWN))
    assert outcome(event) == ("caller", Status.UNIMPLEMENTED, Executed.MAYBE)
    assert talk.connection.calls_open == 0
    assert talk.hears(response(1)) == []


def test_a_response_with_an_even_key_of_no_call_is_counted(met: Maker) -> None:  # G-10, C-14
    talk = met()
    assert talk.hears(response(1, b"", 0, UNKNOWN)) == []
    assert talk.connection.counts["unknown_responses"] == 1


def test_other_frames_with_an_unknown_even_key_do_nothing(met: Maker) -> None:  # G-11
    talk = met()
    talk.hears(request(1))
    strange = [
        Frame(Kind.GOAWAY, 0, 0, goaway().payload, None, UNKNOWN),
        cancel(1, UNKNOWN),
        ping(1, UNKNOWN),
        pong(1, UNKNOWN),
    ]
    assert talk.hears(*strange) == []
    assert talk.connection.counts["frames_not_understood"] == 4
    assert talk.says() == []
    assert talk.state() is State.OPEN
    assert talk.hears(cancel(1)) == [RequestCancelled(1, Status.CANCELLED)]


def test_a_hello_with_an_unknown_even_key_is_not_the_first(fresh: Maker) -> None:  # G-11, C-10
    talk = fresh()
    assert talk.hears(hello(UNKNOWN, agent="first")) == []
    assert talk.connection.counts["frames_not_understood"] == 1
    talk.hears(hello(agent="second"))
    assert talk.connection.peer is not None
    assert talk.connection.peer.agent == "second"


@pytest.mark.parametrize("kind", [32_768, 32_769, 65_535])
@pytest.mark.parametrize("id", [0, 1])
def test_a_frame_of_an_unknown_kind_is_dropped(met: Maker, kind: int, id: int) -> None:  # G-13
    talk = met()
    talk.connection.request("caller", "m")
    talk.says()
    targets: list[int | str] = [0, "", "m", 5]
    assert talk.hears(*[Frame(kind, id, target, b"", None, UNKNOWN) for target in targets]) == []
    assert talk.connection.counts["unknown_kinds"] == 4
    assert talk.says() == []
    assert talk.hears(response(1)) == [CallAnswered("caller", response(1))]


def test_unknown_kinds_never_end_a_connection(met: Maker) -> None:  # G-13
    talk = met()
    talk.hears(*[Frame(32_768, 1, 0)] * 1_000)
    assert talk.state() is State.OPEN


def test_kinds_above_7_are_not_said(met: Maker) -> None:  # G-14
    talk = met()
    talk.hears(hello(kinds=[]))
    talk.connection.request("caller", "m")
    talk.connection.notify("m")
    talk.connection.ping()
    talk.connection.cancel(1)
    talk.connection.drain()
    assert [frame.kind for frame in talk.says()] == [0, 2, 6, 5, 4]


def test_an_envelope_is_told_from_a_notification_by_its_empty_method(met: Maker) -> None:
    talk = met()
    envelope, named = notification("", b"1"), notification("m", b"2")
    assert talk.hears(envelope, named) == [
        MessageReceived(b"1", envelope),
        NotificationReceived(named, None),
    ]
