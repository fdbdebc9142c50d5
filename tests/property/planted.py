"""Connections that each have one fault, and what the judge of a simulation must say of it."""

from typing import Any

from tracewire.codec import Frame, Kind, Status, encode, encode_response
from tracewire.protocol.connection.connection import Connection, Events
from tracewire.protocol.connection.events import CallFailed, NotificationReceived, RequestCancelled
from tracewire.protocol.connection.in_flight import OutgoingCalls
from tracewire.protocol.connection.shutdown import State, Trigger
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError


def said_otherwise(events: Events, executed: Executed) -> Events:
    """The same events, but calls that failed say this of whether they ran."""
    for event in events:
        if isinstance(event, CallFailed):
            event.error.executed = executed
    return events


class SwapsIds(Connection):
    __slots__ = ()

    def respond(self, id: int, payload: bytes = b"", extensions: Any = None) -> Status:
        return super().respond(next(iter(self._incoming)), payload, extensions)


class MixesUpCallers(Connection):
    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        if frame.kind == Kind.RESPONSE and frame.id in self._outgoing._open:
            first = next(iter(self._outgoing._open))
            frame = Frame(Kind.RESPONSE, first, frame.target, frame.payload)
        super()._receive_frame(frame, began, events)


class AnswersTwice(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        super()._answer(id, frame)
        self.outbox.write(frame)


class AnswersNothing(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        self._incoming.end(id)
        self._settle()


class AnswersBeforeItRuns(Connection):
    __slots__ = ()

    def start(self, id: int) -> bool:
        started = super().start(id)
        if started:
            self.outbox.write(encode_response(id, b""))
        return started


class DeniesWhatRan(Connection):
    __slots__ = ()

    def cancelled(self, id: int) -> Status:
        self.fail(id, RpcError(Status.UNAVAILABLE, "cancelled", executed=Executed.NO))
        return Status.UNAVAILABLE

    def respond(self, id: int, payload: bytes = b"", extensions: Any = None) -> Status:
        return self.cancelled(id)


class DeniesWhatWasCancelled(Connection):
    """The caller gave up and does not hear it, but it stands on the wire."""

    __slots__ = ()

    def cancelled(self, id: int) -> Status:
        self.fail(id, RpcError(Status.CANCELLED, "cancelled", executed=Executed.NO))
        return Status.CANCELLED


class DeniesWhatWasSent(Connection):
    __slots__ = ()

    def end(self) -> Events:
        return said_otherwise(super().end(), Executed.NO)


class SaysAWrongLastId(Connection):
    __slots__ = ()

    def drain(self, text: str | None = None) -> Events:
        accepted, self._incoming.last_id = self._incoming.last_id, 0
        events = super().drain(text)
        self._incoming.last_id = accepted
        return events


class AcceptsWhileItDrains(Connection):
    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        state = self.state
        if frame.kind == Kind.REQUEST and state is State.DRAINING:
            self._shutdown.state = State.OPEN
            super()._receive_frame(frame, began, events)
            self._shutdown.state = state
        else:
            super()._receive_frame(frame, began, events)


class ForgetsWhatItWasTold(Connection):
    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        before = len(events)
        super()._receive_frame(frame, began, events)
        if frame.kind == Kind.GOAWAY:
            said_otherwise(events[before:], Executed.MAYBE)


class LosesOutcomes(Connection):
    __slots__ = ()

    def end(self) -> Events:
        super().end()
        return []


class ReportsTwice(Connection):
    __slots__ = ()

    def expire(self) -> Events:
        return super().expire() * 2


class ReportsWhatWasGivenUp(Connection):
    __slots__ = ()

    def cancel(self, id: int) -> None:
        self._send_control(Frame(Kind.CANCEL, id, 0))


class KeepsPlaces(Connection):
    __slots__ = ()

    def _answer(self, id: int, frame: bytes) -> None:
        super()._answer(id, frame)
        self._incoming._server.taken += 1


class FreesPlacesTooSoon(Connection):
    """Rapid reset: what was cancelled runs on, and counts no more."""

    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        super()._receive_frame(frame, began, events)
        if frame.kind == Kind.CANCEL:
            self._incoming._limit += 1
            self._incoming._server.limit += 1


class NeverSettles(Connection):
    __slots__ = ()

    def _settle(self) -> None:
        pass


class SettlesTooSoon(Connection):
    __slots__ = ()

    def drain(self, text: str | None = None) -> Events:
        events = super().drain(text)
        for id in list(self._incoming):
            self._incoming.end(id)
            self._incoming._server.taken += 1
        self._settle()
        return events


class SettlesTooLate(Connection):
    """It waits for calls that it gave up, until the other side ends the connection."""

    __slots__ = ()

    def cancel(self, id: int) -> None:
        state, self._shutdown.state = self.state, State.OPEN
        super().cancel(id)
        self._shutdown.state = state


class FailsItsCallsTooLate(Connection):
    """At an error it keeps them until the connection is closed."""

    __slots__ = ()

    def _fault(self, status: Status, text: str, events: Events) -> None:
        calls, self._outgoing = self._outgoing, OutgoingCalls()
        super()._fault(status, text, events)
        self._outgoing = calls


class LeavesHandlersRunning(Connection):
    __slots__ = ()

    def _abandon(self) -> list[RequestCancelled]:
        return []


class NeverWakes(Connection):
    __slots__ = ()

    def expire(self) -> Events:
        events = super().expire()
        self.wake = float("inf")
        return events


class WakesForEver(Connection):
    __slots__ = ()

    def expire(self) -> Events:
        events = super().expire()
        self.wake = 0.0
        return events


class ForgetsDeadlinesOfRequests(Connection):
    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        super()._receive_frame(frame, began, events)
        self._incoming.deadlines.times.clear()


class CancelsTwice(Connection):
    __slots__ = ()

    def receive(self, data: bytes | memoryview) -> Events:
        events = super().receive(data)
        return events + [event for event in events if isinstance(event, RequestCancelled)]


class StartsAfterItsGoaway(Connection):
    __slots__ = ()

    def request(self, *arguments: Any, **options: Any) -> int:
        id = super().request(*arguments, **options)
        if id == 3:
            self._send_control(Frame(Kind.GOAWAY, 0, 0, b"\xa2\x00\x00\x01\x00"))
        return id


class StartsAfterTheirGoaway(Connection):
    __slots__ = ()

    def _move(self, event: Trigger) -> None:
        if event is not Trigger.GOAWAY:
            super()._move(event)


class RefusesVaguely(Connection):
    __slots__ = ()

    def request(self, *arguments: Any, **options: Any) -> int:
        try:
            return super().request(*arguments, **options)
        except RpcError as refusal:
            refusal.executed = None
            raise


class UsesIdsAgain(Connection):
    __slots__ = ()

    def cancel(self, id: int) -> None:
        super().cancel(id)
        self._outgoing._next_id = id


class CancelsAnyCall(Connection):
    __slots__ = ()

    def cancel(self, id: int) -> None:
        super().cancel(id)
        self._send_control(Frame(Kind.CANCEL, id, 0))


class FailsForNothing(Connection):
    __slots__ = ()

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        if frame.kind == Kind.CANCEL:
            self._incoming.read -= 1
        super()._receive_frame(frame, began, events)


class SpeaksOnAfterAnError(Connection):
    __slots__ = ()

    def _fault(self, status: Status, text: str, events: Events) -> None:
        super()._fault(status, text, events)
        self.outbox.write(encode(Frame(Kind.PONG, 1, 0)))


class WritesWhileItLingers(Connection):
    __slots__ = ()

    def _send_control(self, frame: Frame) -> None:
        if self.may_frame:
            self.outbox.write(encode(frame))


class PongsWithItsOwnIds(Connection):
    __slots__ = ()

    def _send_control(self, frame: Frame) -> None:
        super()._send_control(
            Frame(Kind.PONG, frame.id % 100 + 100, 0) if frame.kind == Kind.PONG else frame
        )


class LosesAByteBetweenPieces(Connection):
    __slots__ = ()

    def receive(self, data: bytes | memoryview) -> Events:
        return super().receive(data if self._keepalive.record_began is None else data[1:])


class HearsNotificationsTwice(Connection):
    __slots__ = ()

    def receive(self, data: bytes | memoryview) -> Events:
        events = super().receive(data)
        return events + [event for event in events if isinstance(event, NotificationReceived)]


class GreetsTwice(Connection):
    __slots__ = ()

    def notify(self, *arguments: Any, **options: Any) -> None:
        super().notify(*arguments, **options)
        self.outbox.write(encode(Frame(Kind.HELLO, 0, 0)))


PLANTED: list[tuple[type[Connection], str]] = [
    (SwapsIds, "met the reply to"),
    (MixesUpCallers, "met the reply to"),
    (AnswersTwice, "has 2 responses"),
    (AnswersNothing, "was accepted and has no response"),
    (AnswersBeforeItRuns, "has 2 responses"),
    (DeniesWhatRan, "ran, and was reported as not executed"),
    (DeniesWhatWasCancelled, "which ran, that it was not executed"),
    (DeniesWhatWasSent, "ran, and was reported as not executed"),
    (SaysAWrongLastId, "and said that 0 was the last"),
    (AcceptsWhileItDrains, "was the last"),
    (ForgetsWhatItWasTold, "is above the last that goaway accepts, and may have run"),
    (LosesOutcomes, "has 0 outcomes"),
    (ReportsTwice, "has 2 outcomes"),
    (ReportsWhatWasGivenUp, "has 2 outcomes"),
    (KeepsPlaces, "was left with"),
    (FreesPlacesTooSoon, "over its limit"),
    (NeverSettles, "was left with"),
    (SettlesTooSoon, "could not be answered"),
    (SettlesTooLate, "waits for nothing"),
    (FailsItsCallsTooLate, "no answer can come"),
    (LeavesHandlersRunning, "was not told to cancel"),
    (NeverWakes, "outlived its deadline"),
    (WakesForEver, "to be woken at once for ever"),
    (ForgetsDeadlinesOfRequests, "the handler of"),
    (CancelsTwice, "was told to cancel request"),
    (StartsAfterItsGoaway, "began a call after its goaway"),
    (StartsAfterTheirGoaway, "began after the other side's goaway"),
    (RefusesVaguely, "was refused with"),
    (UsesIdsAgain, "wrote requests whose ids do not ascend"),
    (CancelsAnyCall, "of the calls"),
    (FailsForNothing, "failed, and nobody did wrong"),
    (SpeaksOnAfterAnError, "spoke on after its connection error"),
    (WritesWhileItLingers, "wrote after it had shut down writing"),
    (PongsWithItsOwnIds, "answered pings"),
    (LosesAByteBetweenPieces, "failed, and nobody did wrong"),
    (HearsNotificationsTwice, "heard notifications"),
    (GreetsTwice, "said hello twice"),
]
