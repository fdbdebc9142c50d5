"""Action timings as time passes and rows run out: which are forgotten, and what they cost."""

import tracemalloc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracewire.protocol import Timings

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text()
ROWS = 4_000  # what memory is measured with


class Clock:
    """A time that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def minutes_of(timings: Timings, entity: str) -> list[int]:
    return [row.minute for row in timings.rows() if row.entity == entity]


# Time.


def test_a_minute_leaves_the_ring_after_so_many(clock: Clock) -> None:
    timings = Timings(minutes=3, clock=clock)
    for _ in range(4):
        timings.record("a", "x", 1.0)
        clock.now += 60
    assert minutes_of(timings, "a") == [1, 2]
    assert timings.forgotten == 0  # they had their time


def test_a_ring_of_one_minute_has_the_running_one_alone(clock: Clock) -> None:
    timings = Timings(minutes=1, clock=clock)
    timings.record("a", "x", 1.0)
    assert minutes_of(timings, "a") == [0]
    clock.now += 60
    assert timings.rows() == []


def test_reading_turns_the_minute_and_silent_ones_count(clock: Clock) -> None:
    timings = Timings(minutes=60, clock=clock)
    timings.record("a", "x", 1.0)
    clock.now += 60 * 59 + 59
    assert minutes_of(timings, "a") == [59]
    clock.now += 1
    assert timings.busiest(10) == []


@pytest.mark.parametrize("began", [0.1, 1e6 + 1 / 3, 1e9 / 7])
def test_minutes_follow_one_another_wherever_the_clock_began(clock: Clock, began: float) -> None:
    clock.now = began
    timings = Timings(minutes=100, clock=clock)
    for minute in range(100):
        clock.now = began + 60 * minute
        timings.record("a", "x", 1.0)
    assert minutes_of(timings, "a") == list(range(100))


def test_only_the_minutes_that_are_asked_for_are_told(clock: Clock) -> None:
    timings = Timings(clock=clock)
    for _ in range(5):
        clock.now += 60
        timings.record("a", "x", 1.0)
    assert [row.minute for row in timings.rows(2)] == [0, 1]
    assert [row["minute"] for row in timings.snapshot(1)] == [0]


# Room.


@pytest.mark.parametrize("wrong", [{"rows": 3}, {"minutes": 0}])
def test_less_than_some_room_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="timings need at least"):
        Timings(**wrong)  # type: ignore[arg-type]


def test_of_the_running_minute_the_busiest_half_stays_when_its_rows_run_out(clock: Clock) -> None:
    timings = Timings(rows=8, clock=clock)
    for seconds, entity in enumerate("abcd"):
        timings.record(entity, "x", float(seconds))
    assert (len(timings.rows()), timings.forgotten) == (4, 0)
    timings.record("e", "x", 0.0)
    assert [row.entity for row in timings.rows()] == ["d", "c", "e"]
    assert timings.forgotten == 2


def test_of_the_minutes_before_the_least_busy_entities_go_first(clock: Clock) -> None:
    timings = Timings(rows=8, clock=clock)
    for _ in range(3):
        timings.record("busy", "x", 3.0)
        timings.record("calm", "x", 1.0)
        timings.record("quiet", "x", 0.1)
        clock.now += 60
    assert minutes_of(timings, "busy") == [1, 2, 3]
    assert minutes_of(timings, "calm") == [1]  # the newest that has room
    assert minutes_of(timings, "quiet") == []


def test_an_entity_is_as_busy_as_all_its_actions(clock: Clock) -> None:
    timings = Timings(rows=6, clock=clock)
    for action in ("x", "y"):
        timings.record("two", action, 2.0)
    timings.record("one", "x", 3.0)
    clock.now += 60
    timings.record("one", "x", 0.5)
    clock.now += 60
    assert {row.entity for row in timings.rows()} == {"two", "one"}
    assert timings.busiest(2) == [("two", 4.0), ("one", 0.5)]


@pytest.mark.parametrize("rows", [4, 5, 101, 10_000])
def test_there_are_never_more_rows_than_were_allowed(rows: int, clock: Clock) -> None:
    timings = Timings(rows, clock=clock)
    most = 0
    for n in range(3 * rows):
        timings.record(f"entity-{n}", "x", 0.001)
        if n % (1 + rows // 10) == 0:
            most = max(most, len(timings.rows()))
            clock.now += 7
    assert rows // 2 < most <= rows


def crowd(timings: Timings, clock: Clock, count: int) -> Iterator[None]:
    """So many entities once each in 60 minutes, and ten busy ones all the while."""
    for n in range(count):
        clock.now = 3600 * n / count
        timings.record(f"guild-{n:014}", "guild.join", 0.001)
        yield
        if n % 100 == 0:
            timings.record(f"busy-{n // 100 % 10}", "guild.join", 0.05)


def test_among_a_million_entities_the_busiest_keep_the_whole_hour(clock: Clock) -> None:
    timings = Timings(clock=clock)
    deque(crowd(timings, clock, 1_000_000), maxlen=0)
    assert {entity for entity, _ in timings.busiest(10)} == {f"busy-{n}" for n in range(10)}
    kept = Counter(row.entity for row in timings.rows())
    assert [kept[f"busy-{n}"] for n in range(10)] == [60] * 10
    assert kept.total() <= 10_000


def test_forgetting_is_done_for_many_records_at_once(clock: Clock) -> None:
    rows, count = 1_000, 50_000
    timings = Timings(rows, clock=clock)
    times = forgotten = 0
    for _ in crowd(timings, clock, count):
        times += timings.forgotten > forgotten
        forgotten = timings.forgotten
    looked_at = times * rows  # each time at every row, at most
    assert forgotten > count * 0.9
    assert looked_at <= 5 * count


# Memory.


def names(n: int) -> tuple[str, str]:
    return f"guild-{n:014}", "guild.join"


def longest_names(n: int) -> tuple[str, str]:
    return f"{n:05}" + "\U0001f600" * 80, f"{n:05}" + "\U0001f601" * 80


def fill(timings: Timings, clock: Clock, names: Callable[[int], tuple[str, str]]) -> None:
    """As many rows as there may be, each with a trace and names of its own, in each of minutes."""
    for n in range(ROWS * 3):
        clock.now = n // ROWS * 60
        timings.record(*names(n), 0.5 + n, (1 << 127) + n)


@pytest.mark.parametrize(("names", "documented"), [(names, "500"), (longest_names, "1,500")])
def test_a_row_takes_no_more_bytes_than_documented(
    names: Callable[[int], tuple[str, str]], documented: str, clock: Clock
) -> None:
    fill(Timings(ROWS, clock=Clock()), Clock(), names)  # what is made once for all
    tracemalloc.start()
    try:
        timings = Timings(ROWS, clock=clock)
        fill(timings, clock, names)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(timings.rows()) > ROWS * 0.7
    assert peak <= ROWS * int(documented.replace(",", ""))
    assert f"{documented} bytes" in OPERATIONS
