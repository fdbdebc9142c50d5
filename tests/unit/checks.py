"""What the unit tests share: checks of errors and of counters, and frames written by cbor2."""

import tomllib
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cbor2
import pytest

import tracewire.spec
from tracewire.codec.counters import counters
from tracewire.codec.errors import FrameError

TRACE_ID = 0x0123456789ABCDEF0011223344556677
SPAN_ID = 0x8899AABBCCDDEEFF
#: The value of key 1 for these ids, sampled.
BINARY_TRACE = b"\0\0" + TRACE_ID.to_bytes(16, "big") + b"\1" + SPAN_ID.to_bytes(8, "big") + b"\2\1"


def registered_keys() -> dict[int, str]:
    """The names of the assigned keys by their numbers, as the registry has them."""
    registry = tomllib.loads((Path(tracewire.spec.__file__).parent / "registry.toml").read_text())
    return {number: name for name, number in registry["keys"].items() if name != "ranges"}


@contextmanager
def refused(rule: str, offset: int | None = None) -> Iterator[None]:
    """A block that must raise FrameError with this rule and offset, None for arguments."""
    with pytest.raises(FrameError) as caught:
        yield
    assert (caught.value.rule, caught.value.offset) == (rule, offset)


@contextmanager
def growth() -> Iterator[dict[str, int]]:
    """A block after which the dict holds the counters that grew, and by how much."""
    before = counters()
    grown: dict[str, int] = {}
    yield grown
    grown.update({name: n - before[name] for name, n in counters().items() if n != before[name]})


@contextmanager
def memory() -> Iterator[dict[str, int]]:
    """A block after which the dict holds the bytes that were taken at most, and those kept."""
    tracemalloc.start()
    tracemalloc.reset_peak()  # of who traces already
    try:
        before, _ = tracemalloc.get_traced_memory()
        taken: dict[str, int] = {}
        yield taken
        kept, peak = tracemalloc.get_traced_memory()
        taken.update(kept=kept - before, peak=peak - before)
    finally:
        tracemalloc.stop()  # it slows everything down several times


def frame_bytes(
    kind: int = 0,
    id: int = 1,
    target: str | int = "m",
    payload: bytes = b"",
    extensions: Mapping[Any, object] | None = None,
) -> bytes:
    """A frame of these fields, written without the codec."""
    fields: list[object] = [kind, id, target, payload]
    if extensions:
        ordered = sorted(extensions.items(), key=lambda entry: cbor2.dumps(entry[0]))
        fields.append(dict(ordered))
    return cbor2.dumps(cbor2.CBORTag(54519, fields))
