"""However a stream is split, the same items come out of it."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any
from zlib import crc32

from fuzz.outcome import attempt, refusal
from tracewire.codec.errors import FrameError

PING = bytes.fromhex("d9d4f784060700") + b"\x40"
MOST_PIECES = 8
RAW = 64  # of a stream without right lengths: more of it is only more empty records


def check(codec: ModuleType, data: bytes) -> None:
    sizes = crc32(data).to_bytes(4, "big")
    max_frame = 4_194_304 if sizes[3] % 4 else 64 + sizes[2]
    if sizes[3] % 8 == 7 and not codec.is_frame(data):
        _same_items(codec, data[:RAW], sizes, max_frame)
        return
    stream = codec.to_stream(data) + codec.to_stream(PING) + data[:6]
    items = _same_items(codec, stream, sizes, max_frame)
    if len(data) > max_frame:
        assert [item.rule for item in items] == ["S-2"]
    else:
        record, ping = items[:2]
        assert _plain(record) == attempt(codec.decode, data)
        assert codec.encode(ping) == PING


def _same_items(codec: ModuleType, stream: bytes, sizes: bytes, max_frame: int) -> list[Any]:
    """The items of the stream, fed whole; fails unless pieces give the same ones."""
    whole = codec.StreamDecoder(max_frame)
    items: list[Any] = whole.feed(stream)
    pieces = codec.StreamDecoder(max_frame)
    split = [item for piece in _pieces(stream, sizes) for item in pieces.feed(piece)]
    assert [_plain(item) for item in items] == [_plain(item) for item in split]
    assert _plain(whole.eof()) == _plain(pieces.eof())
    return items


def _pieces(stream: bytes, sizes: bytes) -> Iterator[bytes]:
    """The stream in at most so many pieces, now and then byte by byte."""
    least = 1 if sizes[0] < 16 else 1 + len(stream) // MOST_PIECES
    at = turn = 0
    while at < len(stream):
        size = least + (sizes[turn % 2] % 32) * (turn % 3)
        yield stream[at : at + size]
        at += size
        turn += 1


def _plain(item: Any) -> object:
    return refusal(item) if isinstance(item, FrameError) else item
