"""The codec agrees with the reference: on values, on errors with all they say, and on counts."""

from collections.abc import Callable
from types import ModuleType

from fuzz.outcome import Refusal, attempt, draw, fields, refusal
from tracewire.codec import reference
from tracewire.codec.counters import counters
from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED

STATES = ("", "a=1,b=2", ",".join(f"k{n}={'v' * 20}" for n in range(40)))


def check(codec: ModuleType, data: bytes) -> None:
    expected, counted = _count(_decoded, reference, data)
    assert _count(_decoded, codec, data) == (expected, counted)
    expected, counted = _count(_relayed, reference, data)
    assert _count(_relayed, codec, data) == (expected, counted)


def _count(
    call: Callable[[ModuleType, bytes], list[object]], codec: ModuleType, data: bytes
) -> tuple[list[object], list[int]]:
    before = counters().values()
    result = call(codec, data)
    return result, [now - then for now, then in zip(counters().values(), before, strict=True)]


def _decoded(codec: ModuleType, data: bytes) -> list[object]:
    """What is read of a frame, of an envelope and of a stream."""
    frame = attempt(codec.decode, data)
    results: list[object] = [_plain(frame), codec.is_frame(data)]
    if not isinstance(frame, Refusal):
        results += [codec.peek_trace(data), repr(frame), codec.encode(frame)]
    mode = ("both", "framed", "bare")[draw(data, 3)]
    results.append(_plain(attempt(lambda: codec.unwrap(data, mode=mode, understood=(2, 4)))))
    decoder = codec.StreamDecoder(max_frame=1 << 20)
    stream = data if draw(data, 5) == 0 else codec.to_stream(data) + data
    results += [_plain(item) for item in decoder.feed(stream)]
    return [*results, _plain(decoder.eof())]


def _relayed(codec: ModuleType, data: bytes) -> list[object]:
    """What relays make of a frame."""
    state = STATES[draw(data, len(STATES))]
    traces = None, NOT_SAMPLED, codec.TraceContext(1 << 127, 1 << 63, 1, state)
    trace = traces[draw(data, 7) % 3]
    return [attempt(codec.strip, data), attempt(codec.restamp, data, trace)]


def _plain(result: object) -> object:
    if isinstance(result, FrameError):
        return refusal(result)
    if result is None or isinstance(result, Refusal):
        return result
    return fields(result)
