"""The terminating relay of the matrix keeps to the rules on relays (section 7.9)."""

import pytest

from tests.interop.relay import hop
from tracewire.codec import (
    NOT_SAMPLED,
    Frame,
    Kind,
    RawItem,
    Trace,
    TraceContext,
    decode,
    encode,
    encode_notification,
)
from tracewire.codec.constants import BAGGAGE, CREATION, FANOUT, MAX_EXTENSION_BYTES
from tracewire.protocol.constants import Trust

TRACE = TraceContext(1, 2, 1, "a=b")
UNKNOWN = 65_537


def passed(frame: bytes, trust: Trust = "parent") -> Frame:
    onward = hop(frame, trust)
    assert onward is not None
    return decode(onward)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind > Kind.NOTIFICATION])
def test_what_is_of_a_connection_goes_no_further(kind: Kind) -> None:
    id = 0 if kind in (Kind.HELLO, Kind.GOAWAY) else 1
    assert hop(encode(Frame(kind, id, 0, b"\xa0"))) is None


#: Bytes of an unknown key's value that leave room for the trace, its state and a creation of 32.
ROOM = MAX_EXTENSION_BYTES - 46 - 32


@pytest.mark.parametrize(
    ("size", "state", "created"),
    [(ROOM, "a=b", True), (ROOM + 1, "", True), (ROOM + 5, "", True), (ROOM + 6, "", False)],
)
def test_over_the_limits_no_key_is_shed_that_is_not_known(
    size: int, state: str, created: bool
) -> None:
    onward = passed(encode_notification("m", b"", TRACE, {UNKNOWN: bytes(size)}))
    assert onward.extensions[UNKNOWN] == bytes(size)
    assert isinstance(onward.trace, TraceContext)
    assert (onward.trace.state, CREATION in onward.raw_extensions) == (state, created)


@pytest.mark.parametrize("trace", [TRACE, NOT_SAMPLED, None])
def test_a_fanout_goes_on_as_it_came_still_to_be_drawn(trace: Trace) -> None:
    sent = encode_notification("m", b"", trace, {FANOUT: [1, 1, 1_000_000]})
    onward = passed(sent)
    assert onward.raw_extensions[FANOUT] == decode(sent).raw_extensions[FANOUT]
    assert (onward.trace is trace) or isinstance(onward.trace, TraceContext)


@pytest.mark.parametrize("trust", ["link", "ignore"])
@pytest.mark.parametrize("trace", [TRACE, NOT_SAMPLED])
def test_what_a_stranger_says_beside_the_trace_is_dropped(trace: Trace, trust: Trust) -> None:
    said: dict[int | str, object] = {
        BAGGAGE: {"a": "b"},
        CREATION: TRACE,
        FANOUT: [10, 1],
        UNKNOWN: 1,
        "text": 2,
    }
    sent = encode_notification("m", b"", trace, said)
    onward = passed(sent, trust)
    assert set(onward.extensions) == {UNKNOWN, "text"}
    assert onward.raw_extensions["text"] == RawItem(b"\x02")
    assert getattr(onward.trace, "state", "") == ""
    assert set(passed(sent).extensions) == {*said}
