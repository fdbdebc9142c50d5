"""Recording an action's time, beside the two readings of a clock that taking the time costs."""

from time import perf_counter

from tests.bench.conftest import Ratio
from tests.bench.measure import Timed
from tracewire.protocol import Timings

CLOCK = Timed("clock(); clock()", {"clock": perf_counter})


def test_recording_a_sample(ratio: Ratio) -> None:
    timings = Timings()
    timings.record("guild-42", "guild.join", 1.0, 7)
    record = 'record("guild-42", "guild.join", 0.01, 7)'
    limit = 3.0
    ours = Timed(record, {"record": timings.record})
    assert ratio("record a timing / two clock readings", ours, CLOCK, limit).ratio <= limit
