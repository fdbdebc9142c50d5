"""Action timings: what the rows of a minute say."""

from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from tests.unit.telemetry import UNSAMPLED, Telemetry
from tracewire.codec import NOT_SAMPLED, wrap
from tracewire.protocol import Timings, Tracing
from tracewire.protocol.operations.minutes import LONGEST_NAME
from tracewire.protocol.operations.timings import Timing


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timings(clock: Clock) -> Timings:
    return Timings(clock=clock)


def entities(rows: list[Timing]) -> list[str]:
    return [row.entity for row in rows]


# What is recorded.


def test_a_row_says_what_an_action_of_an_entity_took_in_a_minute(
    timings: Timings, clock: Clock
) -> None:
    timings.record("a", "join", 2.0)
    timings.record("a", "join", 4.0, trace_id=0xABC)
    clock.now += 60
    (row,) = timings.rows()
    assert row == Timing(
        entity="a",
        action="join",
        minute=1,
        share=0.1,
        seconds=6.0,
        count=2,
        slowest=4.0,
        trace_id="00000000000000000000000000000abc",
        trace_seconds=4.0,
    )


def test_entities_and_actions_have_rows_of_their_own_and_the_busiest_is_first(
    timings: Timings,
) -> None:
    for entity, action, seconds in [("a", "x", 1.0), ("a", "y", 3.0), ("b", "x", 2.0)]:
        timings.record(entity, action, seconds)
    found = [(row.entity, row.action) for row in timings.rows()]
    assert found == [("a", "y"), ("b", "x"), ("a", "x")]


def test_an_action_stands_where_all_its_minutes_put_it_the_last_minute_first(
    timings: Timings, clock: Clock
) -> None:
    timings.record("old", "x", 5.0)
    timings.record("both", "x", 3.0)
    clock.now += 60
    timings.record("both", "x", 4.0)
    found = [(row.entity, row.minute) for row in timings.rows()]
    assert found == [("both", 0), ("both", 1), ("old", 1)]


@pytest.mark.parametrize(
    ("passed", "share"), [(0.0, 0.5), (1.0, 0.5), (10.0, 0.05), (60.0, 1 / 120)]
)
def test_the_share_is_of_what_has_passed_of_the_minute_which_is_a_second_at_least(
    timings: Timings, clock: Clock, passed: float, share: float
) -> None:
    timings.record("a", "x", 0.5)
    clock.now += passed
    assert timings.rows()[0].share == pytest.approx(share)


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("-inf")])
def test_a_time_that_cannot_be_is_refused_and_leaves_nothing(
    timings: Timings, seconds: float
) -> None:
    with pytest.raises(ValueError, match="'x' of 'a' cannot have taken"):
        timings.record("a", "x", seconds)
    assert timings.rows() == []


@pytest.mark.parametrize("names", [(1, "x"), ("a", None), (b"a", "x")])
def test_a_name_that_is_no_text_is_refused(timings: Timings, names: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match="entities and actions are text"):
        timings.record(*names, 1.0)


def test_of_long_names_the_beginning_counts(timings: Timings) -> None:
    longest = "n" * LONGEST_NAME
    for name in (longest, longest + "1", longest + "2"):
        timings.record(name, "x", 1.0)
        timings.record("a", name, 1.0)
    cut = longest[:-1] + "…"
    found = {(row.entity, row.action): row.count for row in timings.rows()}
    assert found == {(longest, "x"): 1, (cut, "x"): 2, ("a", longest): 1, ("a", cut): 2}


def test_a_name_that_is_no_unicode_is_kept_as_one_that_can_be_sent(timings: Timings) -> None:
    timings.record("a\udc80", "é", 1.0)
    (row,) = timings.rows()
    assert (row.entity, row.action) == ("a?", "é")


def test_a_snapshot_has_the_same_rows_in_plain_values(timings: Timings) -> None:
    timings.record("a", "x", 1.0)
    assert timings.snapshot() == [msgspec.structs.asdict(row) for row in timings.rows()]
    assert all(type(row) is dict for row in timings.snapshot())


# Traces.


def test_the_trace_is_that_of_the_slowest_sample_which_has_one(timings: Timings) -> None:
    samples = [(1.0, 0xA), (3.0, 0xB), (2.0, 0xC), (9.0, 0)]
    for seconds, trace_id in samples:
        timings.record("a", "x", seconds, trace_id)
    (row,) = timings.rows()
    assert (row.slowest, row.trace_seconds, row.trace_id) == (9.0, 3.0, f"{0xB:032x}")


def test_without_a_trace_there_is_none(timings: Timings) -> None:
    timings.record("a", "x", 1.0)
    (row,) = timings.rows()
    assert (row.trace_id, row.trace_seconds) == (None, None)


def test_measure_records_its_block_and_the_current_spans_trace(timings: Timings) -> None:
    telemetry = Telemetry(ALWAYS_ON)
    with telemetry.tracer.start_as_current_span("s") as span, timings.measure("a", "x"):
        pass
    (row,) = timings.rows()
    assert row.count == 1
    assert row.seconds == row.slowest == row.trace_seconds
    assert row.seconds > 0
    assert row.trace_id == f"{span.get_span_context().trace_id:032x}"


def test_measure_records_a_block_that_fails(timings: Timings) -> None:
    with pytest.raises(KeyError), timings.measure("a", "x"):
        raise KeyError
    assert entities(timings.rows()) == ["a"]


@pytest.mark.parametrize("trace", [None, NOT_SAMPLED, UNSAMPLED])
def test_below_what_is_not_sampled_measure_keeps_no_trace(timings: Timings, trace: Any) -> None:
    with Tracing().received(wrap(b"", trace)), timings.measure("a", "x"):
        pass
    assert timings.rows()[0].trace_id is None
