"""What context costs: messages with and without it, measured against each other."""

from collections.abc import Iterator
from typing import Final

from tracewire.codec import (
    NOT_SAMPLED,
    TraceContext,
    decode,
    encode_request,
    peek_trace,
)
from tracewire.codec.constants import BAGGAGE

from .alternatives import alternatives
from .message import Message, message
from .timing import Stopwatch

SYSTEM: Final = "Tracewire"
SAMPLED: Final = "sampled"
TRACE: Final = TraceContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, 1)
STATE: Final = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
ENTRIES: Final = {"user.id": "42", "session": "8f14e45fceea167a", "region": "eu-central"}


class Measurement:
    """A message and the times that it took."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.encode = Stopwatch(message.encode)
        self.decode = Stopwatch(message.decode)
        self.peek = None if message.peek is None else Stopwatch(message.peek)

    def take_turn(self) -> None:
        for watch in filter(None, (self.encode, self.decode, self.peek)):
            watch.take_turn()

    @property
    def total(self) -> float:
        """Nanoseconds of encode and decode together."""
        return self.encode.nanoseconds + self.decode.nanoseconds


class Overhead:
    """Measurements in rounds, in each of which every message takes its turn.

    ``rows``: the messages, those without context first in their system. ``missing``: the
    alternatives that are not installed. Raises FrameError where there is no such message.
    """

    def __init__(self, method: str, payload: bytes) -> None:
        self.rows = [Measurement(message) for message in own_messages(method, payload)]
        self.missing: list[str] = []
        for system, messages in alternatives(method, payload, TRACE):
            self.rows += map(Measurement, messages)
            if not messages:
                self.missing.append(system)
        self.sampled = next(row for row in self.rows if row.message.context == SAMPLED)
        self._pairs = [(row, Measurement(row.message)) for row in (self.rows[0], self.sampled)]

    def measure(self, rounds: int) -> None:
        """Adds as many samples to every time."""
        for _ in range(rounds):
            for row in (*self.rows, *(again for _, again in self._pairs)):
                row.take_turn()

    def base(self, row: Measurement) -> Measurement:
        """The same message without context."""
        return next(base for base in self.rows if base.message.system == row.message.system)

    def overhead(self, row: Measurement) -> float:
        """Percent that context adds to encode + decode of the base."""
        return 100 * (row.total / self.base(row).total - 1)

    def share(self, row: Measurement) -> float:
        """Percent of encode + decode that is due to context."""
        return 100 * (1 - self.base(row).total / row.total)

    @property
    def noise(self) -> float:
        """Percent by which the times of a message differ from its own, measured again (A/A)."""
        return max(abs(100 * (again.total / row.total - 1)) for row, again in self._pairs)


def own_messages(method: str, payload: bytes) -> Iterator[Message]:
    """A request in each state of its trace, the undecided one first."""
    stateful = TraceContext(TRACE.trace_id, TRACE.span_id, TRACE.flags, STATE)
    contexts = (
        ("undecided", None, None),
        ("not sampled", NOT_SAMPLED, None),
        (SAMPLED, TRACE, None),
        ("+ tracestate, baggage", stateful, {BAGGAGE: ENTRIES}),
    )
    for context, trace, extensions in contexts:
        names = {
            "encode_request": encode_request,
            "decode": decode,
            "peek_trace": peek_trace,
            "method": method,
            "payload": payload,
            "trace": trace,
            "extensions": extensions,
        }
        read = "frame = decode(data); frame.id; frame.method; frame.payload; frame.trace"
        yield message(
            SYSTEM,
            context,
            names,
            encode="encode_request(7, method, payload, trace, extensions)",
            decode=f"{read}; frame.extensions" if extensions else read,
            peek="peek_trace(data)",
        )
