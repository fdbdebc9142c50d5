"""What a connection hears: records, one by one (sections 3.3, 6 and 7 of the specification)."""

from typing import Final

from tracewire.codec import Frame, FrameError, Kind, Status, encode_response

from . import calls
from .constants import INVALID_RECORDS, Executed
from .deadline import read_timeout
from .events import (
    Answered,
    Cancelled,
    Failed,
    Greeted,
    Leaving,
    Notified,
    Ponged,
    Received,
    Requested,
)
from .goaway import read_goaway
from .hello import read_hello
from .life import Events, Extensions, Life
from .states import OPEN, WRITING, Event, State
from .status import RpcError, read_error, write_error

_PING: Final = Kind.PING
_PONG: Final = Kind.PONG


class Hearing(Life):
    """Each frame is heard by the method of its kind, which adds what it means to the events."""

    __slots__ = ()

    def _hear_frame(self, frame: Frame, began: float, events: Events) -> None:
        kind = frame.kind
        assert kind is not None  # not bare
        if kind is not _PING:
            self._pings.strikes = 0  # C-15
        if kind <= _PONG:
            _HEARERS[kind](self, frame, began, events)
        else:
            self.counts["unknown_kinds"] += 1  # G-13

    def _hear_other(self, item: Frame | FrameError | bytes, began: float, events: Events) -> None:
        """What is no frame, or one of a side that is not known to send them."""
        if isinstance(item, Frame):
            if not self._stranger or self._meet(item):
                self._hear_frame(item, began, events)
        elif isinstance(item, FrameError):
            self._hear_invalid(item, events)
        elif self.state is not State.LINGERING:
            events.append(Received(item, None))

    def _meet(self, frame: Frame) -> bool:
        """Whether a frame is accepted of a side that is not known to read them."""
        if not (self._guarded and frame.kind == Kind.NOTIFICATION and frame.target == ""):
            if self._guarded and not self._introduces(frame):
                self.counts["frames_before_hello"] += 1  # G-16
                return False
            self._stranger = False
        if not self.may_frame:
            self.may_frame = True
            self._greet()  # C-9
        return True

    def _introduces(self, frame: Frame) -> bool:
        """Whether it is a hello that counts. C-10, G-11"""
        if frame.kind != Kind.HELLO or self._not_understood(frame.extensions):
            return False
        return read_hello(frame.payload) is not None

    def _hear_invalid(self, error: FrameError, events: Events) -> None:
        self._invalid += 1
        self.counts["invalid_records"] += 1
        if error.rule == "S-2":  # C-3
            self._fault(Status.RESOURCE_EXHAUSTED, str(error), events)
        elif error.kind == Kind.REQUEST and error.id and error.id in self._requests:  # C-13
            self._fault(Status.INVALID_ARGUMENT, f"request {error.id} is in flight", events)
        elif self._invalid >= INVALID_RECORDS:  # C-4
            said = f"the {self._invalid}th invalid record: {error}"
            self._fault(Status.INVALID_ARGUMENT, said, events)
        elif not error.id or (self._stranger and self._guarded):  # G-16
            pass
        elif error.kind == Kind.REQUEST:  # C-5
            self._read += 1
            self._refuse(error.id, Status.INVALID_ARGUMENT, str(error))
        elif error.kind == Kind.RESPONSE:  # C-6
            self._fail_call(error.id, Status.INTERNAL, f"the response is invalid: {error}", events)

    def _hear_request(self, frame: Frame, began: float, events: Events) -> None:
        id = frame.id
        if id in self._requests:  # C-13
            return self._fault(Status.INVALID_ARGUMENT, f"request {id} is in flight", events)
        self._read += 1
        expires = None
        if self.state is not OPEN:  # C-18; from here on in the order of C-23
            return self._refuse(id, Status.UNAVAILABLE, "the connection is closing")
        if extensions := frame.extensions:
            if even := self._not_understood(extensions):  # G-8
                said = f"extension keys that are not understood: {', '.join(map(str, even))}"
                return self._refuse(id, Status.UNIMPLEMENTED, said, even)
            if (timeout := read_timeout(extensions)) is not None:
                expires = began + timeout  # C-24
                if not timeout or expires <= self._heard:
                    said = "the deadline passed before the call began"
                    return self._refuse(id, Status.DEADLINE_EXCEEDED, said)
        if self._requests.full:  # C-25
            return self._refuse(id, Status.RESOURCE_EXHAUSTED, "too many calls in flight")
        self._requests.accept(id, expires)
        if expires is not None and expires < self.wake:
            self.wake = expires
        events.append(Requested(id, frame, expires))
        return None

    def _hear_response(self, frame: Frame, began: float, events: Events) -> None:
        extensions = frame.extensions
        if extensions and (even := self._not_understood(extensions)):  # G-10
            said = f"the response has extension keys that are not understood: {even}"
            return self._fail_call(frame.id, Status.UNIMPLEMENTED, said, events)
        grease = self._grease
        if (
            grease is not None
            and grease.waiting
            and grease.is_choked_by(frame.id, int(frame.target))
        ):
            self.counts["grease_choked"] += 1
        caller = self._calls.end(frame.id)
        if caller is calls.UNKNOWN:
            self.counts["unknown_responses"] += 1  # C-14
        elif frame.target:
            status = frame.status
            assert status is not None
            events.append(Failed(caller, read_error(status, frame.payload)))
        else:
            events.append(Answered(caller, frame))
        return None

    def _hear_notification(self, frame: Frame, began: float, events: Events) -> None:
        extensions = frame.extensions
        timeout = read_timeout(extensions)
        if self.state is State.LINGERING:
            return
        expires = None if timeout is None else began + timeout
        if self._not_understood(extensions):
            self.counts["notifications_not_understood"] += 1  # G-9
        elif expires is not None and (not timeout or expires <= self._heard):
            self.counts["notifications_expired"] += 1  # section 7.8
        elif not frame.target:
            events.append(Received(frame.payload, frame))
        else:
            events.append(Notified(frame, expires))

    def _hear_hello(self, frame: Frame, began: float, events: Events) -> None:
        hello = read_hello(frame.payload) if self.peer is None else None
        if hello is None:
            self.counts["hellos_ignored"] += 1  # C-10
        elif self._understands(frame):
            self.peer, self.peer_max_frame = hello, hello.max_frame
            events.append(Greeted(hello))

    def _hear_goaway(self, frame: Frame, began: float, events: Events) -> None:
        if self._understands(frame) and self.goaway is None:
            self.goaway = read_goaway(frame.payload)
            if self.goaway.status == Status.INVALID_ARGUMENT:
                self._note_choked()
            self._move(Event.GOAWAY)
            events.append(Leaving(self.goaway))
            said = self._farewell("the other side accepts no more calls")
            events += self._calls.refuse(self.goaway.last_id, said)

    def _hear_cancel(self, frame: Frame, began: float, events: Events) -> None:
        if not self._understands(frame):
            return
        self._cancels += 1
        if self._cancels > self._read:  # C-15
            self._fault(Status.RESOURCE_EXHAUSTED, "more cancels than requests", events)
        elif frame.id not in self._requests:
            self.counts["unknown_cancels"] += 1  # C-14
        elif self._requests.cancel(frame.id, Status.CANCELLED):
            events.append(Cancelled(frame.id, Status.CANCELLED))

    def _hear_ping(self, frame: Frame, began: float, events: Events) -> None:
        if not self._understands(frame):
            return
        if self._pings.strike(self._heard):  # C-15
            self._fault(Status.RESOURCE_EXHAUSTED, "too many pings", events)
        else:
            self._say(Frame(Kind.PONG, frame.id, 0))  # C-2

    def _hear_pong(self, frame: Frame, began: float, events: Events) -> None:
        if self._understands(frame):
            events.append(Ponged(frame.id))

    # What these have in common.

    def _note_choked(self) -> None:
        """The connection ends in bad order: if a frame with grease is unanswered, it may be why."""
        grease = self._grease
        if grease is not None and grease.waiting:
            grease.waiting = 0
            self.counts["grease_choked"] += 1

    def _understands(self, frame: Frame) -> bool:
        if not self._not_understood(frame.extensions):
            return True
        self.counts["frames_not_understood"] += 1  # G-11
        return False

    def _not_understood(self, extensions: Extensions) -> list[int]:
        """The even keys that this side does not understand. X-11"""
        found = []
        for key in extensions:
            if type(key) is int and not key & 1 and key not in self._even_keys:
                found.append(key)
        return found

    def _fail_call(self, id: int, status: Status, said: str, events: Events) -> None:
        caller = self._calls.end(id)
        if caller is calls.UNKNOWN:
            self.counts["unknown_responses"] += 1  # C-14
        else:
            events.append(Failed(caller, RpcError(status, said, executed=Executed.MAYBE)))

    def _refuse(self, id: int, status: Status, said: str, details: object = None) -> None:
        """Answers a request that was not accepted."""
        error = RpcError(status, said, details, Executed.NO)
        if self.state in WRITING:
            self._write(encode_response(id, write_error(error), status))


#: By kind.
_HEARERS: Final = (
    Hearing._hear_request,
    Hearing._hear_response,
    Hearing._hear_notification,
    Hearing._hear_hello,
    Hearing._hear_goaway,
    Hearing._hear_cancel,
    Hearing._hear_ping,
    Hearing._hear_pong,
)
