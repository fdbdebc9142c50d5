"""The codec is as fast as it has to be, beside what does the same and what does the least."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

import tracewire
import tracewire.codec
from tests.bench import samples
from tests.bench.conftest import Ratio
from tests.bench.counts import costs
from tests.bench.measure import Timed


def test_what_is_measured_is_the_compiled_codec() -> None:
    assert tracewire.codec.IMPLEMENTATION == "compiled"


@pytest.mark.parametrize("target", samples.TARGETS, ids=[each.name for each in samples.TARGETS])
def test_a_ratio_stays_within_its_limit(
    target: samples.Target, names: Mapping[str, object], ratio: Ratio
) -> None:
    ours, theirs = Timed(target.ours, names), Timed(target.theirs, names)
    assert ratio(target.name, ours, theirs, target.limit).ratio <= target.limit


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_decode_costs_the_same_whatever_is_read_later(floor: Path) -> None:
    path = [Path(tracewire.__file__).parents[1], floor]
    inside = "__pyx_pw_*_speedups_*decode"
    unread, read = (
        costs([statement], samples.SETUP, path, inside)
        for statement in (samples.DECODE, samples.DECODE_AND_READ)
    )
    assert unread == read > [0]
