"""What a peer's tracewire.top answered, and the tables of it. All of it is remote.

The peer may be of another version: fields that are not known here are passed over, and one that it
does not send is shown as unknown.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from rich.table import Table
from rich.text import Text

from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.safe import brief, escape
from tracewire.spec.tool.screen import columns

WIDE: Final = 120  # columns of a terminal in which traces have one of their own
FIGURES: Final = ("now", "last", "count", "max")
UNKNOWN: Final = "?"
UNKNOWN_TIME: Final = -1.0  # below every time that is known

RemoteRow: TypeAlias = dict[str, Any]


class Snapshot(msgspec.Struct):
    """Rows as they came; None where the peer keeps none."""

    timings: list[RemoteRow] | None = None
    census: list[RemoteRow] | None = None


class ActionMinute(msgspec.Struct):
    """What is shown of a row of the timings; None for what it does not say."""

    entity: str = UNKNOWN
    action: str = UNKNOWN
    minute: int | None = None
    share: float | None = None
    count: int | None = None
    slowest: float | None = None
    trace_id: str | None = None
    trace_seconds: float | None = None

    @property
    def name(self) -> tuple[str, str]:
        """The action and its entity."""
        return self.action, self.entity


class Destination(msgspec.Struct):
    """What is shown of a row of the census; None for what it does not say."""

    destination: str = UNKNOWN
    ready: bool | None = None
    may_drop_both: bool | None = None
    missing: list[list[Any]] | None = None  # the name of an instance, and why
    instances: list[Any] | None = None


def read(answer: object, most: int) -> Snapshot:
    """So many actions and destinations of an answer. Raises Unreadable for another answer."""
    try:
        snapshot = msgspec.convert(answer, Snapshot)
        actions = [each.name for each in _timings_of(snapshot)]
        destinations = [each.destination for each in _census_of(snapshot)]
    except msgspec.ValidationError as error:
        raise Unreadable(f"its answer cannot be read: {brief(str(error))}") from None
    return Snapshot(
        _first(snapshot.timings, actions, most), _first(snapshot.census, destinations, most)
    )


def _timings_of(snapshot: Snapshot) -> list[ActionMinute]:
    return msgspec.convert(snapshot.timings or [], list[ActionMinute])


def _census_of(snapshot: Snapshot) -> list[Destination]:
    return msgspec.convert(snapshot.census or [], list[Destination])


def fitting(snapshot: Snapshot, width: int, height: int) -> Snapshot:
    """With as few of its actions as a terminal has lines for."""
    actions = [each.name for each in _timings_of(snapshot)]
    others = 3 if snapshot.census is None else 5 + len(snapshot.census)
    lines = 1 if width >= WIDE else 2
    most = max(1, (height - others) // lines)
    return Snapshot(_first(snapshot.timings, actions, most), snapshot.census)


def _first(
    rows: list[RemoteRow] | None, names: Sequence[Hashable], most: int
) -> list[RemoteRow] | None:
    """The rows of so many names, in their order."""
    first = set(list(dict.fromkeys(names))[:most])
    return rows and [row for name, row in zip(names, rows, strict=True) if name in first]


def tables(snapshot: Snapshot, width: int | None) -> Iterator[Table | str]:
    """The parts that the peer keeps, for lines of so many columns, or of any length."""
    if snapshot.timings is None and snapshot.census is None:
        yield "the peer keeps neither timings nor a census"
    if snapshot.timings is not None:
        timings = _timings_of(snapshot)
        yield _timings(timings, width is None or width >= WIDE) if timings else "no timings yet"
    if snapshot.timings is not None and snapshot.census is not None:
        yield ""
    if snapshot.census is not None:
        census = _census_of(snapshot)
        yield _census(census) if census else "no destinations yet"


def _timings(timings: Sequence[ActionMinute], wide: bool) -> Table:
    """A row for each action of an entity; where there is little room, its trace is below it."""
    table = columns(*FIGURES, *(("action", "entity", "trace") if wide else ("entity: action",)))
    for column in table.columns[: len(FIGURES)]:
        column.justify = "right"
    by_action: dict[tuple[str, str], list[ActionMinute]] = {}
    for timing in timings:
        by_action.setdefault(timing.name, []).append(timing)
    for names, minutes in by_action.items():
        action, entity = map(escape, names)
        trace = Text(_trace(minutes), "dim")
        if wide:
            table.add_row(*_figures(minutes), Text(action), Text(entity), trace)
        else:
            lines = [Text(f"{entity}: {action}"), *([trace] if trace else [])]
            table.add_row(*_figures(minutes), Text("\n").join(lines))
    return table


def _figures(minutes: Sequence[ActionMinute]) -> list[str]:
    """What FIGURES names, of one action."""
    counts = [each.count for each in minutes if each.count is not None]
    slowest = [each.slowest for each in minutes if each.slowest is not None]
    return [
        _share(minutes, 0),
        _share(minutes, 1),
        f"{sum(counts):,}" if counts else UNKNOWN,
        duration(max(slowest)) if slowest else UNKNOWN,
    ]


def _share(minutes: Sequence[ActionMinute], ago: int) -> str:
    """The share of the minute so long ago; nothing where the action was not called in it."""
    shares = {each.minute: each.share for each in minutes}
    if ago not in shares and None not in shares:
        return ""
    share = shares.get(ago)
    return UNKNOWN if share is None else percent(share)


def _trace(minutes: Iterable[ActionMinute]) -> str:
    """The slowest that has one, and its time where that is known."""
    traced = [
        (UNKNOWN_TIME if each.trace_seconds is None else each.trace_seconds, each.trace_id)
        for each in minutes
        if each.trace_id is not None
    ]
    if not traced:
        return ""
    seconds, trace_id = max(traced)
    return f"{escape(trace_id)} {UNKNOWN if seconds == UNKNOWN_TIME else duration(seconds)}"


def _census(census: Sequence[Destination]) -> Table:
    table = columns("ready", "may drop both", "instances", "destination", "missing")
    for it in census:
        table.add_row(
            _yes_or_no(it.ready),
            _yes_or_no(it.may_drop_both),
            UNKNOWN if it.instances is None else f"{len(it.instances):,}",
            Text(escape(it.destination)),
            Text(UNKNOWN if it.missing is None else brief(", ".join(map(_why, it.missing)))),
        )
    return table


def _yes_or_no(said: bool | None) -> str:
    return UNKNOWN if said is None else "yes" if said else "no"


def _why(missing: Sequence[object]) -> str:
    """An instance and why it is missing; what a later version says beyond that is left out."""
    return ": ".join(map(str, missing[:2]))


def percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:,.0%}"


def duration(seconds: float) -> str:
    """With three digits, as ``1.23 s``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 999.5 else f"{number:,.0f}"
