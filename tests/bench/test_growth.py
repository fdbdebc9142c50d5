"""Twice as much input costs about twice as much, in both implementations."""

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.bench.conftest import Ratio
from tests.bench.measure import Timed

LIMIT = 2.2

Call = Callable[[], object]


def encode_payload(codec: ModuleType, size: int) -> Call:
    payload = bytes(size)
    return lambda: codec.encode_request(1, "m", payload)


def read_payload(codec: ModuleType, size: int) -> Call:
    data = codec.encode_request(1, "m", bytes(size))
    return lambda: codec.decode(data).payload


def encode_extensions(codec: ModuleType, count: int) -> Call:
    extensions = {f"key-{n}": n for n in range(count)}
    return lambda: codec.encode_request(1, "m", extensions=extensions)


def read_extensions(codec: ModuleType, count: int) -> Call:
    data = codec.encode_request(1, "m", extensions={f"key-{n}": n for n in range(count)})
    return lambda: codec.decode(data).extensions


def shed_baggage(codec: ModuleType, count: int) -> Call:
    extensions = {5: {f"key-{n}": "v" * 400 for n in range(count)}}
    return lambda: codec.encode_request(1, "m", extensions=extensions)


def feed_a_record_in_pieces(codec: ModuleType, count: int) -> Call:
    stream = codec.to_stream(codec.encode_request(1, "m", bytes(count * 64)))
    pieces = [stream[at : at + 64] for at in range(0, len(stream), 64)]
    return lambda: feed(codec, pieces)


def feed_records_byte_by_byte(codec: ModuleType, count: int) -> Call:
    stream = codec.to_stream(codec.encode_request(1, "m")) * count
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    return lambda: feed(codec, pieces)


def feed_records_in_one_piece(codec: ModuleType, count: int) -> Call:
    stream = codec.to_stream(codec.encode_request(1, "m")) * count
    return lambda: feed(codec, [stream])


def feed(codec: ModuleType, pieces: list[bytes]) -> None:
    decoder = codec.StreamDecoder()
    for piece in pieces:
        decoder.feed(piece)


# Small enough for the nearest cache and for the allocator's own heap. Beyond them twice the size
# costs more than twice the time, whatever the codec does.
@pytest.mark.parametrize(
    ("make", "n"),
    [
        (encode_payload, 4096),
        (read_payload, 4096),
        (encode_extensions, 32),
        (read_extensions, 32),
        (shed_baggage, 256),
        (feed_a_record_in_pieces, 256),
        (feed_records_byte_by_byte, 64),
        (feed_records_in_one_piece, 512),
    ],
)
def test_cost_grows_no_faster_than_the_input(
    codec: ModuleType, make: Callable[[ModuleType, int], Call], n: int, ratio: Ratio
) -> None:
    double, single = (Timed("call()", {"call": make(codec, size)}) for size in (2 * n, n))
    name = f"{codec.IMPLEMENTATION}: {make.__name__}, {2 * n} / {n}"
    assert ratio(name, double, single, LIMIT).ratio < LIMIT
