"""peek_trace, strip, restamp and unwrap agree with decode."""

from types import ModuleType
from typing import Any

from fuzz.outcome import Refusal, attempt, draw, plain_trace
from tracewire.codec.constants import (
    FANOUT,
    MAX_EXTENSION_BYTES,
    MAX_EXTENSION_ENTRIES,
    TRACE,
    TRACESTATE,
)
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.writing import write_key

STATE = ",".join(f"k{n}={'v' * 20}" for n in range(20))
RELAYED = (0, 1, 2)


def check(codec: ModuleType, data: bytes) -> None:
    frame: Any = attempt(codec.decode, data)
    OPERATIONS[draw(data, len(OPERATIONS))](codec, data, frame)


def _peek(codec: ModuleType, data: bytes, frame: Any) -> None:
    peeked = codec.peek_trace(data)
    if not isinstance(frame, Refusal):
        assert peeked is (None if frame.trace is None else frame.trace.sampled)


def _strip(codec: ModuleType, data: bytes, frame: Any) -> None:
    stripped: Any = attempt(codec.strip, data)
    if isinstance(frame, Refusal):
        assert stripped == frame
    elif even := _even_keys(frame):
        assert (stripped.rule, stripped.kind, stripped.id) == ("X-11", frame.kind, frame.id)
        assert data[stripped.offset :].startswith(write_key(even[0]))
    else:
        assert stripped == _with(codec, frame, {})


def _restamp(codec: ModuleType, data: bytes, frame: Any) -> None:
    traces: tuple[Any, ...]
    traces = None, NOT_SAMPLED, codec.TraceContext(1, 2, 3), codec.TraceContext(4, 5, 6, STATE)
    held = getattr(getattr(frame, "trace", None), "trace_id", None)
    if held is not None:
        traces = (*traces, codec.TraceContext(held, 7, 0))
    trace = traces[draw(data, 97) % len(traces)]
    stamped: Any = attempt(codec.restamp, data, trace)
    if isinstance(frame, Refusal):
        assert stamped == frame
    elif frame.kind not in RELAYED:
        assert stamped == data
    else:
        _stamped(codec, frame, trace, stamped, unchanged=stamped == data)


def _stamped(codec: ModuleType, frame: Any, trace: Any, stamped: bytes, unchanged: bool) -> None:
    others = {k: v for k, v in frame.raw_extensions.items() if k not in (TRACE, TRACESTATE)}
    unbound = dict(others)
    if len(frame.extensions.get(FANOUT, ())) == 2:
        del unbound[FANOUT]  # it belongs to the trace. L-6
    kept = others if _holds(frame.trace, trace) else unbound
    again = codec.decode(stamped)
    if unchanged and plain_trace(again.trace) != plain_trace(trace):  # there was no room. L-5
        used = len(_with(codec, frame, kept)) - len(_with(codec, frame, {}))
        size = len(b"\x01\xf4") if trace is NOT_SAMPLED else len(b"\x01\x58") + 30
        assert len(kept) == MAX_EXTENSION_ENTRIES or used + 1 + size > MAX_EXTENSION_BYTES
        return
    if isinstance(trace, codec.TraceContext):
        assert (again.trace.trace_id, again.trace.span_id) == (trace.trace_id, trace.span_id)
        assert trace.state.startswith(again.trace.state)
    else:
        assert again.trace is trace
    assert (FANOUT in again.raw_extensions) is (FANOUT in kept)
    assert codec.restamp(stamped, None) == _with(codec, frame, unbound)


def _holds(before: Any, after: Any) -> bool:
    """Whether both are of one trace."""
    ids = [getattr(trace, "trace_id", None) for trace in (before, after)]
    return ids[0] is not None and ids[0] == ids[1]


def _unwrap(codec: ModuleType, data: bytes, frame: Any) -> None:
    framed: Any = attempt(lambda: codec.unwrap(data, mode="framed"))
    both: Any = attempt(codec.unwrap, data)
    if not codec.is_frame(data):
        assert (both.kind, both.trace, both.payload) == (None, None, data)
        assert both == codec.unwrap(data, mode="bare")
    else:
        assert both == framed
    if isinstance(frame, Refusal):
        assert framed == frame
    elif frame.kind != 2 or frame.target:
        assert (framed.rule, framed.offset) == ("M-3", 4 if frame.kind != 2 else 6)
    elif even := _even_keys(frame):
        assert framed.rule == "X-11"
        assert data[framed.offset :].startswith(write_key(even[0]))
        assert codec.unwrap(data, understood=even) == frame
    else:
        assert framed == frame


OPERATIONS = (_peek, _strip, _restamp, _restamp, _unwrap)


def _with(codec: ModuleType, frame: Any, raw: Any) -> bytes:
    base = frame.kind, frame.id, frame.target, frame.payload
    encoded: bytes = codec.encode(codec.Frame(*base, raw_extensions=raw))
    return encoded


def _even_keys(frame: Any) -> list[int]:
    return [key for key in frame.raw_extensions if isinstance(key, int) and key % 2 == 0]
