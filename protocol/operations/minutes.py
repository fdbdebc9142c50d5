"""Which timings are kept: the rows of one minute, and which of them are forgotten first."""

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Final, TypeAlias

#: Characters of an entity's or action's name that are kept: with them a row is bounded.
LONGEST_NAME: Final = 64


class TimingRow:
    """What one action of one entity took in one minute.

    ``traced``: seconds of the slowest sample with a trace, less than 0 where there is none;
    ``trace_id``: its trace.
    """

    __slots__ = ("count", "seconds", "slowest", "trace_id", "traced")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.count = 0
        self.slowest = 0.0
        self.traced = -1.0
        self.trace_id = 0


#: Of one minute, by action and entity. Actions are few: so it takes less than pairs as keys would.
Minute: TypeAlias = dict[str, dict[str, TimingRow]]
#: By their numbers.
Minutes: TypeAlias = Mapping[int, Minute]

#: Seconds that a row is judged by, the minute's number, action, entity, and the row.
Place: TypeAlias = tuple[float, int, str, str, TimingRow]


def short(name: str) -> str:
    """The name as it is kept. TypeError for what is no text."""
    if not isinstance(name, str):
        raise TypeError(f"entities and actions are text, not {name!r}")
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "…"
    return name.encode(errors="replace").decode()  # lone surrogates could not be sent


def every_row(minutes: Minutes) -> Iterator[tuple[int, str, str, TimingRow]]:
    """Number, action and entity of each row, and it."""
    for number, minute in minutes.items():
        for action, entities in minute.items():
            for entity, row in entities.items():
                yield number, action, entity, row


def size(minute: Minute) -> int:
    """How many rows it has."""
    return sum(map(len, minute.values()))


def entity_seconds(minutes: Minutes) -> dict[str, float]:
    """What each entity took over all actions and minutes."""
    seconds: dict[str, float] = {}
    for _, _, entity, row in every_row(minutes):
        seconds[entity] = seconds.get(entity, 0.0) + row.seconds
    return seconds


def busiest_rows(minutes: Minutes, most: int) -> dict[int, Minute]:
    """So many rows at most, those that took most time."""
    return _kept([(each[-1].seconds, *each) for each in every_row(minutes)], most)


def rows_of_busiest(minutes: Minutes, most: int) -> dict[int, Minute]:
    """So many rows at most, those of the entities that took most time over all minutes.

    An entity for which not all have room loses its oldest ones.
    """
    seconds = entity_seconds(minutes)
    return _kept([(seconds[each[2]], *each) for each in every_row(minutes)], most)


def _kept(places: list[Place], most: int) -> dict[int, Minute]:
    """In new dicts, since one from which much was taken keeps its size."""
    places.sort(key=itemgetter(0, 1), reverse=True)
    kept: dict[int, Minute] = {}
    for _, number, action, entity, row in places[:most]:
        kept.setdefault(number, {}).setdefault(action, {})[entity] = row
    return kept
