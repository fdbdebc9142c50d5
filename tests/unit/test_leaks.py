"""Refusing input leaves nothing behind."""

import gc
import tracemalloc
from collections.abc import Callable
from types import ModuleType

import pytest

from tracewire.codec.errors import FrameError

ERRORS = 100_000
WARM_UP = 1_000
#: Far below one byte for each error, and above what the interpreter keeps for itself.
GROWTH = 16 * 1024

REQUEST = bytes.fromhex("d9d4f78500016161 42 0000 a2 01f4 05a1 6161 6162")
FAULTS = (
    REQUEST[:-1],  # F-1, in a value
    REQUEST + b"\0",  # F-18
    REQUEST[:-1] + b"\xff",  # F-16
    b"",
    b"bare",
    REQUEST[:4] + b"\x00\x00" + REQUEST[6:],  # F-9, with a kind that was read
)


def decode(codec: ModuleType, data: bytes) -> None:
    try:
        codec.decode(data)
    except FrameError as error:
        str(error)
    else:
        raise AssertionError(f"{data.hex()} should be refused")


def feed(codec: ModuleType, data: bytes) -> None:
    record = codec.to_stream(data)
    (item,) = codec.StreamDecoder().feed(record)
    assert isinstance(item, FrameError)


def refuse_arguments(codec: ModuleType, data: bytes) -> None:
    try:
        codec.encode_request(0, "m", data)
    except FrameError:
        return
    raise AssertionError("a request with id 0 should be refused")


def restamp_and_strip(codec: ModuleType, data: bytes) -> None:
    for call in (codec.strip, lambda frame: codec.restamp(frame, None), codec.unwrap):
        try:
            call(data)
        except FrameError:
            continue


@pytest.mark.parametrize("refuse", [decode, feed, refuse_arguments, restamp_and_strip])
def test_a_hundred_thousand_errors_leave_no_memory_behind(
    codec: ModuleType, refuse: Callable[[ModuleType, bytes], None]
) -> None:
    for number in range(WARM_UP):
        refuse(codec, FAULTS[number % len(FAULTS)])
    tracemalloc.start()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(ERRORS if refuse is decode else ERRORS // 10):
        refuse(codec, FAULTS[number % len(FAULTS)])
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < GROWTH
