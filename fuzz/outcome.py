"""What a call came to, as plain data, so that two of them can be compared."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zlib import crc32

from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED

FIELDS = ("kind", "id", "target", "method", "status", "payload", "trace", "extensions")


class Refusal(NamedTuple):
    """A FrameError: the rule, the offset, the field, the kind, the id and the detail."""

    rule: str
    offset: int | None
    field: str | None
    kind: int | None
    id: int | None
    detail: str | None


def refusal(error: FrameError) -> Refusal:
    return Refusal(error.rule, error.offset, error.field, error.kind, error.id, error.detail)


def attempt(call: Callable[..., object], *arguments: object) -> object:
    """What the call returned, or the Refusal of its FrameError. Other errors get through."""
    try:
        return call(*arguments)
    except FrameError as error:
        return refusal(error)


def draw(data: bytes, choices: int) -> int:
    """A number below ``choices`` that depends on the input alone."""
    return crc32(data) % choices


def fields(frame: Any) -> tuple[object, ...]:
    """All that can be read of a frame, without classes that each codec has of its own."""
    return (
        type(frame.kind),
        frame.kind,
        frame.id,
        frame.target,
        frame.method,
        frame.status,
        frame.payload,
        plain_trace(frame.trace),
        plain_extensions(frame.extensions),
        [(key, item.data) for key, item in frame.raw_extensions.items()],
    )


def read(frame: Any) -> None:
    """Reads every field, and every extension as a value, for what that may raise or allocate."""
    for field in FIELDS:
        getattr(frame, field)
    for item in frame.raw_extensions.values():
        item.value  # noqa: B018


def plain_trace(trace: Any) -> object:
    if trace is None or trace is NOT_SAMPLED:
        return trace
    return trace.trace_id, trace.span_id, trace.flags, trace.state


def plain_extensions(extensions: Mapping[int | str, object]) -> list[tuple[object, ...]]:
    return [(key, *_plain_value(value)) for key, value in extensions.items()]


def _plain_value(value: Any) -> tuple[str, object]:
    if hasattr(value, "span_id"):
        return "creation", plain_trace(value)
    if isinstance(value, Mapping):
        return type(value).__name__, [
            (repr(key), *_plain_value(item)) for key, item in value.items()
        ]
    if isinstance(value, list):
        return "list", [_plain_value(item) for item in value]
    return type(value).__name__, value
