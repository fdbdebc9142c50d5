"""Action timings: which entity's which action took how much of each of the last minutes.

An entity is what an application has many of: a guild, a room, a shard. Recording is a few additions
to a row; when rows run out, those of the least busy are forgotten, many at a time.
"""

import time
from collections.abc import Awaitable, Callable
from logging import getLogger
from math import inf
from time import perf_counter
from typing import Final, Self

import msgspec
from opentelemetry.context import get_current

from tracewire.codec import TraceContext

from ..constants import RESERVED_PREFIX, instance_of
from ..fence import FENCE
from ..peers.call import Call, HandlerInterceptor
from ..tracing.context import current_span, trace_of
from .minutes import (
    Minute,
    Minutes,
    TimingRow,
    busiest_rows,
    entity_seconds,
    every_row,
    rows_of_busiest,
    short,
    size,
)

MINUTE: Final = 60.0  # seconds
#: The entity of calls for which the application's function named none.
UNKNOWN: Final = "?"
#: The action that messages without a method are.
MESSAGE: Final = "on_message"
#: Seconds that the running minute counts as at least, or its first samples would be all of it.
_LEAST: Final = 1.0

_logger: Final = getLogger("tracewire.timings")


class Timing(msgspec.Struct, frozen=True):
    """What one action of one entity took in one minute.

    Attributes:
        entity: its name, or the beginning of a long one.
        action: the method, or ``on_message``.
        minute: how many minutes ago; 0 is the one that runs.
        share: of that minute, 1 is all of it; more where calls ran side by side.
        seconds: the time that was spent.
        count: how often.
        slowest: seconds of the slowest sample.
        trace_id: in hexadecimal, of the slowest sample that has a sampled trace, else None.
        trace_seconds: what that sample took.
    """

    entity: str
    action: str
    minute: int
    share: float
    seconds: float
    count: int
    slowest: float
    trace_id: str | None
    trace_seconds: float | None


class Timings:
    """How much of each of the last minutes each action of each entity took, in bounded memory.

    Half of the rows are for the running minute: where more are needed, its least busy half is
    forgotten. The other half is for the minutes before: entities that took most time over all of
    them keep all of theirs. So it finds what is busy; to account for every entity it is wrong. Not
    safe for threads: one for each event loop.

    Args:
        rows: the most that are in memory, at least 4.
        minutes: how many are kept, the running one among them.
        clock: seconds that only grow.

    Raises:
        ValueError: there are too few rows or minutes.
    """

    def __init__(
        self,
        rows: int = 10_000,
        minutes: int = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if instance_of("rows", rows, int) < 4:
            raise ValueError(f"timings need at least 4 rows, not {rows}")
        if instance_of("minutes", minutes, int) < 1:
            raise ValueError(f"timings need at least 1 minute, not {minutes}")
        self._most_running, self._most_past = rows - rows // 2, rows // 2
        self._minutes = minutes
        self._clock = clock
        self._began = clock()
        self._minute_over = self._began + MINUTE
        self._number = 0
        self._running: Minute = {}
        self._size = 0
        self._past: dict[int, Minute] = {}
        #: How many rows had no room.
        self.forgotten = 0

    def record(self, entity: str, action: str, seconds: float, trace_id: int | None = 0) -> None:
        """Adds a sample to the running minute.

        Args:
            entity: one of many: a guild, a room. Of a long name its first characters count.
            action: one of few. What it takes in memory is per action and entity.
            seconds: what it took, waiting included.
            trace_id: of the trace that shows it, 0 for none; None takes the current span's if that
                is sampled.

        Raises:
            ValueError: the time is negative or no number.
            TypeError: a name is no text.
        """
        if not 0 <= seconds < inf:  # nor NaN
            raise ValueError(f"{action!r} of {entity!r} cannot have taken {seconds} seconds")
        if self._clock() >= self._minute_over:
            self._turn()
        try:
            row = self._running[action][entity]
        except KeyError:
            row = self._add(action, entity)
        row.seconds += seconds
        row.count += 1
        if seconds > row.slowest:
            row.slowest = seconds
        if trace_id != 0 and seconds > row.traced:
            _keep_trace(row, seconds, trace_id)

    def measure(self, entity: str, action: str) -> "Measure":
        """A context manager that records how long its block takes, and the current span's trace.

        Args:
            entity: as in `record`.
            action: as in `record`.

        Returns:
            What is entered by ``with``, once at a time. A block that raises counts too.
        """
        return Measure(self, entity, action)

    def around(self, entity: Callable[[Call], object]) -> HandlerInterceptor:
        """One of the ``handler_interceptors=`` that records what each handler takes.

        What stands after it in the list runs inside of it, and counts, too. Tracewire's own methods
        do not count.

        Args:
            entity: names the entity of a call, as text or what becomes it by ``str``. Where it
                fails the call counts as of ``?``, and that is logged once.

        Returns:
            The interceptor.

        Raises:
            TypeError: entity is no function.
        """
        if not callable(entity):
            raise TypeError(f"entity is a function that names the entity of a call, not {entity!r}")
        return _Around(self, entity)

    def rows(self, minutes: int | None = None) -> list[Timing]:
        """What is known of the last minutes.

        It makes and sorts every row: for people and tools, not for each message.

        Args:
            minutes: how many, the running one being the first; None for all.

        Returns:
            A row for each entity, action and minute. The busiest action of an entity over these
            minutes comes first, with its last minute first.
        """
        chosen = self._last(self._minutes if minutes is None else minutes)
        passed = max(_LEAST, self._clock() - self._minute_over + MINUTE)
        rows = [self._timing(*each, passed) for each in every_row(chosen)]
        seconds: dict[tuple[str, str], float] = {}
        for row in rows:
            pair = row.entity, row.action
            seconds[pair] = seconds.get(pair, 0.0) + row.seconds

        def place(row: Timing) -> tuple[float, str, str, int]:
            return -seconds[row.entity, row.action], row.entity, row.action, row.minute

        rows.sort(key=place)
        return rows

    def snapshot(self, minutes: int | None = None) -> list[dict[str, object]]:
        """As `rows`, in plain values to be sent or printed.

        Args:
            minutes: how many, the running one being the first; None for all.

        Returns:
            A dict for each row, by the names of `Timing`.
        """
        return [msgspec.structs.asdict(timing) for timing in self.rows(minutes)]

    def busiest(self, count: int) -> list[tuple[str, float]]:
        """The entities that took most time over all minutes.

        Args:
            count: how many at most.

        Returns:
            Pairs of entity and the seconds that it took, the busiest first.
        """
        seconds = entity_seconds(self._last(self._minutes))
        return sorted(seconds.items(), key=lambda it: (-it[1], it[0]))[:count]

    def _timing(
        self, number: int, action: str, entity: str, row: TimingRow, passed: float
    ) -> Timing:
        """``passed``: seconds of the running minute."""
        ago = self._number - number
        share = row.seconds / (MINUTE if ago else passed)
        traced = row.traced >= 0
        return Timing(
            entity,
            action,
            ago,
            share,
            row.seconds,
            row.count,
            row.slowest,
            f"{row.trace_id:032x}" if traced else None,
            row.traced if traced else None,
        )

    def _last(self, minutes: int) -> Minutes:
        if self._clock() >= self._minute_over:
            self._turn()
        oldest = self._number - minutes
        every = {**self._past, self._number: self._running}
        return {number: minute for number, minute in every.items() if number > oldest}

    def _add(self, action: str, entity: str) -> TimingRow:
        """A row of the running minute that is new, or that has a long name."""
        action, entity = short(action), short(entity)
        row = self._running.get(action, {}).get(entity)
        if row is not None:
            return row
        if self._size == self._most_running:
            self._halve()
        row = self._running.setdefault(action, {})[entity] = TimingRow()
        self._size += 1
        return row

    def _halve(self) -> None:
        """Half at once: so ranking them costs each new row but a few comparisons."""
        busiest = busiest_rows({0: self._running}, self._most_running // 2)
        self._running = busiest.get(0, {})
        self.forgotten += self._size - size(self._running)
        self._size = size(self._running)

    def _turn(self) -> None:
        """Begins the minute that it is now."""
        passed = int((self._clock() - self._began) // MINUTE)
        self._past[self._number] = self._running
        self._number = max(self._number + 1, passed)
        self._minute_over = self._began + MINUTE * (self._number + 1)
        self._running, self._size = {}, 0
        oldest = self._number - self._minutes
        self._past = {number: rows for number, rows in self._past.items() if number > oldest}
        had = sum(map(size, self._past.values()))
        if had > self._most_past:
            self._past = rows_of_busiest(self._past, self._most_past)
            self.forgotten += had - self._most_past


class Measure:
    """What `Timings.measure` returns."""

    __slots__ = ("_action", "_entity", "_started", "_timings")

    def __init__(self, timings: Timings, entity: str, action: str) -> None:
        self._timings, self._entity, self._action = timings, entity, action

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(self, *raised: object) -> None:
        took = perf_counter() - self._started
        self._timings.record(self._entity, self._action, took, None)


class _Around:
    """What `Timings.around` returns. What fails in it must not fail the calls."""

    def __init__(self, timings: Timings, entity: Callable[[Call], object]) -> None:
        self._timings, self._entity = timings, entity

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[object]]) -> object:
        if call.method.startswith(RESERVED_PREFIX):
            return await proceed()
        entity = self._entity_of(call)
        started = perf_counter()
        try:
            return await proceed()
        finally:
            took = perf_counter() - started
            try:
                self._timings.record(entity, call.method or MESSAGE, took, None)
            except BaseException as error:
                FENCE.contain(_logger, "the time of a call could not be recorded", error)

    def _entity_of(self, call: Call) -> str:
        try:
            return str(self._entity(call))
        except BaseException as error:
            said = f"the entity of a call could not be named, it counts as {UNKNOWN!r}"
            FENCE.contain(_logger, said, error)
            return UNKNOWN


def _keep_trace(row: TimingRow, seconds: float, trace_id: int | None) -> None:
    if trace_id is None:
        context = get_current()
        span = current_span(context)
        trace = None if span is None else trace_of(span, context)
        if not isinstance(trace, TraceContext) or not trace.sampled:
            return
        trace_id = trace.trace_id
    row.traced, row.trace_id = seconds, trace_id
