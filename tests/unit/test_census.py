"""Whether every receiver reads frames, by what they report (R-1, R-2)."""

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import msgspec
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.unit.talk import Clock
from tracewire.protocol import Census, Report
from tracewire.protocol.connection.messages import default_agent
from tracewire.protocol.operations.census import DESTINATIONS, OTHER, UNEXPECTED

WINDOW = 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def census(clock: Clock) -> Census:
    """Expects "a" and "b" on "guild"."""
    made = Census(WINDOW, clock=clock)
    made.expect("guild", ["a", "b"])
    return made


def report(clock: Clock, instance: str = "a", mode: Any = "both", **fields: Any) -> Report:
    given = {"generation": 2, "at": clock.now, **fields}
    return Report("guild", instance, mode, **given)


def missing(census: Census, destination: str = "guild") -> dict[str, str]:
    return dict(census.missing(destination))


def shown(census: Census, destination: str = "guild") -> dict[str, Any]:
    (found,) = (each for each in census.snapshot() if each["destination"] == destination)
    return found


# Ready.


@pytest.mark.parametrize("modes", list(itertools.product(["framed", "both"], repeat=2)))
def test_ready_when_every_expected_instance_reads_frames(census: Census, modes: Any) -> None:
    for name, mode in zip("ab", modes, strict=True):
        assert not census.ready("guild")
        census.report("guild", name, mode)
    assert census.ready("guild")
    assert missing(census) == {}


def test_who_has_not_reported_is_named(census: Census) -> None:
    census.report("guild", "a", "both")
    assert missing(census) == {"b": "has not reported"}


def test_who_reads_no_frames_is_named(census: Census) -> None:
    census.report("guild", "a", "both")
    census.report("guild", "b", "bare", 0)
    assert missing(census) == {"b": "its listener is bare: it reads no frames"}


def test_a_report_counts_to_the_end_of_the_window_and_no_longer(
    census: Census, clock: Clock
) -> None:
    census.report("guild", "a", "both")
    clock.now += WINDOW / 2
    census.report("guild", "b", "both")
    clock.now += WINDOW / 2
    assert census.ready("guild")
    clock.now += 0.001
    assert missing(census) == {"a": "reported last 60 s ago, and the window is 60 s"}


def test_the_latest_report_counts(census: Census, clock: Clock) -> None:
    census.report("guild", "b", "both")
    for mode, ready in (("bare", False), ("both", True), ("bare", False)):
        clock.now += 1
        census.report("guild", "a", mode)  # type: ignore[arg-type]
        assert census.ready("guild") == ready


def test_reports_on_one_destination_say_nothing_of_another(census: Census) -> None:  # G-4
    census.expect("room", ["a"])
    census.report("guild", "a", "both")
    census.report("guild", "b", "both")
    assert missing(census, "room") == {"a": "has not reported"}


def test_a_destination_of_which_nobody_is_expected_is_not_ready(census: Census) -> None:
    census.report("room", "a", "both")
    assert not census.ready("room")
    census.expect("guild", [])
    assert [why for _, why in census.missing("guild")] == [
        "no instance is expected: say which must report by expect()"
    ]


def test_who_is_expected_anew_stands_in_place_of_who_was(census: Census) -> None:
    for name in "abc":
        census.report("guild", name, "both")
    assert census.ready("guild")
    census.expect("guild", ["c", "d"])
    assert missing(census) == {"d": "has not reported"}
    census.expect("guild", ["a"])
    assert census.ready("guild")


def test_one_text_is_not_a_list_of_names(census: Census) -> None:
    with pytest.raises(TypeError, match="'guild-0'"):
        census.expect("guild", "guild-0")


def test_an_instance_without_a_name_is_named_by_host_and_process(census: Census) -> None:
    census.expect("guild", [default_agent()])
    assert census.report("guild", None, "both").instance == default_agent()
    assert census.ready("guild")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_window_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="window_seconds must be over 0"):
        Census(seconds)


# Reports from elsewhere.


@pytest.mark.parametrize(
    "carry",
    [
        lambda fields: json.loads(json.dumps(fields)),
        lambda fields: cbor2.loads(cbor2.dumps(fields)),
        lambda fields: msgspec.msgpack.decode(msgspec.msgpack.encode(fields)),
    ],
    ids=["json", "cbor", "msgpack"],
)
def test_a_report_crosses_the_applications_channel(
    census: Census, clock: Clock, carry: Callable[[Any], Any]
) -> None:
    far = Census(WINDOW, clock=clock)
    far.received("guild", "framed")
    clock.now += 7.5
    for name in "ab":
        made = far.report("guild", name, "both")
        assert Report.from_dict(carry(made.to_dict())) == made
        census.merge(Report.from_dict(carry(made.to_dict())))
    assert made.quiet == 7.5
    assert census.ready("guild")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"destination": ""}, "the destination of a report has 1 to 255 bytes, not 0"),
        ({"destination": "é" * 128}, "1 to 255 bytes, not 256"),
        ({"instance": "é" * 33}, "the instance of a report has 1 to 64 bytes, not 66"),
        ({"instance": "\ud800"}, "surrogates not allowed"),
        ({"instance": None}, "instance"),
        ({"mode": "mixed"}, "mode"),
        ({"generation": -1}, "generation in the report of instance 'a' on 'guild' must be 0"),
        ({"generation": 0}, "generation 0 .* reads no frames: mode must be bare"),
        ({"generation": True}, "generation"),
        ({"at": float("nan")}, "at in the report"),
        ({"at": float("inf")}, "at in the report"),
        ({"at": "now"}, "at"),
        ({"quiet": -1}, "quiet in the report"),
        ({"quiet": float("nan")}, "quiet in the report"),
    ],
)
def test_what_is_no_report_is_refused_with_what_is_wrong(
    clock: Clock, changes: dict[str, Any], says: str
) -> None:
    fields = report(clock).to_dict() | changes
    with pytest.raises(ValueError, match=says):
        Report.from_dict(fields)


def test_a_report_that_lacks_a_field_is_refused_by_its_name(clock: Clock) -> None:
    fields = report(clock).to_dict()
    del fields["mode"]
    with pytest.raises(ValueError, match="no report of a census.*mode"):
        Report.from_dict(fields)


@pytest.mark.parametrize("fields", [None, [], "report", 1])
def test_what_is_no_map_is_no_report(fields: Any) -> None:
    with pytest.raises(ValueError, match="no report of a census"):
        Report.from_dict(fields)


def test_fields_of_later_versions_are_left_out(clock: Clock) -> None:
    made = report(clock)
    assert Report.from_dict({**made.to_dict(), "zone": "a"}) == made


def test_the_longest_names_are_taken(clock: Clock) -> None:
    longest = replace(report(clock), destination="é" * 127 + "a", instance="é" * 32)
    assert Report.from_dict(longest.to_dict()) == longest


def test_reports_in_any_order_and_number_come_to_the_same(clock: Clock) -> None:
    """Two of one time among them: what cannot read frames then counts."""
    modes: tuple[Any, ...] = ("both", "bare", "both", "framed", "bare")
    reports = [
        report(clock, mode=mode, at=clock.now - age)
        for mode, age in zip(modes, (3, 2, 2, 1, 1), strict=True)
    ]
    for order in itertools.permutations(reports):
        census = Census(WINDOW, clock=clock)
        census.expect("guild", ["a"])
        for each in (*order, *order[:2]):
            census.merge(each)
        assert missing(census) == {"a": "its listener is bare: it reads no frames"}


def test_a_report_of_a_clock_ahead_by_more_than_the_window_is_refused(
    census: Census, clock: Clock
) -> None:
    census.merge(report(clock, at=clock.now + WINDOW))
    with pytest.raises(ValueError, match="'b' is 61 s ahead of this clock"):
        census.merge(report(clock, "b", at=clock.now + WINDOW + 1))
    assert missing(census) == {"b": "has not reported"}


def test_after_the_clock_was_set_back_new_reports_count(census: Census, clock: Clock) -> None:
    census.report("guild", "b", "both")
    census.report("guild", "a", "both")
    clock.now -= WINDOW + 1
    assert missing(census)["a"] == "its clock is 61 s ahead of the one here"
    census.report("guild", "a", "both")
    assert "a" not in missing(census)


# Names that nobody expects.


def test_an_unexpected_instance_is_shown_and_decides_nothing(census: Census) -> None:
    for name, mode in (("a", "both"), ("b", "both"), ("stranger", "bare")):
        census.report("guild", name, mode)  # type: ignore[arg-type]
    assert census.ready("guild")
    assert {each["instance"]: each["expected"] for each in shown(census)["instances"]} == {
        "a": True,
        "b": True,
        "stranger": False,
    }


def test_names_that_nobody_expects_are_held_up_to_a_bound_and_counted_beyond(
    census: Census, clock: Clock
) -> None:
    for number in range(UNEXPECTED):
        census.merge(report(clock, f"stranger-{number}"))
    assert census.reports_dropped == 0
    census.merge(report(clock, "late"))
    census.merge(report(clock, "stranger-0"))
    census.merge(report(clock, "a"))
    assert census.reports_dropped == 1
    names = {each["instance"] for each in shown(census)["instances"]}
    assert len(names) == UNEXPECTED + 1
    assert "late" not in names
    assert missing(census) == {"b": "has not reported"}


def test_who_is_silent_for_longer_than_the_window_makes_room(census: Census, clock: Clock) -> None:
    for number in range(UNEXPECTED):
        census.merge(report(clock, f"stranger-{number}"))
    clock.now += WINDOW + 1
    census.merge(report(clock, "stranger-0"))
    census.merge(report(clock, "late"))
    names = {each["instance"] for each in shown(census)["instances"]}
    assert {"late", "stranger-0"} <= names
    assert "stranger-1" not in names
    assert census.reports_dropped == 0


# When receivers may become framed.


def quiet_receivers(census: Census, clock: Clock) -> None:
    """Both instances counted messages for a whole window, none of them bare."""
    far = Census(WINDOW, clock=clock)
    far.received("guild", "framed")
    clock.now += WINDOW
    for name in "ab":
        census.merge(far.report("guild", name, "both"))


def test_both_may_be_dropped_once_no_receiver_gets_bare_messages(
    census: Census, clock: Clock
) -> None:
    quiet_receivers(census, clock)
    assert census.may_drop_both("guild")
    assert census.needs_both("guild") == []


@pytest.mark.parametrize(
    ("quiet", "why"),
    [
        (None, "counted no message yet: it shows nothing of what is sent"),
        (0, "is without a bare message for 0 s, not 60 s yet"),
        (59, "is without a bare message for 59 s, not 60 s yet"),
    ],
)
def test_both_is_kept_where_one_receiver_does_not_show_that_it_gets_none(
    census: Census, clock: Clock, quiet: float | None, why: str
) -> None:
    quiet_receivers(census, clock)
    census.merge(report(clock, "b", quiet=quiet))
    assert not census.may_drop_both("guild")
    assert dict(census.needs_both("guild")) == {"b": why}


def test_both_is_kept_while_not_every_receiver_is_known(census: Census, clock: Clock) -> None:
    quiet_receivers(census, clock)
    census.expect("guild", ["a", "b", "c"])
    assert dict(census.needs_both("guild")) == {"c": "has not reported"}
    assert not census.may_drop_both("room")


def test_a_bare_message_begins_the_wait_anew(census: Census, clock: Clock) -> None:
    census.received("guild", "framed")
    assert census.report("guild", "a", "both").quiet == 0
    clock.now += 40
    census.received("guild", "bare")
    clock.now += 10
    census.received("guild", "framed")
    assert census.report("guild", "a", "both").quiet == 10


def test_who_counts_nothing_is_not_taken_for_who_gets_nothing(census: Census, clock: Clock) -> None:
    clock.now += WINDOW
    assert census.report("guild", "a", "both").quiet is None
    census.sent("guild", "bare")
    assert census.report("guild", "a", "both").quiet is None


def test_a_process_that_sends_bare_itself_keeps_both(census: Census, clock: Clock) -> None:
    quiet_receivers(census, clock)
    census.sent("guild", "framed")
    assert census.may_drop_both("guild")
    census.sent("guild", "bare")
    clock.now += 5
    assert dict(census.needs_both("guild")) == {"(this process)": "sent a bare message 5 s ago"}


# Counts, snapshot and metrics.


@pytest.mark.parametrize("direction", ["sent", "received"])
def test_messages_are_counted_by_direction_and_dialect(census: Census, direction: str) -> None:
    count = getattr(census, direction)
    for dialect in ("bare", "framed", "framed"):
        count("guild", dialect)
    assert shown(census)[direction] == {"bare": 1, "framed": 2}
    other = {"sent": "received", "received": "sent"}[direction]
    assert shown(census)[other] == {"bare": 0, "framed": 0}
    with pytest.raises(ValueError, match="'both'"):
        count("guild", "both")


def test_destinations_are_counted_apart_up_to_a_bound(census: Census) -> None:
    for number in range(DESTINATIONS + 5):
        census.sent(f"room-{number}", "framed")
    census.sent("guild", "framed")
    assert shown(census, f"room-{DESTINATIONS - 1}")["sent"]["framed"] == 1
    assert shown(census, OTHER)["sent"]["framed"] == 5
    assert shown(census, "guild")["sent"]["framed"] == 1
    assert len(census.snapshot()) == DESTINATIONS + 2


def test_a_snapshot_is_of_plain_values(census: Census, clock: Clock) -> None:
    census.report("guild", "a", "both")
    clock.now += 2
    census.received("guild", "framed")
    (found,) = json.loads(json.dumps(census.snapshot()))
    assert found == {
        "destination": "guild",
        "window_seconds": WINDOW,
        "ready": False,
        "missing": [["b", "has not reported"]],
        "may_drop_both": False,
        "needs_both": [
            ["a", "counted no message yet: it shows nothing of what is sent"],
            ["b", "has not reported"],
        ],
        "expected": ["a", "b"],
        "instances": [
            {
                "instance": "a",
                "mode": "both",
                "generation": 2,
                "age_seconds": 2,
                "quiet_seconds": None,
                "expected": True,
            }
        ],
        "sent": {"bare": 0, "framed": 0},
        "received": {"bare": 0, "framed": 1},
    }


Points = dict[str, dict[tuple[str, ...], int]]


def exported(reader: InMemoryMetricReader) -> Points:
    """By name, what each set of attributes' values has as its value."""
    data = reader.get_metrics_data()
    assert data is not None
    (scope,) = data.resource_metrics[0].scope_metrics
    found: Points = {}
    for metric in scope.metrics:
        name = metric.name.removeprefix("tracewire.census.")
        assert name not in found
        series = found[name] = {}
        for point in metric.data.data_points:
            assert all(name.startswith("tracewire.") for name in point.attributes or {})
            values = tuple(str(value) for value in (point.attributes or {}).values())
            series[values] = int(getattr(point, "value"))  # noqa: B009
    return found


def test_a_census_is_exported_as_metrics(census: Census, clock: Clock) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    census.export(provider)
    census.report("guild", "a", "both")
    census.sent("guild", "bare")
    census.received("guild", "framed")
    assert exported(reader) == {
        "ready": {("guild",): 0},
        "may_drop_both": {("guild",): 0},
        "instances": {("guild", "ready"): 1, ("guild", "missing"): 1},
        "messages": {
            ("guild", "sent", "bare"): 1,
            ("guild", "sent", "framed"): 0,
            ("guild", "received", "bare"): 0,
            ("guild", "received", "framed"): 1,
        },
        "reports_dropped": {(): 0},
    }
    clock.now += WINDOW + 1
    quiet_receivers(census, clock)
    after = exported(reader)
    assert after["ready"] == after["may_drop_both"] == {("guild",): 1}
    assert after["instances"] == {("guild", "ready"): 2, ("guild", "missing"): 0}
    provider.shutdown()


def test_remote_text_names_no_series(census: Census, clock: Clock) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    census.export(provider)
    for number in range(5):
        census.merge(replace(report(clock, f"stranger-{number}"), destination=f"room-{number}"))
    assert exported(reader)["ready"] == {("guild",): 0}
    provider.shutdown()


def test_a_census_is_ready_by_what_its_reports_say_and_nothing_else(clock: Clock) -> None:
    """Random reports, against the sentence of section 9 written down plainly."""
    draw = random.Random(9)
    modes: tuple[Any, ...] = ("bare", "both", "framed")
    seen = set()
    for _ in range(300):
        census = Census(WINDOW, clock=clock)
        census.expect("guild", ["a", "b"])
        reports = []
        for number in range(draw.randrange(8)):
            age = draw.choice((0, 30, 60, 61)) + number / 100
            reports.append(
                report(clock, draw.choice("abc"), draw.choice(modes), at=clock.now - age)
            )
            census.merge(reports[-1])
        latest = {each.instance: each for each in sorted(reports, key=lambda each: each.at)}
        ready = all(
            name in latest and latest[name].mode != "bare" and clock.now - latest[name].at <= WINDOW
            for name in "ab"
        )
        assert census.ready("guild") == ready
        seen.add(ready)
    assert seen == {True, False}
