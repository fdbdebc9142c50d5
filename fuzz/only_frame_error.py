"""Whatever bytes come in, only FrameError comes out, and all that was decoded can be read."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from fuzz.outcome import draw, read
from tracewire.codec.errors import SENTENCES, FrameError
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

EVERY_EVEN_KEY = range(2, 1 << 32, 2)


def check(codec: ModuleType, data: bytes) -> None:
    frame = _attempt(codec.decode, data)
    if frame is not None:
        read(frame)
    ENTRIES[draw(data, len(ENTRIES))](codec, data)


def _attempt(call: Callable[..., Any], data: object, *more: object, **options: object) -> Any:
    try:
        return call(data, *more, **options)
    except FrameError as error:
        _sound(error, len(memoryview(data)))  # type: ignore[arg-type]
        return None


def _sound(error: FrameError, length: int) -> None:
    """The error says which rule is broken, where, and in words."""
    assert error.offset is not None and 0 <= error.offset <= length, (error.offset, length)
    assert SENTENCES[error.rule] in str(error)
    assert error.kind is None or 0 <= error.kind <= 0xFFFF
    assert error.id is None or (error.kind is not None and 0 <= error.id <= 0xFFFFFFFF)


def _copied(codec: ModuleType, data: bytes) -> None:
    frame = _attempt(codec.decode, memoryview(data))
    again = _attempt(codec.decode, bytearray(data))
    if frame is not None:
        assert (hash(frame), repr(frame)) == (hash(again), repr(again))


def _unwrapped(codec: ModuleType, data: bytes) -> None:
    _attempt(codec.unwrap, data)
    _attempt(codec.unwrap, data, mode="framed", understood=EVERY_EVEN_KEY)
    assert codec.is_frame(data) in (True, False)
    read(codec.unwrap(data, mode="bare"))


def _relayed(codec: ModuleType, data: bytes) -> None:
    _attempt(codec.strip, data)
    _attempt(codec.restamp, data, (None, NOT_SAMPLED)[len(data) % 2])
    _attempt(codec.restamp, data, codec.TraceContext(1, 2, 3, "a=b"))
    assert codec.peek_trace(data) in (True, False, None)


def _streamed(codec: ModuleType, data: bytes) -> None:
    stream = (data, codec.to_stream(data))[len(data) % 2]
    decoder = codec.StreamDecoder()
    for item in decoder.feed(stream):
        if isinstance(item, FrameError):
            _sound(item, len(stream))
    end = decoder.eof()
    if end is not None:
        _sound(end, len(stream))


def _valued(codec: ModuleType, data: bytes) -> None:
    _attempt(lambda raw: RawItem(raw).value, data)


ENTRIES = (_copied, _unwrapped, _relayed, _streamed, _valued)
