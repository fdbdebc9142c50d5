"""The life of a connection, as data.

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
An event that TRANSITIONS has no entry for, a dot below, cannot occur in that state: asking for it
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

from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class State(Enum):
    OPEN = auto()
    DRAINING = auto()
    LEAVING = auto()
    FINISHING = auto()
    LINGERING = auto()
    FAILED = auto()
    CLOSED = auto()


class Event(Enum):
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
            Event.DRAIN: State.DRAINING,
            Event.GOAWAY: State.LEAVING,
            Event.END: State.FINISHING,
            Event.FAULT: State.FAILED,
            Event.LOST: State.CLOSED,
        },
        State.DRAINING: {
            Event.GOAWAY: State.DRAINING,
            Event.IDLE: State.LINGERING,
            Event.END: State.FINISHING,
            Event.FAULT: State.FAILED,
            Event.LOST: State.CLOSED,
        },
        State.LEAVING: {
            Event.DRAIN: State.DRAINING,
            Event.GOAWAY: State.LEAVING,
            Event.IDLE: State.CLOSED,
            Event.END: State.FINISHING,
            Event.FAULT: State.FAILED,
            Event.LOST: State.CLOSED,
        },
        State.FINISHING: {
            Event.IDLE: State.CLOSED,
            Event.FAULT: State.CLOSED,
            Event.LOST: State.CLOSED,
        },
        State.LINGERING: {
            Event.GOAWAY: State.LINGERING,
            Event.END: State.CLOSED,
            Event.FAULT: State.FAILED,
            Event.EXPIRE: State.CLOSED,
            Event.LOST: State.CLOSED,
        },
        State.FAILED: {
            Event.END: State.CLOSED,
            Event.EXPIRE: State.CLOSED,
            Event.LOST: State.CLOSED,
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
