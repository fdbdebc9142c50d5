"""The life of a connection: its state, its errors, and what it writes.

What is said on a connection is in connection.py and what is heard in hearing.py, on top of this.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Final

from tracewire.codec import Frame, Kind, Status, encode, to_stream
from tracewire.codec.constants import MAX_FRAME

from .calls import Calls
from .events import Cancelled, Happening
from .goaway import Goaway
from .grease import Grease
from .hello import Hello
from .limits import Limits
from .load import Load
from .pings import Pings
from .records import records
from .requests import Requests
from .states import READING, TRANSITIONS, WRITING, Event, State

Extensions = Mapping[int | str, object]
Events = list[Happening]

_LONG: Final = 12  # bits

DEFAULT_LIMITS: Final = Limits()


class Life:
    """``connector``: whether this side opened it. ``mode``: framed, both or bare (section 5.4).

    ``even_keys``: those that this side understands. ``load``: of the server, shared by its
    connections. ``counts``: what was passed over in silence, by name; may be shared as well.
    ``grease``: None for none.
    """

    __slots__ = (
        "_calls",
        "_cancels",
        "_clock",
        "_even_keys",
        "_grease",
        "_greeting",
        "_guarded",
        "_heard",
        "_invalid",
        "_limits",
        "_output",
        "_parting",
        "_pings",
        "_read",
        "_record_began",
        "_records",
        "_requests",
        "_stranger",
        "_until",
        "counts",
        "goaway",
        "may_frame",
        "peer",
        "peer_max_frame",
        "pending",
        "state",
        "wake",
    )

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        connector: bool,
        mode: str = "framed",
        limits: Limits = DEFAULT_LIMITS,
        agent: str | None = None,
        even_keys: Collection[int] = (),
        load: Load | None = None,
        counts: Counter[str] | None = None,
        grease: Grease | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._records = records(mode, limits.max_frame)
        self._calls = Calls()
        self._requests = Requests(limits.in_flight, load or Load(limits.in_flight))
        self._pings = Pings()
        self._even_keys = frozenset(even_keys)
        self._grease = grease
        self._output: list[bytes] = []
        #: How many records ``output`` will give; a long one counts for each 4 KiB that it begins.
        self.pending = 0
        #: The hello that was not sent yet. C-7
        self._greeting: Hello | None = Hello(
            even_keys=tuple(even_keys), max_frame=limits.max_frame, agent=agent
        )
        #: The goaway of a drain that could not be said yet.
        self._parting: Goaway | None = None
        self._read = self._cancels = self._invalid = 0  # requests, cancels, invalid records
        self._record_began: float | None = None
        self._heard = clock()
        self._until = inf
        self.counts: Counter[str] = Counter() if counts is None else counts
        self.state = State.OPEN
        #: The earliest time at which ``expire`` may have something to do.
        self.wake = inf
        #: The other side's hello and goaway, None while they were not read.
        self.peer: Hello | None = None
        #: Bytes of the longest frame that the other side reads.
        self.peer_max_frame = MAX_FRAME
        self.goaway: Goaway | None = None
        #: Whether the other side is known to read frames. G-3
        self.may_frame = connector and mode == "framed"
        #: Whether frames show something new of it; guarded, not every frame does. G-16
        self._stranger = not self.may_frame
        self._guarded = mode != "framed"
        if self.may_frame:
            self._greet()

    def _write(self, frame: bytes) -> None:
        record = to_stream(frame)
        self._output.append(record)
        self.pending += 1 + (len(record) >> _LONG)

    def _say(self, frame: Frame) -> None:
        if self.may_frame and self.state in WRITING:
            self._write(encode(frame))

    def _greet(self) -> None:
        """Says hello, as early as it may be said, and goodbye if it is late for that. C-7"""
        if self._greeting is not None and self.state in WRITING:
            self._write(encode(self._greeting.frame()))
            self._greeting = None
        if self._parting is not None:
            self._say(self._parting.frame())
            self._parting = None

    def _move(self, event: Event) -> None:
        before = self.state
        self.state = TRANSITIONS[before][event]
        if self.state is before:
            return
        self._until = inf
        if self.state is State.LINGERING:
            self._wait(self._limits.linger_seconds)
        elif self.state is State.FAILED:
            self._wait(self._limits.discard_seconds)

    def _wait(self, seconds: float) -> None:
        self._until = self._clock() + seconds
        self.wake = min(self.wake, self._until)

    def _settle(self) -> None:
        """Moves on where nothing is left to wait for."""
        waits = {
            State.DRAINING: len(self._requests) + (self._parting is not None),
            State.LEAVING: len(self._requests) + len(self._calls),
            State.FINISHING: len(self._requests),
        }
        if waits.get(self.state) == 0:
            self._move(Event.IDLE)

    def _fault(self, status: Status, text: str, events: Events) -> None:
        """A connection error. C-20"""
        self.counts["connection_errors"] += 1
        self._say(Goaway(self._requests.last_id, status, text).frame())
        self._move(Event.FAULT)
        said = f"the connection failed: {text}"
        events += self._calls.fail(said)
        events += self._abandon()

    def _abandon(self) -> list[Cancelled]:
        """Handlers whose response nobody will read."""
        open_ids = [id for id in self._requests if self._requests.cancel(id, Status.CANCELLED)]
        return [Cancelled(id, Status.CANCELLED) for id in open_ids]

    def _farewell(self, reason: str) -> str:
        """The reason, and what the other side said of it."""
        said = None if self.goaway is None else self.goaway.text
        return f"{reason}: {said}" if said else reason

    def _watch_input(self, now: float, events: Events) -> None:
        began, keepalive = self._record_began, self._limits.keepalive_seconds
        if began is not None and now >= began + self._limits.record_seconds:  # C-26
            return self._fault(Status.RESOURCE_EXHAUSTED, "a record took too long", events)
        if keepalive is None or not self._keeps_alive or now < self._heard + keepalive:
            return None
        if self._pings.awaited is None:
            self._pings.awaited = now
            self._say(Frame(Kind.PING, self._pings.next_id(), 0))
        elif now >= self._pings.awaited + keepalive:
            self._fault(Status.RESOURCE_EXHAUSTED, "no pong", events)
        return None

    @property
    def _keeps_alive(self) -> bool:
        """Whether silence matters, and can be asked about."""
        return bool(self._calls) and self.state in WRITING

    def _next_wake(self) -> float:
        times = [self._calls.wake, self._requests.wake, self._until]
        if self._record_began is not None and self.state in READING:
            times.append(self._record_began + self._limits.record_seconds)
        if self._limits.keepalive_seconds is not None and self._keeps_alive:
            quiet = self._heard if self._pings.awaited is None else self._pings.awaited
            times.append(quiet + self._limits.keepalive_seconds)
        return min(times)
