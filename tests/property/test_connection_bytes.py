"""Whatever bytes arrive, in whatever pieces: events come out, no exception, and little is said."""

from typing import Any

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.strategies import FEWER, frames, nearly_frames
from tests.unit.checks import frame_bytes
from tracewire.codec import StreamDecoder
from tracewire.protocol.connection import events as e
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.constants import Mode
from tracewire.protocol.limits import Limits

EVENTS = (
    e.RequestReceived,
    e.RequestRefused,
    e.NotificationReceived,
    e.MessageReceived,
    e.CallAnswered,
    e.CallFailed,
    e.RequestCancelled,
    e.HelloReceived,
    e.GoawayReceived,
    e.PongReceived,
)
#: What is said may be longer than what was heard by this factor: a refusal says why.
FACTOR = 8
#: A hello and a goaway with a text.
ONCE = 400

HELLO = frame_bytes(3, 0, 0, cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_536}))


def small_frames() -> st.SearchStrategy[bytes]:
    """Frames of few ids, so that they meet calls, requests and each other."""
    ids = st.integers(0, 4)
    return st.builds(
        frame_bytes,
        st.sampled_from((0, 0, 1, 1, 2, 5, 5, 6, 7, 8)),
        ids,
        st.sampled_from(("m", "", 0, 3)),
        st.sampled_from((b"", b"body", b"\xa1\x00\x61x")),
        st.sampled_from(({}, {7: 0}, {7: 5}, {65_538: 0}, {1: False})),
    )


RECORDS = st.one_of(
    small_frames(),
    small_frames(),
    frames(),
    nearly_frames(),
    st.just(HELLO),
    st.just(frame_bytes(4, 0, 0, b"\xa2\x00\x02\x01\x00")),
    st.binary(max_size=40),
)
STREAMS = st.builds(
    lambda records, tail: b"".join(len(each).to_bytes(4, "big") + each for each in records) + tail,
    st.lists(RECORDS, max_size=12),
    st.binary(max_size=12),
)
#: The mode, and whether it connected.
LISTENED: tuple[Mode, ...] = ("framed", "framed", "both", "bare")
KINDS = st.tuples(st.sampled_from(LISTENED), st.booleans())


class Listener:
    """A connection that hears, with three open calls where it may call."""

    def __init__(self, mode: Mode, connector: bool) -> None:
        self.now = 0.0
        self.connection = Connection(
            lambda: self.now, connector=connector, mode=mode, limits=Limits(in_flight=3)
        )
        self.callers = [f"caller {n}" for n in range(3)] if self.connection.may_frame else []
        for caller in self.callers:
            self.connection.request(caller, "m", expires=50.0)
        self.connection.outbox.take()
        self.events: list[Any] = []
        self.said = b""

    def hears(self, data: bytes) -> None:
        self.events += self.connection.receive(data)
        self.said += self.connection.outbox.take()

    def finishes(self) -> None:
        """The input ends, handlers end, and time passes."""
        self.events += self.connection.end()
        for request in [event for event in self.events if isinstance(event, e.RequestReceived)]:
            if self.connection.start(request.id):
                self.connection.respond(request.id)
        self.now += 100.0
        self.events += self.connection.expire()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@FEWER
@given(kind=KINDS, data=STREAMS, cuts=st.lists(st.integers(0, 500), max_size=5))
@example(kind=("framed", True), data=b"", cuts=[])
@example(kind=("framed", True), data=b"\0\0\0\0" * 20, cuts=[])
def test_only_events_come_out_and_little_is_said(
    kind: tuple[Mode, bool], data: bytes, cuts: list[int]
) -> None:
    listener = Listener(*kind)
    for piece in pieces(data, cuts):
        listener.hears(piece)
    assert all(isinstance(event, EVENTS) for event in listener.events)
    assert len(listener.said) <= ONCE + FACTOR * len(data)
    decoder = StreamDecoder()
    assert all(frame.kind is not None for frame in decoder.feed(listener.said))
    assert decoder.eof() is None
    listener.finishes()
    assert listener.connection.state is State.CLOSED
    ended = [
        str(each.caller)
        for each in listener.events
        if isinstance(each, e.CallAnswered | e.CallFailed)
    ]
    assert sorted(ended) == listener.callers
    assert listener.connection.requests_open == 0


@FEWER
@given(kind=KINDS, data=STREAMS, cuts=st.lists(st.integers(0, 500), min_size=1, max_size=9))
def test_pieces_mean_the_same_as_the_whole(
    kind: tuple[Mode, bool], data: bytes, cuts: list[int]
) -> None:
    whole, cut = Listener(*kind), Listener(*kind)
    whole.hears(data)
    for piece in pieces(data, cuts):
        cut.hears(piece)
    if any(isinstance(event, e.GoawayReceived) for event in whole.events):
        # A side without calls may close between two pieces, and answer nothing more.
        assert list(map(repr, whole.events))[: len(cut.events)] == list(map(repr, cut.events))
        assert whole.said.startswith(cut.said)
    else:
        assert list(map(repr, whole.events)) == list(map(repr, cut.events))  # errors have no ==
        assert whole.said == cut.said
        assert whole.connection.counts == cut.connection.counts
        assert whole.connection.state is cut.connection.state
