"""How a connection ends, as data.

A connection has one state, which says what this side may still do. It begins OPEN. Three things
end it in good order, and each side can be the one that begins:

- This side drains: it says goaway and is DRAINING until the calls that it accepted are answered.
  One that may not send frames yet says it after the first that it reads, and waits for that, too.
  Then it shuts down writing and is LINGERING: it reads on, for answers to its own calls, until the
  input ends or the linger time is over.
- The other side drains: its goaway was read, and this side is LEAVING until no call is open in
  either direction. Then it closes.
- The input ends. No answer can come any more, so this side's calls have failed; it is FINISHING
  until the calls that it accepted are answered. Then it closes.

One thing ends it in bad order: a connection error. This side says goaway with a status and is
FAILED: it answers nothing and discards input until that ends or the discard time is over, so that
the other side can read the goaway before it meets a reset.

From every state the way leads to CLOSED and from there nowhere. A new call may begin in OPEN alone.
A trigger that TRANSITIONS has no entry for, a dot below, cannot occur in that state: asking for it
is an error of this package and raises KeyError.

               DRAIN     GOAWAY     IDLE       END        FAULT   EXPIRE  LOST
    OPEN       DRAINING  LEAVING    .          FINISHING  FAILED  .       CLOSED
    DRAINING   .         DRAINING   LINGERING  FINISHING  FAILED  .       CLOSED
    LEAVING    DRAINING  LEAVING    CLOSED     FINISHING  FAILED  .       CLOSED
    FINISHING  .         .          CLOSED     .          CLOSED  .       CLOSED
    LINGERING  .         LINGERING  .          CLOSED     FAILED  CLOSED  CLOSED
    FAILED     .         .          .          CLOSED     .       CLOSED  CLOSED
    CLOSED     .         .          .          .          .       .       .
"""

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from types import MappingProxyType
from typing import Final

from .messages import Goaway


class State(Enum):
    #: Enum's own is written in Python, and each answer asks whether a state is in a set.
    __hash__ = object.__hash__

    OPEN = auto()
    DRAINING = auto()
    LEAVING = auto()
    FINISHING = auto()
    LINGERING = auto()
    FAILED = auto()
    CLOSED = auto()


class Trigger(Enum):
    """What moves a connection from state to state."""

    DRAIN = auto()  # this side says goaway
    GOAWAY = auto()  # the other side's goaway was read
    IDLE = auto()  # no call is left that the state waits for
    END = auto()  # the input ended
    FAULT = auto()  # a connection error
    EXPIRE = auto()  # the time of the state is over
    LOST = auto()  # the transport is gone


TRANSITIONS: Final = MappingProxyType(
    {
        State.OPEN: {
            Trigger.DRAIN: State.DRAINING,
            Trigger.GOAWAY: State.LEAVING,
            Trigger.END: State.FINISHING,
            Trigger.FAULT: State.FAILED,
            Trigger.LOST: State.CLOSED,
        },
        State.DRAINING: {
            Trigger.GOAWAY: State.DRAINING,
            Trigger.IDLE: State.LINGERING,
            Trigger.END: State.FINISHING,
            Trigger.FAULT: State.FAILED,
            Trigger.LOST: State.CLOSED,
        },
        State.LEAVING: {
            Trigger.DRAIN: State.DRAINING,
            Trigger.GOAWAY: State.LEAVING,
            Trigger.IDLE: State.CLOSED,
            Trigger.END: State.FINISHING,
            Trigger.FAULT: State.FAILED,
            Trigger.LOST: State.CLOSED,
        },
        State.FINISHING: {
            Trigger.IDLE: State.CLOSED,
            Trigger.FAULT: State.CLOSED,
            Trigger.LOST: State.CLOSED,
        },
        State.LINGERING: {
            Trigger.GOAWAY: State.LINGERING,
            Trigger.END: State.CLOSED,
            Trigger.FAULT: State.FAILED,
            Trigger.EXPIRE: State.CLOSED,
            Trigger.LOST: State.CLOSED,
        },
        State.FAILED: {
            Trigger.END: State.CLOSED,
            Trigger.EXPIRE: State.CLOSED,
            Trigger.LOST: State.CLOSED,
        },
        State.CLOSED: {},
    }
)

#: Asked of every frame: to look it up in its class takes longer than the comparison.
OPEN: Final = State.OPEN

#: States in which input is read and means something.
READING: Final = frozenset({State.OPEN, State.DRAINING, State.LEAVING, State.LINGERING})

#: States in which frames can be written.
WRITING: Final = frozenset({State.OPEN, State.DRAINING, State.LEAVING, State.FINISHING})


class Shutdown:
    """The state of one connection, and what its end waits for. Times are those of the clock.

    ``until``: when the time of the state is over, inf where it has none. ``goaway``: the other
    side's, None while none was read. ``parting``: this side's goaway, while it cannot be said yet.
    """

    __slots__ = ("_clock", "_seconds", "goaway", "parting", "state", "until")

    def __init__(
        self, clock: Callable[[], float], linger_seconds: float, discard_seconds: float
    ) -> None:
        self._clock = clock
        self._seconds = {State.LINGERING: linger_seconds, State.FAILED: discard_seconds}
        self.state = State.OPEN
        self.until = inf
        self.goaway: Goaway | None = None
        self.parting: Goaway | None = None

    def move(self, trigger: Trigger) -> None:
        """KeyError where the trigger cannot occur in this state."""
        before = self.state
        self.state = TRANSITIONS[before][trigger]
        if self.state is not before:
            seconds = self._seconds.get(self.state)
            self.until = inf if seconds is None else self._clock() + seconds

    def part_later(self, goaway: Goaway) -> None:
        """The goaway waits for the other side's first frame, as long as lingering takes. C-54"""
        self.parting = goaway
        self.until = self._clock() + self._seconds[State.LINGERING]

    def take_parting(self) -> Goaway | None:
        """The goaway that waits, once."""
        goaway, self.parting = self.parting, None
        return goaway

    def give_up_parting(self) -> None:
        """There is nobody to say it to."""
        self.parting, self.until = None, inf

    def is_idle(self, calls: int, requests: int) -> bool:
        """Whether nothing is left that the state waits for.

        ``calls``: of this side. ``requests``: of the other side, and its notifications and messages
        whose handlers run.
        """
        if self.state is State.DRAINING:
            return not requests and self.parting is None
        if self.state is State.LEAVING:
            return not requests and not calls
        return self.state is State.FINISHING and not requests

    def farewell(self, reason: str) -> str:
        """The reason, and what the other side said of it."""
        said = None if self.goaway is None else self.goaway.text
        return f"{reason}: {said}" if said else reason
