"""Records of listeners that read bare messages, beside those of framed ones."""

import pytest

from tests.unit.checks import frame_bytes, memory
from tracewire.codec import FrameError, StreamDecoder, decode, to_stream
from tracewire.protocol.connection.records import MixedRecords, record_reader
from tracewire.protocol.constants import Mode

FRAME = frame_bytes(0, 1, "m", b"body")
ENVELOPE = frame_bytes(2, 0, "", b"body", {1: False})
BROKEN = FRAME[:-1]


def test_each_record_is_a_frame_an_error_or_a_bare_message() -> None:  # M-2
    reader = record_reader("both", 65_536)
    read = reader.feed(b"".join(map(to_stream, [FRAME, b"bare", BROKEN, b"", ENVELOPE])))
    frame, bare, error, empty, envelope = read
    assert (frame, bare, empty, envelope) == (decode(FRAME), b"bare", b"", decode(ENVELOPE))
    assert isinstance(error, FrameError)
    assert (error.rule, error.offset, error.kind, error.id) == ("F-1", 12, 0, 1)


def test_in_mode_bare_each_record_is_a_message() -> None:  # M-4
    reader = record_reader("bare", 65_536)
    messages = [FRAME, b"bare", BROKEN, b""]
    assert list(reader.feed(b"".join(map(to_stream, messages)))) == messages


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_records_may_arrive_in_small_pieces(size: int) -> None:
    stream = b"".join(map(to_stream, [b"one", FRAME, b"", bytes(200)]))
    reader = record_reader("both", 65_536)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    read = [item for piece in pieces for item in reader.feed(piece)]
    assert read == [b"one", decode(FRAME), b"", bytes(200)]
    assert reader.eof() is None


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
@pytest.mark.parametrize("cut", range(1, 4 + 13))
def test_an_end_inside_a_record_is_told_alike_in_every_mode(mode: Mode, cut: int) -> None:  # S-3
    reader, framed = record_reader(mode, 65_536), StreamDecoder(65_536)
    reader.feed(to_stream(FRAME)[:cut])
    framed.feed(to_stream(FRAME)[:cut])
    told, expected = reader.eof(), framed.eof()
    assert told is not None
    assert expected is not None
    assert (told.rule, told.offset) == (expected.rule, expected.offset)


@pytest.mark.parametrize("mode", ["framed", "both", "bare"])
def test_nothing_follows_a_record_over_the_maximum(mode: Mode) -> None:  # S-2
    reader = record_reader(mode, 65_536)
    [*_, error] = reader.feed(to_stream(FRAME) + (65_537).to_bytes(4, "big") + to_stream(FRAME))
    assert isinstance(error, FrameError)
    assert (error.rule, error.offset, error.kind, error.id) == ("S-2", 0, None, None)
    assert "65537" in str(error)
    assert reader.feed(to_stream(FRAME)) == []
    assert reader.eof() is None


def test_memory_grows_with_the_bytes_that_came() -> None:
    reader = MixedRecords(1 << 31, frames=True)
    with memory() as taken:
        reader.feed((1 << 30).to_bytes(4, "big") + bytes(1_000))
    assert taken["peak"] < 20_000


def test_what_was_read_is_not_kept() -> None:
    reader = MixedRecords(1 << 20, frames=True)
    with memory() as taken:
        reader.feed((1 << 21).to_bytes(4, "big") + bytes(1 << 19))
    assert taken["kept"] < 20_000
