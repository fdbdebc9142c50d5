"""A frame that is built again from its fields is the same frame, byte by byte."""

from types import ModuleType
from typing import Any

from fuzz.outcome import Refusal, attempt


def check(codec: ModuleType, data: bytes) -> None:
    frame: Any = attempt(codec.decode, data)
    if isinstance(frame, Refusal):
        return
    base = frame.kind, frame.id, frame.target, frame.payload
    rebuilt = codec.Frame(*base, raw_extensions=frame.raw_extensions)
    assert codec.encode(rebuilt) == data
    assert rebuilt == frame
    if frame.trace is not None or frame.extensions:
        _from_values(codec, frame, base)


def _from_values(codec: ModuleType, frame: Any, base: tuple[object, ...]) -> None:
    """Made from what its extensions mean, a frame means the same, save what encoders shed."""
    plain = codec.Frame(*base, frame.trace, frame.extensions)
    encoded = codec.encode(plain)
    again = codec.decode(encoded)
    assert again == plain
    assert (again.kind, again.id, again.target, again.payload) == base
    assert _without_empty_baggage(again.extensions) == _without_empty_baggage(frame.extensions)
    assert _ids(again.trace) == _ids(frame.trace)
    once_more = codec.Frame(*base, again.trace, again.extensions)
    assert codec.encode(once_more) == encoded


def _without_empty_baggage(extensions: Any) -> dict[object, object]:
    return {key: value for key, value in extensions.items() if value != {}}


def _ids(trace: Any) -> object:
    """A trace without its state, of which encoders shed empty members. E-2"""
    return (trace.trace_id, trace.span_id, trace.flags) if hasattr(trace, "state") else trace
