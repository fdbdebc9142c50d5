"""The payload of a goaway."""

import cbor2
import pytest

from tests.unit.checks import refused
from tracewire.codec import Kind, Status
from tracewire.protocol.connection.messages import UNREADABLE, Goaway, read_goaway

MAX_ID = 4_294_967_295


@pytest.mark.parametrize(
    "said",
    [Goaway(0), Goaway(MAX_ID, Status.RESOURCE_EXHAUSTED, "why"), Goaway(5, 3), Goaway(1, 0, "")],
)
def test_a_goaway_is_read_as_it_was_written(said: Goaway) -> None:
    frame = said.frame()
    assert (frame.kind, frame.id, frame.target) == (Kind.GOAWAY, 0, 0)
    assert read_goaway(frame.payload) == said


def test_the_payload_is_that_of_the_specification() -> None:
    assert Goaway(7, Status.OK, "bye").frame().payload == cbor2.dumps({0: 7, 1: 0, 2: "bye"})
    assert Goaway(7).frame().payload == cbor2.dumps({0: 7, 1: 0})


def test_a_status_that_is_not_assigned_is_kept() -> None:
    assert read_goaway(cbor2.dumps({0: 1, 1: 99})).status == 99


def test_unknown_keys_are_ignored_and_the_first_of_duplicates_counts() -> None:
    assert read_goaway(b"\xa4\x00\x01\x00\x05\x01\x00\x18\x63\xf6") == Goaway(1)


def test_a_text_that_is_none_is_left_out() -> None:
    assert read_goaway(cbor2.dumps({0: 1, 1: 2, 2: b"bytes"})) == Goaway(1, 2)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"\x80", b"\xa0"]
    + [cbor2.dumps(fields) for fields in ({0: 1}, {1: 0}, {0: -1, 1: 0}, {0: 1, 1: "0"})]
    + [cbor2.dumps({0: 1, 1: 0, 2: "x" * 16_384})],
    ids=lambda payload: payload.hex()[:16] or "empty",
)
def test_what_cannot_be_read_says_that_any_request_may_have_run(payload: bytes) -> None:
    assert read_goaway(payload) == UNREADABLE
    assert UNREADABLE.last_id == MAX_ID


@pytest.mark.parametrize("letter", ["m", "😀"])
def test_a_text_that_is_too_long_loses_its_end(letter: str) -> None:
    for length, said in ((1_024, 1_024), (1_025, 1_024), (1_000_000, 1_024)):
        assert read_goaway(Goaway(1, 0, letter * length).frame().payload).text == letter * said


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with refused("F-16"):
        Goaway(1, 0, "\ud800").frame()
