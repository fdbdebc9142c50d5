"""What happened on a connection, as both of its sides and the wire saw it, and what is wrong in it.

Every call has an identity that its request, its response and its error carry. So a history shows
which call an outcome belongs to without believing the connection's own ids.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import cbor2

from tests.property.wire import STRAY
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

    def payloads(self, kind: Kind) -> list[bytes]:
        return [frame.payload for frame in self.frames if frame.kind == kind]

    def denied(self) -> list[int]:
        """Of which requests it was said that they were not executed."""
        errors = (f for f in self.frames if f.kind == Kind.RESPONSE and f.target != Status.OK)
        return [f.id for f in errors if cbor2.loads(f.payload).get(2) == Executed.NO]

    def goaways(self) -> list[tuple[int, int]]:
        """The last id that was accepted, and the status."""
        bodies = map(cbor2.loads, self.payloads(Kind.GOAWAY))
        return [(body[0], body[1]) for body in bodies]


@dataclass
class History:
    #: Calls that began, and what was reported of each.
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    #: Requests that a side accepted, those whose handler ran, and those a side cannot answer any
    #: more because its connection broke.
    accepted: Counter[str] = field(default_factory=Counter)
    ran: Counter[str] = field(default_factory=Counter)
    excused: set[str] = field(default_factory=set)
    #: Whether this run has nothing in it that can break a connection.
    calm: bool = False
    #: Whether a connection broke, and whether a side said so because the other did wrong.
    broken: bool = False
    failed: bool = False
    #: Sides that closed before they had heard all that was said to them.
    deaf: set[str] = field(default_factory=set)
    written: dict[str, Written] = field(default_factory=lambda: {"a": Written(), "b": Written()})
    notified: dict[str, list[bytes]] = field(default_factory=lambda: {"a": [], "b": []})
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
        found = [*self.seen, *self.left, *self._calls(), *self._requests(), *self._answers()]
        if self.calm and self.failed:
            found.append("the connection failed, and nobody did wrong")
        for side, written in self.written.items():
            found += [f"{side} {fault}" for fault in _on_the_wire(written)]
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
                if self._is_vague(call, outcome):
                    yield f"call {call} may have run, and its side heard all, but not whether"

    def _is_vague(self, call: str, outcome: Outcome) -> bool:
        """A side that was told the last call that ran knows of each whether it did."""
        callee = "b" if call[0] == "a" else "a"
        told = bool(self.written[callee].goaways()) and call[0] not in self.deaf
        vague = outcome.status is Status.UNAVAILABLE and outcome.executed is not Executed.NO
        return vague and told and not self.broken

    def _requests(self) -> Iterator[str]:
        for call, times in self.accepted.items():
            if call not in self.outcomes:
                yield f"request {call} was accepted, and nobody made it"
            if times != 1 or self.ran[call] > 1:
                yield f"request {call} was accepted {times} times and ran {self.ran[call]} times"
        for call in self.ran:
            if call not in self.accepted:
                yield f"request {call} ran, and was not accepted"

    def _answers(self) -> Iterator[str]:
        """What each side wrote, held to what the other had written."""
        for asker, answerer in (("a", "b"), ("b", "a")):
            asked, said = self.written[asker], self.written[answerer]
            calls = {f.id: f.payload.decode() for f in asked.frames if f.kind == Kind.REQUEST}
            yield from self._responses(asker, calls, Counter(said.ids(Kind.RESPONSE)))
            for id in said.denied():
                if self.ran[calls.get(id, "")]:
                    yield f"{answerer} said of {calls[id]}, which ran, that it was not executed"
            for last, _ in said.goaways():
                late = [call for id, call in calls.items() if id > last and self.accepted[call]]
                if late:
                    yield f"{answerer} accepted {late}, and said that {last} was the last"
            pings, pongs = asked.ids(Kind.PING), set(said.ids(Kind.PONG)) - {STRAY}
            if not pongs <= set(pings):
                yield f"{answerer} answered pings {sorted(pongs)} of {pings}"
            heard, told = self.notified[answerer], asked.payloads(Kind.NOTIFICATION)
            if heard != told[: len(heard)]:
                yield f"{answerer} heard notifications {heard} of {told}"

    def _responses(self, asker: str, calls: dict[int, str], times: Counter[int]) -> Iterator[str]:
        for id in times - Counter(calls.keys()):
            yield f"request {calls.get(id, id)} of {asker} has {times[id]} responses"
        for id, call in calls.items():
            if call in self.accepted and id not in times and call not in self.excused:
                yield f"request {call} was accepted and has no response"


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
    if any(status for _, status in written.goaways()) and kinds[-1] != Kind.GOAWAY:
        yield "spoke on after its connection error"
