"""What a peer's tracewire.top answered, and the tables of it. All of it is remote."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from rich.table import Table
from rich.text import Text

from tracewire.protocol.timings import Timing
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.safe import brief, escape
from tracewire.spec.tool.screen import columns

WIDE: Final = 120  # columns of a terminal in which traces have one of their own
FIGURES: Final = ("now", "last", "count", "max")

Row = dict[str, Any]


class Reading(msgspec.Struct):
    """Rows as they came; None where the peer keeps none."""

    timings: list[Row] | None = None
    census: list[Row] | None = None


class Destination(msgspec.Struct):
    """What is shown of a row of the census."""

    destination: str
    ready: bool
    may_drop_both: bool
    missing: list[tuple[str, str]]
    instances: list[Row]


def read(answer: object, most: int) -> Reading:
    """So many actions and destinations of an answer. Raises Unreadable for another answer."""
    try:
        reading = msgspec.convert(answer, Reading)
        msgspec.convert(reading.timings, list[Timing] | None)
        msgspec.convert(reading.census, list[Destination] | None)
    except msgspec.ValidationError as error:
        raise Unreadable(f"its answer cannot be read: {brief(str(error))}") from None
    for part in (reading.timings, reading.census):
        if part is not None:
            part[:] = _first(part, most)
    return reading


def fitting(reading: Reading, width: int, height: int) -> Reading:
    """With as few of its actions as a terminal has lines for."""
    if reading.timings is None:
        return reading
    others = 3 if reading.census is None else 5 + len(reading.census)
    lines = 1 if width >= WIDE else 2
    return Reading(_first(reading.timings, max(1, (height - others) // lines)), reading.census)


def _first(rows: list[Row], most: int) -> list[Row]:
    """Those of so many actions or destinations."""
    names = [(row.get("destination"), row.get("entity"), row.get("action")) for row in rows]
    first = set(list(dict.fromkeys(names))[:most])
    return [row for name, row in zip(names, rows, strict=True) if name in first]


def tables(reading: Reading, width: int | None) -> Iterator[Table | str]:
    """The parts that the peer keeps, for lines of so many columns, or of any length."""
    if reading.timings is None and reading.census is None:
        yield "the peer keeps neither timings nor a census"
    if reading.timings is not None:
        timings = msgspec.convert(reading.timings, list[Timing])
        yield _timings(timings, width is None or width >= WIDE) if timings else "no timings yet"
    if reading.timings is not None and reading.census is not None:
        yield ""
    if reading.census is not None:
        census = msgspec.convert(reading.census, list[Destination])
        yield _census(census) if census else "no destinations yet"


def _timings(timings: Sequence[Timing], wide: bool) -> Table:
    """A row for each action of an entity; where there is little room, its trace is below it."""
    table = columns(*FIGURES, *(("action", "entity", "trace") if wide else ("entity: action",)))
    for column in table.columns[: len(FIGURES)]:
        column.justify = "right"
    by_action: dict[tuple[str, str], list[Timing]] = {}
    for timing in timings:
        by_action.setdefault((timing.action, timing.entity), []).append(timing)
    for names, minutes in by_action.items():
        action, entity = map(escape, names)
        trace = Text(_trace(minutes), "dim")
        if wide:
            table.add_row(*_figures(minutes), Text(action), Text(entity), trace)
        else:
            lines = [Text(f"{entity}: {action}"), *([trace] if trace else [])]
            table.add_row(*_figures(minutes), Text("\n").join(lines))
    return table


def _figures(minutes: Sequence[Timing]) -> list[str]:
    """What FIGURES names, of one action."""
    shares = {timing.minute: timing.share for timing in minutes}
    return [
        percent(shares.get(0)),
        percent(shares.get(1)),
        f"{sum(timing.count for timing in minutes):,}",
        duration(max(timing.slowest for timing in minutes)),
    ]


def _trace(minutes: Iterable[Timing]) -> str:
    """The slowest that has one, and its time."""
    traced = [
        (timing.trace_seconds, timing.trace_id)
        for timing in minutes
        if timing.trace_id is not None and timing.trace_seconds is not None
    ]
    if not traced:
        return ""
    seconds, trace_id = max(traced)
    return f"{escape(trace_id)} {duration(seconds)}"


def _census(census: Sequence[Destination]) -> Table:
    table = columns("ready", "may drop both", "instances", "destination", "missing")
    for it in census:
        missing = ", ".join(f"{name}: {why}" for name, why in it.missing)
        table.add_row(
            "yes" if it.ready else "no",
            "yes" if it.may_drop_both else "no",
            f"{len(it.instances):,}",
            Text(escape(it.destination)),
            Text(brief(missing)),
        )
    return table


def percent(share: float | None) -> str:
    """Of a minute; nothing where nothing is known."""
    if share is None:
        return ""
    return f"{share:.1%}" if share < 0.1 else f"{share:,.0%}"


def duration(seconds: float) -> str:
    """With three digits, as ``1.23 s``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 999.5 else f"{number:,.0f}"
