"""Listeners that read bare messages, or both (section 5.4, G-3, G-5, G-15, G-16)."""

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.talk import (
    Maker,
    Talk,
    cancel,
    goaway,
    hello,
    notification,
    ping,
    pong,
    record,
    request,
    response,
)
from tracewire.codec import NOT_SAMPLED, Frame, FrameError, Kind, Status, StreamDecoder, encode
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.events import (
    CallAnswered,
    HelloReceived,
    MessageReceived,
    RequestReceived,
)
from tracewire.protocol.connection.messages import Hello
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError

#: Messages that begin like no frame, and one that does and proves invalid.
BARE = [b"{}", b"", b"\xd9\xd4\xf7", b"\xd9\xd4\xf7\x83", b"\xd9\xd4\xf7\x86more", bytes(1_000)]
FALSE_FRAME = b"\xd9\xd4\xf7\x84 is how this begins"


def says_bare(talk: Talk) -> list[bytes]:
    """The records that were written, as they are."""
    records = []
    data = talk.connection.outbox.take()
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        records.append(data[4:end])
        data = data[end:]
    return records


@pytest.mark.parametrize("mode", ["both", "bare"])
def test_bare_messages_are_received(fresh: Maker, mode: str) -> None:  # G-15, M-2
    talk = fresh(mode=mode)
    assert talk.hears(*BARE) == [MessageReceived(message, None) for message in BARE]
    assert not talk.connection.may_frame


def test_in_mode_framed_a_bare_message_is_an_invalid_record(fresh: Maker) -> None:  # M-1
    talk = fresh()
    assert talk.hears(b"{}") == []
    assert talk.connection.counts["invalid_records"] == 1


def test_in_mode_bare_even_frames_are_messages(fresh: Maker) -> None:  # M-4
    talk = fresh(mode="bare")
    frames = [encode(hello()), encode(request(1)), encode(notification("")), FALSE_FRAME]
    assert talk.hears(*frames) == [MessageReceived(message, None) for message in frames]
    assert talk.says() == []
    assert talk.connection.counts == {}


def test_in_mode_both_an_envelope_is_received_as_its_message(fresh: Maker) -> None:  # G-15
    talk = fresh(mode="both")
    envelope = Frame(Kind.NOTIFICATION, 0, "", b"message", NOT_SAMPLED)
    assert talk.hears(b"bare", envelope) == [
        MessageReceived(b"bare", None),
        MessageReceived(b"message", envelope),
    ]


def test_in_mode_both_what_proves_invalid_is_not_taken_as_bare(fresh: Maker) -> None:  # M-2
    talk = fresh(mode="both")
    assert talk.hears(FALSE_FRAME, b"bare") == [MessageReceived(b"bare", None)]
    assert talk.connection.counts["invalid_records"] == 1


def test_in_mode_both_the_sixteenth_invalid_record_is_an_error(fresh: Maker) -> None:  # C-4
    talk = fresh(mode="both")
    talk.hears(*[FALSE_FRAME] * 15)
    assert talk.state() is State.OPEN
    talk.hears(FALSE_FRAME)
    assert talk.state() is State.FAILED
    assert talk.says() == []


BEFORE_HELLO = [
    request(1),
    response(1),
    notification("m"),
    goaway(),
    cancel(1),
    ping(),
    pong(),
    Frame(32_768, 1, 0),
    hello(max_frame=65_535),
    Frame(Kind.HELLO, 0, 0, b"\xff"),
    hello({2: 0}),
]


@pytest.mark.parametrize("frame", BEFORE_HELLO, ids=lambda frame: f"kind-{int(frame.kind)}")
@pytest.mark.parametrize("enveloped", [False, True])
def test_before_the_hello_other_frames_are_dropped_and_counted(
    fresh: Maker, frame: Frame, enveloped: bool
) -> None:  # G-16
    talk = fresh(mode="both")
    if enveloped:
        talk.hears(notification(""))
        talk.says()
    assert talk.hears(frame, frame) == []
    assert talk.connection.counts == {"frames_before_hello": 2}
    assert talk.says() == []
    assert talk.state() is State.OPEN
    assert talk.connection.may_frame == enveloped


def test_before_the_hello_an_invalid_request_is_not_answered(fresh: Maker) -> None:  # G-16
    talk = fresh(mode="both")
    talk.hears(frame_bytes(0, 5, ""))
    assert talk.says() == []


def test_before_the_hello_cancels_that_were_dropped_do_not_count(fresh: Maker) -> None:  # G-16
    talk = fresh(mode="both")
    talk.hears(cancel(1), cancel(2), hello())
    assert talk.state() is State.OPEN


def test_after_the_hello_every_frame_is_heard(fresh: Maker) -> None:  # G-16
    talk = fresh(mode="both")
    asked = request(1)
    assert talk.hears(hello(), asked, b"bare") == [
        HelloReceived(Hello()),
        RequestReceived(1, asked, None),
        MessageReceived(b"bare", None),
    ]
    talk.connection.respond(1)
    assert [frame.kind for frame in talk.says()] == [Kind.HELLO, Kind.RESPONSE]


@pytest.mark.parametrize("connector", [False, True])
def test_hello_is_said_once_an_envelope_was_accepted(fresh: Maker, connector: bool) -> None:  # C-9
    talk = fresh(mode="both", connector=connector)
    talk.hears(b"bare", request(1), b"\xd9\xd4\xf7\x84")
    assert talk.says() == []
    talk.hears(notification(""), notification(""), hello())
    assert [frame.kind for frame in talk.says()] == [Kind.HELLO]


@pytest.mark.parametrize("mode", ["both", "bare"])
@pytest.mark.parametrize("connector", [False, True])
def test_messages_go_bare_while_nothing_shows_that_frames_are_read(
    fresh: Maker, mode: str, connector: bool
) -> None:  # G-3, G-5
    talk = fresh(mode=mode, connector=connector)
    talk.hears(b"bare")
    for message in BARE:
        talk.connection.send(message, NOT_SAMPLED, {"k": 1})
    assert says_bare(talk) == BARE


def test_messages_go_in_envelopes_to_a_side_that_sent_one(fresh: Maker) -> None:  # G-3, G-5
    talk = fresh(mode="both")
    talk.hears(notification(""))
    talk.says()
    talk.connection.send(b"message", NOT_SAMPLED)
    talk.connection.send(FALSE_FRAME)
    assert talk.says() == [
        Frame(Kind.NOTIFICATION, 0, "", b"message", NOT_SAMPLED),
        notification("", FALSE_FRAME),
    ]


@pytest.mark.parametrize("mode", ["both", "bare"])
def test_a_bare_message_that_begins_like_a_frame_is_refused(fresh: Maker, mode: str) -> None:  # M-5
    talk = fresh(mode=mode)
    with pytest.raises(ValueError, match="begin like a frame"):
        talk.connection.send(FALSE_FRAME)
    assert not talk.connection.outbox.pending


def test_in_mode_framed_nothing_is_sent_bare(fresh: Maker) -> None:  # G-3, M-1
    talk = fresh()
    with pytest.raises(RpcError) as caught:
        talk.connection.send(b"message")
    assert caught.value.status == Status.FAILED_PRECONDITION
    assert not talk.connection.outbox.pending


@pytest.mark.parametrize(("name", "arguments"), [("request", (1, "m")), ("notify", ("m",))])
@pytest.mark.parametrize("mode", ["both", "bare"])
def test_nothing_but_messages_goes_to_a_side_that_sent_no_frame(
    fresh: Maker, mode: str, name: str, arguments: tuple[object, ...]
) -> None:  # G-3
    talk = fresh(mode=mode, connector=True)
    talk.hears(b"bare")
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments)
    assert (caught.value.status, caught.value.executed) == (
        Status.FAILED_PRECONDITION,
        Executed.NO,
    )
    assert not talk.connection.outbox.pending


@pytest.mark.parametrize(("name", "arguments"), [("request", ("caller", "m")), ("ping", ())])
def test_what_wants_an_answer_waits_for_the_hello(
    fresh: Maker, name: str, arguments: tuple[object, ...]
) -> None:  # G-16: the answer would be dropped
    talk = fresh(mode="both")
    talk.hears(notification(""))
    talk.says()
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments)
    assert caught.value.status == Status.FAILED_PRECONDITION
    talk.hears(hello())
    getattr(talk.connection, name)(*arguments)
    assert len(talk.says()) == 1


def test_a_call_to_a_side_that_said_hello_is_answered(fresh: Maker) -> None:
    talk = fresh(mode="both")
    talk.hears(hello())
    talk.connection.request("caller", "m")
    assert talk.hears(response(1)) == [CallAnswered("caller", response(1))]


@pytest.mark.parametrize("mode", ["both", "bare"])
def test_a_bare_connection_drains_in_silence(fresh: Maker, mode: str) -> None:
    talk = fresh(mode=mode)
    talk.hears(b"bare")
    talk.connection.drain()
    assert talk.state() is State.LINGERING
    assert talk.hears(b"late") == []
    talk.connection.end()
    assert talk.state() is State.CLOSED
    assert not talk.connection.outbox.pending


@pytest.mark.parametrize("mode", ["both", "bare"])
def test_a_bare_message_may_be_as_long_as_the_maximum(fresh: Maker, mode: str) -> None:  # S-2
    talk = Talk(65_536, mode=mode, max_frame=65_536)
    assert talk.hears(bytes(65_536)) == [MessageReceived(bytes(65_536), None)]
    assert talk.hears(bytes(65_537)) == []
    assert talk.state() is State.FAILED


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="must be framed, both or bare, not 'mixed'"):
        Connection(lambda: 0.0, connector=False, mode="mixed")  # type: ignore[arg-type]


def test_mode_framed_reads_records_as_a_stream_decoder_does(fresh: Maker) -> None:
    records = [encode(request(1)), b"", FALSE_FRAME, encode(notification())]
    items = StreamDecoder().feed(b"".join(map(record, records)))
    talk = fresh()
    assert len(talk.hears(*records)) == len([item for item in items if isinstance(item, Frame)])
    wrong = [item for item in items if isinstance(item, FrameError)]
    assert talk.connection.counts["invalid_records"] == len(wrong)
