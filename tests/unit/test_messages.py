"""wrap, unwrap and is_frame: messages on a transport that is there already."""

from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import frame_bytes, growth, refused
from tracewire.codec.constants import Kind
from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED

BARE = [
    b"",
    b"\xd9",
    b"\xd9\xd4",
    b"\xd9\xd4\xf7",
    b"\xd9\xd4\xf7\x83",
    b"\xd9\xd4\xf7\x86",
    b"\xd9\xd4\xf6\x84",
    b"\xd8\xd4\xf7\x84",
    b"\xd9\xd4\xf8\x85",
    b"{}",
    b"\0" * 100,
    frame_bytes()[1:],
]
LOOKALIKE = b"\xd9\xd4\xf7\x84 not a frame"
FRAMES = [
    (0, 1, "m"),
    (1, 1, 0),
    (2, 0, "m"),
    (3, 0, 0),
    (7, 1, 0),
    (32768, 0, ""),
    (32769, 1, 0),
]


def test_wrap_makes_an_envelope(codec: ModuleType) -> None:
    assert codec.wrap(b"message") == frame_bytes(2, 0, "", b"message")
    wrapped = codec.wrap(b"message", NOT_SAMPLED, {9: 50})
    assert wrapped == frame_bytes(2, 0, "", b"message", {1: False, 9: 50})
    assert codec.wrap(extensions={9: 50}, trace=NOT_SAMPLED, message=b"message") == wrapped


def test_wrap_wraps_what_looks_like_a_frame(codec: ModuleType) -> None:
    envelope = codec.wrap(codec.wrap(b"message"))
    assert codec.unwrap(envelope).payload == codec.wrap(b"message")


@pytest.mark.parametrize("mode", ["both", "framed"])
@pytest.mark.parametrize("message", [*BARE, LOOKALIKE])
def test_unwrap_takes_an_envelope(
    codec: ModuleType, sampled: Any, mode: str, message: bytes
) -> None:
    frame = codec.unwrap(codec.wrap(message, sampled, {5: {"k": "v"}}), mode=mode)
    assert (frame.kind, frame.id, frame.target, frame.method) == (Kind.NOTIFICATION, 0, "", "")
    assert (frame.payload, frame.trace, frame.extensions) == (message, sampled, {5: {"k": "v"}})
    assert frame == codec.decode(codec.wrap(message, sampled, {5: {"k": "v"}}))


def test_both_is_the_mode_unless_another_is_given(codec: ModuleType) -> None:
    assert codec.unwrap(b"message").kind is None
    assert codec.unwrap(codec.wrap(b"message")).kind is Kind.NOTIFICATION


@pytest.mark.parametrize("message", BARE, ids=bytes.hex)
def test_both_takes_what_does_not_begin_like_a_frame_as_bare(
    codec: ModuleType, message: bytes
) -> None:
    frame = codec.unwrap(message, mode="both")
    assert (frame.kind, frame.payload) == (None, message)


@pytest.mark.parametrize(
    "message",
    [
        *BARE,
        LOOKALIKE,
        frame_bytes(),
        frame_bytes(2, 0, "", b"message", {65538: 1}),
        b"\xd9\xd4\xf7\x85",
    ],
    ids=bytes.hex,
)
def test_bare_takes_every_message_as_it_is(codec: ModuleType, message: bytes) -> None:
    frame = codec.unwrap(message, mode="bare")
    assert (frame.kind, frame.payload) == (None, message)


def test_a_bare_message_has_nothing_but_its_payload(codec: ModuleType) -> None:
    frame = codec.unwrap(b"message")
    fields = frame.kind, frame.id, frame.target, frame.method, frame.status, frame.trace
    assert fields == (None, 0, "", None, None, None)
    assert (frame.payload, dict(frame.extensions), dict(frame.raw_extensions)) == (
        b"message",
        {},
        {},
    )
    assert repr(frame) == "Frame(None, 0, '', b'message', raw_extensions={})"


def test_equal_bare_messages_are_equal(codec: ModuleType) -> None:
    assert codec.unwrap(b"message") == codec.unwrap(b"message", mode="bare")
    assert hash(codec.unwrap(b"message")) == hash(codec.unwrap(bytearray(b"message")))
    assert codec.unwrap(b"message") != codec.unwrap(b"other")


@pytest.mark.parametrize("message", [message for message in BARE if message], ids=bytes.hex)
def test_framed_refuses_a_bare_message(codec: ModuleType, message: bytes) -> None:
    with pytest.raises(FrameError) as expected:
        codec.decode(message)
    with pytest.raises(FrameError) as caught:
        codec.unwrap(message, mode="framed")
    assert caught.value.args == expected.value.args
    assert caught.value.rule in ("F-1", "F-5", "F-6")


def test_framed_refuses_an_empty_message(codec: ModuleType) -> None:
    with refused("F-1", 0):
        codec.unwrap(b"", mode="framed")


@pytest.mark.parametrize("mode", ["both", "framed"])
@pytest.mark.parametrize("head", [b"\xd9\xd4\xf7\x84", b"\xd9\xd4\xf7\x85"])
def test_what_begins_like_a_frame_is_never_taken_as_bare(
    codec: ModuleType, mode: str, head: bytes
) -> None:
    with refused("F-1", 4):
        codec.unwrap(head, mode=mode)
    with refused("F-7", 4):
        codec.unwrap(head + b"message", mode=mode)


@pytest.mark.parametrize("mode", ["both", "framed"])
def test_an_envelope_cut_short_is_the_error_of_decode(codec: ModuleType, mode: str) -> None:
    envelope = codec.wrap(b"message", extensions={21: 1})
    for end in range(4, len(envelope)):
        with refused("F-1", end):
            codec.unwrap(envelope[:end], mode=mode)
    with refused("F-18", len(envelope)):
        codec.unwrap(envelope + b"\0", mode=mode)


@pytest.mark.parametrize("mode", ["both", "framed"])
@pytest.mark.parametrize("fields", FRAMES)
@pytest.mark.parametrize("extensions", [{}, {1: False, 65538: 1}], ids=str)
def test_a_frame_that_is_no_envelope_is_refused(
    codec: ModuleType, mode: str, fields: tuple[int, int, Any], extensions: dict[Any, object]
) -> None:
    data = frame_bytes(*fields, extensions=extensions)
    with pytest.raises(FrameError) as caught:
        codec.unwrap(data, mode=mode, understood=[65538])
    error = caught.value
    assert (error.rule, error.offset) == ("M-3", 6 if fields[0] == 2 else 4)
    assert (error.kind, error.id) == fields[:2]


@pytest.mark.parametrize("mode", ["both", "framed"])
def test_an_even_key_is_refused_unless_understood(codec: ModuleType, mode: str) -> None:
    envelope = frame_bytes(2, 0, "", b"message", {1: False, 65538: 5, 65540: 6, 65542: 7, "k": 8})
    with refused("X-11", 18):
        codec.unwrap(envelope, mode=mode)
    with refused("X-11", 24):
        codec.unwrap(envelope, mode=mode, understood=(65538,))
    with refused("X-11", 30):
        codec.unwrap(envelope, mode=mode, understood={65540: "in a dict", 65538: None})
    frame = codec.unwrap(envelope, mode=mode, understood=frozenset((65542, 65540, 65538)))
    assert frame.extensions[65542] == 7


@pytest.mark.parametrize(
    "understood", [range(0, 1 << 17, 2), [65538], (65538,), {65538}, {65538: 2}.keys()], ids=repr
)
def test_understood_is_any_container(codec: ModuleType, understood: Any) -> None:
    envelope = frame_bytes(2, 0, "", b"message", {65538: 5})
    assert codec.unwrap(envelope, understood=understood).payload == b"message"


def test_the_error_of_an_even_key_names_all_that_are_not_understood(codec: ModuleType) -> None:
    envelope = frame_bytes(2, 0, "", b"", {65538: 5, 65540: 6, 65542: 7, 21: 8})
    with pytest.raises(FrameError, match=r"not understood: 65538, 65542$") as caught:
        codec.unwrap(envelope, understood=(65540,))
    assert (caught.value.kind, caught.value.id) == (Kind.NOTIFICATION, 0)


@pytest.mark.parametrize("mode", ["", "BOTH", "frame", None, 0, b"both"], ids=repr)
def test_another_mode_is_a_value_error(codec: ModuleType, mode: object) -> None:
    with pytest.raises(ValueError, match="'both', 'framed' or 'bare'"):
        codec.unwrap(b"message", mode=mode)


@pytest.mark.parametrize("arguments", [("both",), ("both", ())])
def test_mode_and_understood_are_given_by_name(
    codec: ModuleType, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        codec.unwrap(b"message", *arguments)


def test_an_unusable_value_in_an_envelope_reads_as_absent(codec: ModuleType) -> None:
    envelope = frame_bytes(2, 0, "", b"message", {1: None, 7: "soon"})
    with growth() as grown:
        frame = codec.unwrap(envelope)
        assert (frame.payload, frame.trace, dict(frame.extensions)) == (b"message", None, {})
    assert grown == {"unusable_trace": 1, "unusable_timeout": 1}


@pytest.mark.parametrize("message", BARE, ids=bytes.hex)
def test_is_frame_is_false_of_bare_messages(codec: ModuleType, message: bytes) -> None:
    assert codec.is_frame(message) is False


@pytest.mark.parametrize("tail", [b"", b"\0", b"\xff" * 100])
@pytest.mark.parametrize("head", [b"\xd9\xd4\xf7\x84", b"\xd9\xd4\xf7\x85"])
def test_is_frame_is_true_by_the_first_four_bytes_alone(
    codec: ModuleType, head: bytes, tail: bytes
) -> None:
    assert codec.is_frame(head + tail) is True
    assert codec.is_frame(data=head + tail) is True


@pytest.mark.parametrize("fields", [*FRAMES, (2, 0, "")])
@pytest.mark.parametrize("extensions", [{}, {21: 1}], ids=str)
def test_is_frame_is_true_of_every_frame(
    codec: ModuleType, fields: tuple[int, int, Any], extensions: dict[Any, object]
) -> None:
    assert codec.is_frame(frame_bytes(*fields, extensions=extensions)) is True
