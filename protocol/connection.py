"""One connection between two peers, without input or output (section 7 of the specification).

Bytes that arrived go in by ``receive``, and what they mean comes out as events. Calls, responses
and the rest go in as method calls, and ``output`` gives the bytes to write. Times are those of the
clock that is given; ``expire`` is to be called once ``wake`` is reached. Whoever owns the
connection looks at ``state`` after each of these: in LINGERING it shuts down writing, in CLOSED it
closes the transport, each after the output was written.

Not safe for threads. The caller that is given with a request comes back with its outcome, once.
"""

from math import inf
from typing import Final

from tracewire.codec import (
    Frame,
    Kind,
    Status,
    TraceContext,
    encode_notification,
    encode_request,
    encode_response,
    is_frame,
    wrap,
)
from tracewire.codec.constants import MAX_ID, TIMEOUT
from tracewire.codec.trace import NotSampled

from . import calls
from .constants import Executed
from .deadline import write_timeout
from .events import Cancelled, Failed
from .goaway import Goaway
from .hearing import Hearing
from .life import Events, Extensions
from .states import OPEN, READING, WRITING, Event, State
from .status import RpcError, write_error

Trace = TraceContext | NotSampled | None


class Connection(Hearing):
    """See Life for the arguments."""

    __slots__ = ()

    # What this side says.

    def request(
        self,
        caller: object,
        method: str,
        payload: bytes = b"",
        trace: Trace = None,
        extensions: Extensions | None = None,
        timeout: float | None = None,
    ) -> int:
        """Begins a call; the id is for ``cancel``. ``timeout``: seconds.

        RpcError if the call cannot begin, FrameError if the arguments make no valid frame.
        """
        if self.state is not OPEN or self._stranger:
            self._check_open()
            self._check_answers()
        expires = inf
        if extensions:
            self._check_extensions(extensions)
        if timeout is not None:
            microseconds = write_timeout(timeout)
            if microseconds < 1:  # C-24
                raise _refused(Status.DEADLINE_EXCEEDED, "the deadline passed before the call")
            expires = self._clock() + timeout
            extensions = {**(extensions or {}), TIMEOUT: microseconds}
        if self._grease is not None:
            extensions = self._greased(self._calls.next_id, payload, extensions)
        frame = encode_request(self._calls.next_id, method, payload, trace, extensions)
        if len(frame) > self.peer_max_frame:
            raise self._too_long(frame)
        id = self._calls.begin(caller, expires)
        if expires < self.wake:
            self.wake = expires
        self._write(frame)
        if self._limits.keepalive_seconds is not None:
            self.wake = min(self.wake, self._clock() + self._limits.keepalive_seconds)
        if id == MAX_ID:
            self.drain("out of ids")  # C-12
        return id

    def notify(
        self,
        method: str,
        payload: bytes = b"",
        trace: Trace = None,
        extensions: Extensions | None = None,
    ) -> None:
        """Says something that nobody answers. Errors as of ``request``."""
        self._check_open()
        self._check_evidence()
        self._check_extensions(extensions or {})
        if self._grease is not None:
            extensions = self._greased(0, payload, extensions)
        frame = encode_notification(method, payload, trace, extensions)
        if len(frame) > self.peer_max_frame:
            raise self._too_long(frame)
        self._write(frame)

    def forward(self, frame: bytes) -> None:
        """As notify, of a notification that is encoded already and has no even keys."""
        self._check_open()
        self._check_evidence()
        if len(frame) > self.peer_max_frame:
            raise self._too_long(frame)
        self._write(frame)

    def send(
        self, message: bytes, trace: Trace = None, extensions: Extensions | None = None
    ) -> None:
        """A message without a method: an envelope where frames are read, else bare. G-3, G-5

        ValueError for a bare message that begins like a frame. M-5
        """
        self._check_open()
        if not self._guarded:
            self._check_evidence()
        if self.may_frame:
            self._check_extensions(extensions or {})
            frame = wrap(message, trace, extensions)
            if len(frame) > self.peer_max_frame:
                raise self._too_long(frame)
            self._write(frame)
        elif is_frame(message):  # M-5
            raise ValueError("a bare message must not begin like a frame")
        else:
            self._write(bytes(message))

    def respond(
        self, id: int, payload: bytes = b"", extensions: Extensions | None = None
    ) -> Status:
        """Answers a request that was handled, by an error where the other side takes no such frame.

        Gives the status of the answer. KeyError if no such request is in flight.
        """
        if self._grease is not None:
            extensions = self._greased(0, payload, extensions)
        frame = encode_response(id, payload, extensions=extensions)
        try:
            if extensions:
                self._check_extensions(extensions)
            if len(frame) > self.peer_max_frame:
                raise self._too_long(frame)
        except RpcError as error:
            error.executed = Executed.YES
            self.fail(id, error)
            return error.status
        self._answer(id, frame)
        return Status.OK

    def fail(self, id: int, error: RpcError) -> None:
        """Answers a request that failed. KeyError if no such request is in flight."""
        self._answer(id, encode_response(id, write_error(error), error.status))

    def cancelled(self, id: int) -> Status:
        """Answers a request whose handler ended because it was cancelled. Gives the status. C-16"""
        status = self._requests.cause(id) or Status.CANCELLED
        self.fail(id, RpcError(status, _CAUSES[status], executed=Executed.MAYBE))
        return status

    def start(self, id: int) -> bool:
        """Whether the request's handler is to start: not if it was cancelled before it could.

        Then it is answered. All input at hand is read before handlers start.
        """
        status = self._requests.cause(id)
        if status is None:
            return True
        self.fail(id, RpcError(status, _CAUSES[status], executed=Executed.NO))
        return False

    def cancel(self, id: int) -> None:
        """Gives a call up: its outcome is not reported any more."""
        if self._calls.end(id) is not calls.UNKNOWN:
            self._say(Frame(Kind.CANCEL, id, 0))
            self._settle()

    def cancel_all(self) -> None:
        """Cancels every call that is open; the outcome of each is still reported, by ``lost``."""
        for id in self._calls:
            self._say(Frame(Kind.CANCEL, id, 0))

    def ping(self) -> int:
        """The id that the pong will have."""
        self._check_open()
        self._check_answers()
        id = self._pings.next_id()
        self._say(Frame(Kind.PING, id, 0))
        return id

    def drain(self, text: str | None = None) -> None:
        """Ends calls in good order (section 7.5). Does nothing where the end has begun."""
        if self.state in (State.OPEN, State.LEAVING):
            goaway = Goaway(self._requests.last_id, Status.OK, text)
            self._move(Event.DRAIN)
            if self.may_frame:
                self._say(goaway.frame())
            elif not self._guarded:  # its first frame is on its way. G-3
                self._parting = goaway
                self._wait(self._limits.linger_seconds)
            self._settle()

    def output(self) -> bytes:
        """The bytes to write now."""
        data = b"".join(self._output)
        self._output.clear()
        self.pending = 0
        return data

    @property
    def calls_open(self) -> int:
        return len(self._calls)

    @property
    def requests_open(self) -> int:
        return len(self._requests)

    # What this side hears.

    def receive(self, data: bytes | memoryview) -> Events:
        """What the bytes mean that arrived, after what came before them."""
        events: Events = []
        if self.state is not OPEN and self.state not in READING:
            return events
        now = self._heard = self._clock()
        self._pings.awaited = None
        items = self._records.feed(data)
        began = now if self._record_began is None else self._record_began
        for item in items:
            if type(item) is Frame and not self._stranger:
                self._hear_frame(item, began, events)
            else:
                self._hear_other(item, began, events)
            began = now
            if self.state is not OPEN and self.state not in READING:
                return events
        self._record_began = None
        if self._records.eof() is not None:
            self._record_began = began
            self.wake = min(self.wake, began + self._limits.record_seconds)
        if self.state is not OPEN:
            self._settle()
        return events

    def end(self) -> Events:
        """The input ended. The other side may still read. C-19"""
        if self.state not in READING and self.state is not State.FAILED:
            return []
        if self.state in READING and self._records.eof() is not None:
            self.counts["invalid_records"] += 1  # S-3
        if self.goaway is None:
            self._note_choked()
        self._move(Event.END)
        said = self._farewell("the other side ended the connection")
        failed = self._calls.fail(said)
        self._settle()
        return list(failed)

    def lost(self, reason: str = "the connection was lost") -> Events:
        """The transport is gone. Handlers have nobody to answer and are cancelled.

        ``reason``: a sentence, for callers.
        """
        if self.state is State.CLOSED:
            return []
        if self.state is State.OPEN:
            self._note_choked()
        self._move(Event.LOST)
        failed = self._calls.fail(self._farewell(reason))
        return [*failed, *self._abandon()]

    def overflow(self) -> Events:
        """More waits to be written than is allowed. C-26"""
        events: Events = []
        if self.state in WRITING:
            self._fault(Status.RESOURCE_EXHAUSTED, "the write buffer is full", events)
        return events

    def expire(self) -> Events:
        """Does what the time asks for, and sets ``wake`` anew."""
        now = self._clock()
        events: Events = []
        for id in self._calls.expired(now):
            caller = self._calls.end(id)
            self._say(Frame(Kind.CANCEL, id, 0))
            said = "no response within the timeout"
            error = RpcError(Status.DEADLINE_EXCEEDED, said, executed=Executed.MAYBE)
            events.append(Failed(caller, error))
        for id in self._requests.expired(now):
            if self._requests.cancel(id, Status.DEADLINE_EXCEEDED):
                events.append(Cancelled(id, Status.DEADLINE_EXCEEDED))
        if now >= self._until and self.state is State.DRAINING:
            self._parting, self._until = None, inf  # there is nobody to say it to
        elif now >= self._until:
            self._move(Event.EXPIRE)
            said = self._farewell("the connection ended before an answer came")
            events += self._calls.fail(said)
        elif self.state in READING:
            self._watch_input(now, events)
        self._settle()
        self.wake = self._next_wake()
        return events

    # What these have in common.

    def _answer(self, id: int, frame: bytes) -> None:
        self._requests.end(id)
        if self.state is OPEN:
            self._write(frame)
        elif self.state in WRITING:
            self._write(frame)
            self._settle()

    def _greased(self, id: int, payload: bytes, extensions: Extensions | None) -> Extensions | None:
        """The extensions of a frame, one in so many with grease. ``id``: of a request."""
        grease = self._grease
        assert grease is not None
        grease.left -= 1
        return extensions if grease.left else grease.on(id, payload, extensions)

    def _check_open(self) -> None:
        if self.state is not State.OPEN:
            raise _refused(Status.UNAVAILABLE, "the connection is closing")  # C-18

    def _check_evidence(self) -> None:
        if not self.may_frame:  # G-3
            said = "the other side is not known to read frames: none came from it yet"
            raise _refused(Status.FAILED_PRECONDITION, said)

    def _check_answers(self) -> None:
        """What is answered needs a side whose answers are accepted."""
        if self._stranger:  # G-3, G-16
            said = "the other side is not known to answer in frames: it said no hello yet"
            raise _refused(Status.FAILED_PRECONDITION, said)

    def _check_extensions(self, extensions: Extensions) -> None:
        for key in extensions:
            if key == TIMEOUT and extensions[key] == 0:  # C-24
                raise _refused(Status.DEADLINE_EXCEEDED, "the deadline passed before the message")
            if type(key) is int and not key & 1:  # G-12
                self._check_even_key(key)

    def _check_even_key(self, key: int) -> None:
        if self.peer is None or key not in self.peer.even_keys:
            said = f"the other side does not understand extension key {key}"
            raise _refused(Status.FAILED_PRECONDITION, said)

    def _too_long(self, frame: bytes) -> RpcError:
        said = f"the frame has {len(frame)} bytes, the other side reads {self.peer_max_frame}"
        return _refused(Status.RESOURCE_EXHAUSTED, said)


_CAUSES: Final = {
    Status.CANCELLED: "the call was cancelled",
    Status.DEADLINE_EXCEEDED: "the deadline passed",
}


def _refused(status: Status, said: str) -> RpcError:
    """A call or a message that this side did not send."""
    return RpcError(status, said, executed=Executed.NO)
