"""What happened on a connection, as both of its sides and the wire saw it, and what is wrong in it.

Every call has an identity that its request, its response and its error carry. So a history shows
which call an outcome belongs to without believing the connection's own ids.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tracewire.codec import Frame, FrameError, Kind, Status, StreamDecoder
from tracewire.protocol.constants import Executed

#: What a call ends with that its own side gave up.
GIVEN_UP = "given up"


class Outcome(NamedTuple):
    """``said``: the identity that the response or the error carried, None where it had none."""

    status: Status | str
    executed: Executed | None = None
    said: str | None = None


@dataclass
class Written:
    """What one side wrote: its frames, as they stood on the wire."""

    frames: list[Frame] = field(default_factory=list)
    decoder: StreamDecoder = field(default_factory=StreamDecoder)

    def ids(self, kind: Kind) -> list[int]:
        return [frame.id for frame in self.frames if frame.kind == kind]


@dataclass
class History:
    #: Calls that began, and what was reported of each.
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    #: Requests that a side accepted, those whose handler ran, and those a side cannot answer any
    #: more because its connection broke.
    accepted: Counter[str] = field(default_factory=Counter)
    ran: Counter[str] = field(default_factory=Counter)
    excused: set[str] = field(default_factory=set)
    #: Whether the wire broke, or a side said that the other did wrong.
    broken: bool = False
    #: Sides that closed before they had heard all that was said to them.
    deaf: set[str] = field(default_factory=set)
    written: dict[str, Written] = field(default_factory=lambda: {"a": Written(), "b": Written()})
    notified: dict[str, list[int]] = field(default_factory=lambda: {"a": [], "b": []})
    #: What a side was left with in the end, where that is not nothing.
    left: list[str] = field(default_factory=list)
    #: What the simulation itself saw go wrong.
    seen: list[str] = field(default_factory=list)

    def wrote(self, side: str, data: bytes) -> None:
        written = self.written[side]
        for item in written.decoder.feed(data):
            if isinstance(item, FrameError):
                self.seen.append(f"{side} wrote an invalid frame: {item}")
            else:
                written.frames.append(item)

    def faults(self) -> list[str]:
        """Everything that must not be so, in words."""
        found = [*self.seen, *self.left, *self._calls(), *self._requests()]
        for side, written in self.written.items():
            found += [f"{side} {fault}" for fault in _on_the_wire(written)]
        for side, numbers in self.notified.items():
            if numbers != sorted(set(numbers)):
                found.append(f"{side} heard notifications twice or out of order: {numbers}")
        return found

    def _calls(self) -> Iterator[str]:
        for call, outcomes in self.outcomes.items():
            if len(outcomes) != 1:
                yield f"call {call} has {len(outcomes)} outcomes: {outcomes}"
            for outcome in outcomes:
                if outcome.said not in (None, call):
                    yield f"call {call} met the reply to {outcome.said}"
                if outcome.executed is Executed.NO and self.ran[call]:
                    yield f"call {call} ran, and was reported as not executed"
                if outcome.status is Status.OK and not self.ran[call]:
                    yield f"call {call} was answered, and did not run"
                if self._was_missed(call, outcome):
                    yield f"call {call} was answered, and its side heard all, but not this"

    def _was_missed(self, call: str, outcome: Outcome) -> bool:
        if outcome.status is not Status.UNAVAILABLE or self.broken or call[0] in self.deaf:
            return False
        return outcome.executed is not Executed.NO and call in self._answered()

    def _requests(self) -> Iterator[str]:
        answered = self._answered()
        for call, times in self.accepted.items():
            if call not in self.outcomes:
                yield f"request {call} was accepted, and nobody made it"
            if times != 1 or self.ran[call] > 1:
                yield f"request {call} was accepted {times} times and ran {self.ran[call]} times"
            if answered[call] != 1 and call not in self.excused:
                yield f"request {call} was accepted and has {answered[call]} responses"
        for call, times in answered.items():
            if times > 1:
                yield f"request {call} has {times} responses"
        for call in self.ran:
            if call not in self.accepted:
                yield f"request {call} ran, and was not accepted"

    def _answered(self) -> Counter[str]:
        """How many responses were written to each call."""
        answered: Counter[str] = Counter()
        for caller, callee in (("a", "b"), ("b", "a")):
            frames = self.written[caller].frames
            calls = {f.id: f.payload.decode() for f in frames if f.kind == Kind.REQUEST}
            for id in self.written[callee].ids(Kind.RESPONSE):
                answered[calls.get(id, f"{caller}?{id}")] += 1
        return answered


def _on_the_wire(written: Written) -> Iterator[str]:
    """What a side must not write, whatever the other does."""
    kinds = [frame.kind for frame in written.frames]
    if kinds.count(Kind.HELLO) > 1:
        yield "said hello twice"
    requests, cancels = written.ids(Kind.REQUEST), written.ids(Kind.CANCEL)
    if requests != sorted(set(requests)):
        yield f"wrote requests whose ids do not ascend: {requests}"
    if len(set(cancels)) < len(cancels) or not set(cancels) <= set(requests):
        yield f"cancelled {cancels} of the calls {requests}"
    if Kind.GOAWAY in kinds and Kind.REQUEST in kinds[kinds.index(Kind.GOAWAY) :]:
        yield "began a call after its goaway"
