"""The invariants of fuzz/ on generated input, and properties of both codecs that need no bytes."""

from types import ModuleType
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.invariants import INVARIANTS, Invariant
from fuzz.outcome import attempt
from tests.property.strategies import CHOICES, FEWER, INPUTS, bases, extension_maps, frames

SINGLE = [known for known in INVARIANTS if not known.differential]


@pytest.mark.parametrize("invariant", SINGLE, ids=lambda invariant: invariant.name)
@FEWER
@given(data=INPUTS)
def test_an_invariant_holds(codec: ModuleType, invariant: Invariant, data: bytes) -> None:
    invariant.check(codec, data)


@FEWER
@given(choices=CHOICES)
def test_encoders_make_valid_frames_or_refuse(codec: ModuleType, choices: bytes) -> None:
    next(known for known in INVARIANTS if known.name == "encoders").check(codec, choices)


@FEWER
@given(base=bases(), payload=st.binary(max_size=40), extensions=extension_maps())
def test_a_frame_means_what_cbor_says(
    codec: ModuleType, base: tuple[int, int, int | str], payload: bytes, extensions: Any
) -> None:
    fields: list[object] = [*base, payload, *([extensions] if extensions else [])]
    data = cbor2.dumps(cbor2.CBORTag(54_519, fields))
    frame = codec.decode(data)
    raw = {key: item.value for key, item in frame.raw_extensions.items()}
    assert [frame.kind, frame.id, frame.target, frame.payload] == [*base, payload]
    assert raw == extensions
    assert codec.encode(frame) == data


@FEWER
@given(data=frames(), cut=st.integers(min_value=1))
def test_a_frame_cut_short_ends_too_early(codec: ModuleType, data: bytes, cut: int) -> None:
    if not hasattr(attempt(codec.decode, data), "payload"):
        return
    part = data[: len(data) - 1 - cut % len(data)]
    error: Any = attempt(codec.decode, part)
    assert (error.rule, error.offset) == ("F-1", len(part))
