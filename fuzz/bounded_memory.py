"""Memory grows with the bytes that arrived, never with a length that they announce."""

import tracemalloc
from types import ModuleType
from typing import Any

from fuzz.outcome import Refusal, attempt, draw, read

PER_BYTE = 128  # an empty map of one byte is a dict in a list
BESIDE = 64 * 1024
PREFIX = (4_194_304).to_bytes(4, "big")  # the longest record that a stream may announce


def check(codec: ModuleType, data: bytes) -> None:
    if not tracemalloc.is_tracing():  # and it goes on: to stop and start it leaks in Python 3.11
        tracemalloc.start(1)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    (_decode, _stream)[draw(data, 2)](codec, data)
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before <= PER_BYTE * len(data) + BESIDE, (peak - before, len(data))


def _decode(codec: ModuleType, data: bytes) -> None:
    frame: Any = attempt(codec.decode, data)
    if not isinstance(frame, Refusal):
        read(frame)


def _stream(codec: ModuleType, data: bytes) -> None:
    decoder = codec.StreamDecoder()
    decoder.feed(data[:64])
    decoder.feed(PREFIX + data)
    decoder.eof()
