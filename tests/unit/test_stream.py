"""StreamDecoder and to_stream: frames on a stream, in pieces of any size."""

from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import frame_bytes, growth, memory, refused
from tracewire.codec.errors import FrameError

MAX_FRAME = 4_194_304
FRAMES = [
    frame_bytes(0, 1, "m", b"body", {1: False}),
    frame_bytes(1, 1, 0),
    frame_bytes(2, 0, "", bytes(300)),
    frame_bytes(6, 1, 0),
]


def record(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


STREAM = b"".join(map(record, FRAMES))
#: Valid frames among records that are none, and what comes out of them.
MIXED = b"".join(map(record, [FRAMES[0], b"", b"no frame", FRAMES[1][:-1], FRAMES[1] + b"\0"]))
MIXED += record(bytes.fromhex("d9d4f784000161ff40")) + record(FRAMES[1])
OUTCOME: list[Any] = [FRAMES[0], ("F-1", 0), ("F-5", 0), ("F-1", 7), ("F-18", 8)]
OUTCOME += [("F-16", 6), FRAMES[1]]


def outcome(codec: ModuleType, items: list[Any]) -> list[Any]:
    """Frames as their bytes and errors as their rule and offset."""
    return [
        (item.rule, item.offset) if isinstance(item, FrameError) else codec.encode(item)
        for item in items
    ]


def fed(codec: ModuleType, decoder: Any, pieces: Iterator[bytes] | list[bytes]) -> list[Any]:
    return outcome(codec, [item for piece in pieces for item in decoder.feed(piece)])


def test_records_come_out_as_frames(codec: ModuleType) -> None:
    items = codec.StreamDecoder().feed(STREAM)
    assert type(items) is list
    assert items == [codec.decode(frame) for frame in FRAMES]


@pytest.mark.parametrize(
    ("stream", "expected"), [(STREAM, FRAMES), (MIXED, OUTCOME)], ids=["valid", "mixed"]
)
def test_a_stream_may_be_split_anywhere(
    codec: ModuleType, stream: bytes, expected: list[Any]
) -> None:
    for at in range(len(stream) + 1):
        decoder = codec.StreamDecoder()
        assert fed(codec, decoder, [stream[:at], stream[at:]]) == expected
        assert decoder.eof() is None


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_a_stream_may_arrive_in_small_pieces(codec: ModuleType, size: int) -> None:
    decoder = codec.StreamDecoder()
    stream = STREAM + MIXED
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert fed(codec, decoder, pieces) == [*FRAMES, *OUTCOME]
    assert decoder.eof() is None


def test_a_frame_comes_out_with_its_last_byte(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    ends = []
    for at in range(len(STREAM)):
        if decoder.feed(STREAM[at : at + 1]):
            ends.append(at + 1)
    assert ends == [len(b"".join(map(record, FRAMES[: n + 1]))) for n in range(len(FRAMES))]


def test_an_empty_feed_changes_nothing(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    items = []
    for at in range(len(STREAM)):
        assert decoder.feed(b"") == []
        items += decoder.feed(STREAM[at : at + 1])
        assert decoder.feed(bytearray()) == []
    assert outcome(codec, items) == FRAMES


def test_a_feed_may_end_one_record_and_begin_another(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    cuts = [0, 3, 5, 30, 40, 60, len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(cuts)]
    assert fed(codec, decoder, pieces) == FRAMES


def test_a_bad_record_loses_no_good_one(codec: ModuleType) -> None:
    assert outcome(codec, codec.StreamDecoder().feed(MIXED)) == OUTCOME


def test_an_error_names_what_was_read_before_it(codec: ModuleType) -> None:
    (error,) = codec.StreamDecoder().feed(record(bytes.fromhex("d9d4f784000760")))
    assert isinstance(error, FrameError)
    assert (error.rule, error.offset, error.kind, error.id) == ("F-11", 6, 0, 7)


def test_an_error_that_comes_out_keeps_nothing_alive(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(max_frame=100)
    errors = [*decoder.feed(MIXED), *decoder.feed(b"\xff" * 4), decoder.eof()]
    kept = [error for error in errors if isinstance(error, FrameError)]
    assert len(kept) == 6
    assert [(e.__traceback__, e.__context__, e.__cause__) for e in kept] == [(None,) * 3] * 6


def test_an_unusable_value_in_a_record_reads_as_absent(codec: ModuleType) -> None:
    with growth() as grown:
        (frame,) = codec.StreamDecoder().feed(record(frame_bytes(extensions={1: None})))
        assert frame.trace is None
    assert grown == {"unusable_trace": 1}


# The maximum.


@pytest.mark.parametrize("max_frame", [9, 10, 255, 65536])
def test_a_record_of_the_maximum_is_read_and_a_longer_one_refused(
    codec: ModuleType, max_frame: int
) -> None:
    fitting = b"\xd9" * max_frame
    decoder = codec.StreamDecoder(max_frame)
    assert outcome(codec, decoder.feed(record(fitting))) == [("F-5", 0)]
    assert outcome(codec, decoder.feed(record(fitting + b"\0"))) == [("S-2", 0)]


def test_the_maximum_is_4_mib_unless_given(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    assert decoder.max_frame == MAX_FRAME
    assert decoder.feed(MAX_FRAME.to_bytes(4, "big")) == []
    refusing = codec.StreamDecoder()
    assert outcome(codec, refusing.feed((MAX_FRAME + 1).to_bytes(4, "big"))) == [("S-2", 0)]


def test_a_frame_of_the_maximum_is_read(codec: ModuleType) -> None:
    longest = frame_bytes(2, 0, "", bytes(MAX_FRAME - 12))
    assert len(longest) == MAX_FRAME
    assert fed(codec, codec.StreamDecoder(), [record(longest)]) == [longest]


def test_a_record_is_refused_as_soon_as_its_length_is_read(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(max_frame=255)
    assert [decoder.feed(byte) for byte in (b"\0", b"\0", b"\1")] == [[], [], []]
    assert outcome(codec, decoder.feed(b"\0")) == [("S-2", 0)]


def test_an_over_long_record_is_the_last_item(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(max_frame=400)
    items = decoder.feed(STREAM + record(bytes(401)) + STREAM)
    assert outcome(codec, items) == [*FRAMES, ("S-2", 0)]
    assert (items[-1].kind, items[-1].id) == (None, None)
    assert decoder.feed(STREAM) == []
    assert decoder.feed(b"") == []
    assert decoder.eof() is None


def test_a_wrong_type_is_a_type_error_even_after_an_over_long_record(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(max_frame=1)
    assert outcome(codec, decoder.feed(b"\0\0\0\2")) == [("S-2", 0)]
    with pytest.raises(TypeError, match="expected bytes, .* not str"):
        decoder.feed("text")


def test_the_error_of_an_over_long_record_says_how_long_it_is(codec: ModuleType) -> None:
    (error,) = codec.StreamDecoder(max_frame=400).feed(b"\xff\xff\xff\xff")
    assert str(error).endswith(": 4294967295 bytes, at most 400")


@pytest.mark.parametrize("max_frame", [1, 4294967295])
def test_a_maximum_may_lie_at_its_limits(codec: ModuleType, max_frame: int) -> None:
    decoder = codec.StreamDecoder(max_frame=max_frame)
    assert decoder.max_frame == max_frame
    assert outcome(codec, decoder.feed(record(b"\0"))) == [("F-5", 0)]


@pytest.mark.parametrize(
    "max_frame", [0, -1, 1 << 32, 1 << 64, -(1 << 64), pytest.param(10**5000, id="huge")]
)
def test_a_maximum_out_of_range_is_a_value_error(codec: ModuleType, max_frame: int) -> None:
    with pytest.raises(ValueError, match="max_frame must lie between 1 and"):
        codec.StreamDecoder(max_frame)


@pytest.mark.parametrize("wrong", [None, "1", 1.0, b"\1", [1]], ids=repr)
def test_a_maximum_of_a_wrong_type_is_a_type_error(codec: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.StreamDecoder(wrong)


def test_a_decoder_takes_one_argument(codec: ModuleType) -> None:
    with pytest.raises(TypeError, match="argument"):
        codec.StreamDecoder(1, 2)


# The end.


def test_a_stream_may_end_between_records_only(codec: ModuleType) -> None:
    content = frame_bytes()
    for end in range(1, len(record(content))):
        decoder = codec.StreamDecoder()
        assert decoder.feed(STREAM + record(content)[:end])
        error = decoder.eof()
        assert isinstance(error, FrameError)
        assert (error.rule, error.offset) == ("S-3", max(0, end - 4))
        assert (error.kind, error.id) == (None, None)


def test_a_stream_without_a_byte_ends_well(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    assert decoder.eof() is None
    assert decoder.feed(b"") == []
    assert decoder.eof() is None


def test_a_prefix_of_zero_is_a_record_of_its_own(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    assert outcome(codec, decoder.feed(b"\0\0\0")) == []
    assert outcome(codec, decoder.feed(b"\0\0\0\0\0")) == [("F-1", 0), ("F-1", 0)]
    assert decoder.eof() is None


def test_asking_for_the_end_changes_nothing(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    decoder.feed(STREAM[:10])
    assert decoder.eof().offset == 6
    assert decoder.eof().offset == 6
    assert fed(codec, decoder, [STREAM[10:]]) == FRAMES


# Memory.


def test_a_length_alone_takes_no_memory(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(max_frame=4294967295)
    with memory() as taken:
        assert decoder.feed(b"\xff\xff\xff\xff\xd9\xd4\xf7") == []
    assert taken["peak"] < 10_000


@pytest.mark.parametrize(
    "tail", ["7b7fffffffffffffff", "0001 7affffffff", "0001616d 5bffffffffffffffff"]
)
def test_a_length_inside_a_frame_takes_no_memory(codec: ModuleType, tail: str) -> None:
    with memory() as taken, pytest.raises(FrameError) as caught:
        codec.decode(bytes.fromhex("d9d4f784" + tail))
    assert caught.value.kind in (None, 0)
    assert taken["peak"] < 10_000


def test_a_decoder_keeps_only_what_is_unfinished(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder()
    big = record(frame_bytes(2, 0, "", bytes(100_000)))
    decoder.feed(big)
    with memory() as taken:
        for _ in range(20):
            decoder.feed(big + big[:-1])
            decoder.feed(big[-1:])
    assert taken["kept"] < 250_000


def test_a_long_record_may_arrive_byte_by_byte(codec: ModuleType) -> None:
    stream = record(frame_bytes(2, 0, "", bytes(200_000)))
    pieces = (stream[at : at + 1] for at in range(len(stream)))
    assert fed(codec, codec.StreamDecoder(), pieces) == [stream[4:]]


# to_stream.


@pytest.mark.parametrize("frame", [*FRAMES, b"", b"not looked at", bytes(70_000)], ids=len)
def test_to_stream_puts_the_length_before_the_frame(codec: ModuleType, frame: bytes) -> None:
    assert codec.to_stream(frame) == record(frame)
    assert codec.to_stream(frame_bytes=frame) == record(frame)


def test_what_to_stream_writes_comes_out_again(codec: ModuleType) -> None:
    stream = b"".join(codec.to_stream(frame) for frame in FRAMES)
    assert fed(codec, codec.StreamDecoder(), [stream]) == FRAMES


def test_a_frame_of_4_gib_is_too_long_for_a_stream(codec: ModuleType) -> None:
    with refused("S-1"):
        codec.to_stream(bytes(1 << 32))  # zeros that the system never has to find room for
