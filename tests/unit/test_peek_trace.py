"""peek_trace: the decision, without building a frame."""

from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import BINARY_TRACE, frame_bytes, growth

FRAMES = [(0, 1, "m"), (1, 1, 0), (2, 0, "m"), (2, 0, ""), (3, 0, 0), (7, 1, 0), (32768, 0, "")]
UNUSABLE: list[Any] = [True, None, b"", bytes(29), 0, "", [], {}]


@pytest.mark.parametrize(
    ("extensions", "says"),
    [
        ({}, None),
        ({7: 1}, None),
        ({1: False}, False),
        ({1: BINARY_TRACE}, True),
        ({1: BINARY_TRACE[:-1] + b"\3"}, True),
        ({1: BINARY_TRACE[:-1] + b"\2"}, False),
        ({1: BINARY_TRACE[:-1] + b"\0", 3: "a=1"}, False),
        ({1: b"\1" + BINARY_TRACE[1:] + b"later"}, True),
        *(({1: value}, None) for value in UNUSABLE),
        ({1: b"\xff" + BINARY_TRACE[1:]}, None),
        ({1: BINARY_TRACE + b"\0"}, None),
        ({3: "a=1"}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("fields", FRAMES)
def test_peek_trace_says_what_decode_says(
    codec: ModuleType, fields: tuple[int, int, Any], extensions: Any, says: bool | None
) -> None:
    data = frame_bytes(*fields, extensions=extensions)
    assert codec.peek_trace(data) is says
    assert codec.peek_trace(data=bytearray(data)) is says
    trace = codec.decode(data).trace
    assert (None if trace is None else trace.sampled) is says


@pytest.mark.parametrize("message", [b"", b"\xd9", b"{}", frame_bytes()[1:]], ids=bytes.hex)
def test_a_bare_message_is_undecided(codec: ModuleType, message: bytes) -> None:
    assert codec.peek_trace(message) is None


def test_peek_trace_counts_nothing(codec: ModuleType) -> None:
    with growth() as grown:
        assert codec.peek_trace(frame_bytes(extensions={1: None, 3: None, 7: None})) is None
    assert grown == {}
