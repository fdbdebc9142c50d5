"""What a pickled TraceContext and Frame are loaded by: public functions, so that one half's pickles
are loaded by whichever half serves."""

import sys
from typing import Any


def _codec() -> Any:
    """The codec, which is there: importing this module imported its package first."""
    return sys.modules[__package__]


def trace_context(trace_id: int, span_id: int, flags: int, state: str) -> object:
    """A TraceContext of these fields."""
    return _codec().TraceContext(trace_id, span_id, flags, state)


def frame(data: bytes) -> object:
    """A Frame of these bytes."""
    return _codec().decode(data)


def bare_message(message: bytes) -> object:
    """A Frame that is a bare message."""
    return _codec().unwrap(message, mode="bare")
