"""One connection between two peers, without input or output (section 7 of the specification).

Bytes that arrived go in by ``receive``, and what they mean comes out as events. Calls, responses
and the rest go in as method calls, and ``output`` gives the bytes to write. Times are those of the
clock that is given; ``expire`` is to be called once ``wake`` is reached. Whoever owns the
connection looks at ``state`` after each of these: in LINGERING it shuts down writing, in CLOSED it
closes the transport, each after the output was written.

Not safe for threads. The caller that is given with a request comes back with its outcome, once.
"""

from collections import Counter
from collections.abc import Callable, Collection
from math import inf
from typing import Final

from tracewire.codec import (
    Frame,
    FrameError,
    Kind,
    Status,
    Trace,
    encode,
    encode_notification,
    encode_request,
    encode_response,
    is_frame,
    to_stream,
    wrap,
)
from tracewire.codec.constants import MAX_ID, STREAM_PREFIX, TIMEOUT
from tracewire.codec.writing import Extensions

from ..constants import INVALID_RECORDS, Executed, Mode
from ..errors import RpcError, not_executed, read_error, write_error
from ..limits import Limits
from ..wire import read_timeout, write_timeout
from .events import (
    CallAnswered,
    CallFailed,
    Event,
    GoawayReceived,
    HelloReceived,
    MessageReceived,
    NotificationReceived,
    PongReceived,
    RequestCancelled,
    RequestReceived,
    RequestRefused,
)
from .grease import Grease
from .handshake import Handshake
from .in_flight import UNKNOWN, ConcurrencyLimit, IncomingCalls, OutgoingCalls
from .keepalive import Keepalive
from .messages import Goaway, Hello, cancel_frame, read_goaway, read_hello
from .records import record_reader
from .shutdown import OPEN, READING, WRITING, Shutdown, State, Trigger

Events = list[Event]

#: A long record counts as one more for each 2^12 bytes: see ``pending``.
_LONG: Final = 12
_PING: Final = Kind.PING

DEFAULT_LIMITS: Final = Limits()


class Connection:
    """One side of a connection.

    Args:
        clock: seconds that only grow.
        connector: whether this side opened it.
        mode: what it reads: framed, both or bare (section 5.4).
        even_keys: the even keys that this side understands.
        server: the limit that it shares with the other connections of a server.
        counts: what was passed over in silence, by name; may be shared as well.
        grease: None for none.
    """

    __slots__ = (
        "_clock",
        "_grease",
        "_handshake",
        "_incoming",
        "_invalid",
        "_keepalive",
        "_limits",
        "_notices",
        "_outgoing",
        "_output",
        "_reader",
        "_shutdown",
        "counts",
        "pending",
        "wake",
    )

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        connector: bool,
        mode: Mode = "framed",
        limits: Limits = DEFAULT_LIMITS,
        agent: str | None = None,
        even_keys: Collection[int] = (),
        server: ConcurrencyLimit | None = None,
        counts: Counter[str] | None = None,
        grease: Grease | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._reader = record_reader(mode, limits.max_frame)
        self._handshake = Handshake(connector, mode, even_keys, limits.max_frame, agent)
        self._outgoing = OutgoingCalls()
        self._incoming = IncomingCalls(
            limits.in_flight, server or ConcurrencyLimit(limits.in_flight)
        )
        self._keepalive = Keepalive(clock(), limits.keepalive_seconds, limits.record_seconds)
        self._shutdown = Shutdown(clock, limits.linger_seconds, limits.discard_seconds)
        self._grease = grease
        self._invalid = 0
        self._notices = 0
        self._output: list[bytes] = []
        #: How many records ``output`` will give; a long one counts for each 4 KiB that it begins.
        self.pending = 0
        self.counts: Counter[str] = Counter() if counts is None else counts
        #: The earliest time at which ``expire`` may have something to do.
        self.wake = inf
        if self._handshake.may_frame:
            self._greet()

    @property
    def state(self) -> State:
        return self._shutdown.state

    @property
    def may_frame(self) -> bool:
        """Whether the other side is known to read frames. G-3"""
        return self._handshake.may_frame

    @property
    def peer(self) -> Hello | None:
        """The other side's hello, None while it was not read."""
        return self._handshake.peer

    @property
    def peer_max_frame(self) -> int:
        """Bytes of the longest frame that the other side reads."""
        return self._handshake.peer_max_frame

    @property
    def goaway(self) -> Goaway | None:
        """The other side's goaway, None while it was not read."""
        return self._shutdown.goaway

    @property
    def calls_open(self) -> int:
        return len(self._outgoing)

    @property
    def requests_open(self) -> int:
        return len(self._incoming)

    # What this side sends.

    def request(
        self,
        caller: object,
        method: str,
        payload: bytes = b"",
        trace: Trace = None,
        extensions: Extensions | None = None,
        expires: float | None = None,
    ) -> int:
        """Begins a call.

        Args:
            caller: comes back with the outcome.
            expires: the time at which the call fails; what is left until then is sent. C-71

        Returns:
            The id, for ``cancel``.

        Raises:
            RpcError: the call cannot begin; executed = no.
            FrameError: the arguments make no valid frame.
        """
        handshake = self._handshake
        if self._shutdown.state is not OPEN or handshake.stranger:
            self._check_open()
            handshake.check_answers_are_read()
        if extensions:
            self._check_extensions(extensions)
        if expires is not None:
            microseconds = write_timeout(expires - self._clock())
            if microseconds < 1:  # C-74
                raise not_executed(Status.DEADLINE_EXCEEDED, "the deadline passed before the call")
            extensions = {**(extensions or {}), TIMEOUT: microseconds}
        id = self._outgoing.next_id
        if self._grease is not None:
            extensions = self._grease.perhaps_on(id, payload, extensions)
        frame = encode_request(id, method, payload, trace, extensions)
        if len(frame) > handshake.peer_max_frame:
            raise handshake.too_long(frame)
        self._outgoing.begin(caller, expires)
        if expires is not None and expires < self.wake:
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
        """Sends what nobody answers. Raises as ``request`` does."""
        self._check_open()
        self._handshake.check_frames_are_read()
        self._check_extensions(extensions or {})
        if self._grease is not None:
            extensions = self._grease.perhaps_on(0, payload, extensions)
        self._write_checked(encode_notification(method, payload, trace, extensions))

    def forward(self, frame: bytes) -> None:
        """As notify, of a notification that is encoded already and has no even keys."""
        self._check_open()
        self._handshake.check_frames_are_read()
        self._write_checked(frame)

    def send(
        self, message: bytes, trace: Trace = None, extensions: Extensions | None = None
    ) -> None:
        """A message without a method: an envelope where frames are read, else bare. G-3, G-5

        ValueError for a bare message that begins like a frame. M-5
        """
        self._check_open()
        if not self._handshake.may_send_bare:
            self._handshake.check_frames_are_read()
        if self._handshake.may_frame:
            self._check_extensions(extensions or {})
            self._write_checked(wrap(message, trace, extensions))
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
            extensions = self._grease.perhaps_on(0, payload, extensions)
        frame = encode_response(id, payload, extensions=extensions)
        try:
            if extensions:
                self._check_extensions(extensions)
            if len(frame) > self._handshake.peer_max_frame:
                raise self._handshake.too_long(frame)
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
        """Answers a request whose handler ended because it was cancelled. Gives the status. C-42"""
        status = self._incoming.cause(id) or Status.CANCELLED
        self._answer(id, encode_response(id, _CANCELLED[status], status))
        return status

    def cause(self, id: int) -> Status | None:
        """The status that a request in flight was cancelled with, None if it was not."""
        return self._incoming.cause(id)

    def start(self, id: int) -> bool:
        """Whether the request's handler is to start: not if it was cancelled before it could.

        Then it is answered. All input at hand is read before handlers start.
        """
        status = self._incoming.cause(id)
        if status is None:
            return True
        self.fail(id, not_executed(status, _CAUSES[status]))
        return False

    def begin_notice(self) -> None:
        """A notification or message is handled now, and finished like a call. C-17"""
        self._notices += 1

    def end_notice(self) -> None:
        """The handler of one has ended."""
        self._notices -= 1
        self._settle()

    def cancel(self, id: int) -> None:
        """Gives a call up: its outcome is not reported any more."""
        if self._outgoing.end(id) is not UNKNOWN:
            self._send_cancel(id)
            self._settle()

    def cancel_all(self) -> None:
        """Cancels every call that is open; the outcome of each is still reported, by ``lost``."""
        for id in self._outgoing:
            self._send_cancel(id)

    def ping(self) -> int:
        """The id that the pong will have."""
        self._check_open()
        self._handshake.check_answers_are_read()
        id = self._keepalive.next_ping()
        self._send_control(Frame(Kind.PING, id, 0))
        return id

    def drain(self, text: str | None = None) -> None:
        """Ends calls in good order (section 7.5). Does nothing where the end has begun."""
        if self.state in (State.OPEN, State.LEAVING):
            goaway = Goaway(self._incoming.last_id, Status.OK, text)
            self._move(Trigger.DRAIN)
            if self._handshake.may_frame:
                self._send_control(goaway.frame())
            elif not self._handshake.may_send_bare:  # its first frame is on its way. C-54
                self._shutdown.part_later(goaway)
                self.wake = min(self.wake, self._shutdown.until)
            self._settle()

    def output(self) -> bytes:
        """The bytes to write now."""
        data = b"".join(self._output)
        self._output.clear()
        self.pending = 0
        return data

    # What this side receives.

    def receive(self, data: bytes | memoryview) -> Events:
        """What the bytes mean that arrived, after what came before them."""
        events: Events = []
        shutdown, keepalive = self._shutdown, self._keepalive
        if shutdown.state is not OPEN and shutdown.state not in READING:
            return events
        now = keepalive.last_input = self._clock()
        keepalive.awaited = None
        items = self._reader.feed(data)
        began = now if keepalive.record_began is None else keepalive.record_began
        stranger = self._handshake.stranger
        for item in items:
            if type(item) is Frame and not stranger:
                self._receive_frame(item, began, events)
            else:
                self._receive_other(item, began, events)
                stranger = self._handshake.stranger
            began = now
            if shutdown.state is not OPEN and shutdown.state not in READING:
                return events
        keepalive.record_began = None
        if self._reader.eof() is not None:
            keepalive.record_began = began
            self.wake = min(self.wake, keepalive.record_due)
        if shutdown.state is not OPEN:
            self._settle()
        return events

    def end(self) -> Events:
        """The input ended. The other side may still read. C-19"""
        if self.state not in READING and self.state is not State.FAILED:
            return []
        if self.state in READING and self._reader.eof() is not None:
            self.counts["invalid_records"] += 1  # S-3
        if self._shutdown.goaway is None:
            self._count_choked()
        self._move(Trigger.END)
        said = self._shutdown.farewell("the other side ended the connection")
        failed = self._outgoing.fail(said)
        self._settle()
        return list(failed)

    def lost(self, reason: str = "the connection was lost") -> Events:
        """The transport is gone. Handlers have nobody to answer and are cancelled.

        ``reason``: a sentence, for callers.
        """
        if self.state is State.CLOSED:
            return []
        if self.state is State.OPEN:
            self._count_choked()
        self._move(Trigger.LOST)
        failed = self._outgoing.fail(self._shutdown.farewell(reason))
        return [*failed, *self._abandon()]

    def overflow(self) -> Events:
        """More waits to be written than is allowed. C-87"""
        events: Events = []
        if self.state in WRITING:
            self._fault(Status.RESOURCE_EXHAUSTED, "the write buffer is full", events)
        return events

    def expire(self) -> Events:
        """Does what the time asks for, and sets ``wake`` anew."""
        now = self._clock()
        events: Events = []
        self.wake = self._next_wake()
        if self.wake > now:  # what it was for ended in time
            return events
        writes = self._handshake.may_frame and self.state in WRITING
        for id in self._outgoing.deadlines.due(now):
            caller = self._outgoing.end(id)
            if writes:
                self._write(cancel_frame(id))
            events.append(CallFailed(caller, RpcError(*_EXPIRED)))
        for id in self._incoming.deadlines.due(now):
            if self._incoming.cancel(id, Status.DEADLINE_EXCEEDED):
                events.append(RequestCancelled(id, Status.DEADLINE_EXCEEDED))
        if now >= self._shutdown.until and self.state is State.DRAINING:
            self._shutdown.give_up_parting()
        elif now >= self._shutdown.until:
            self._move(Trigger.EXPIRE)
            said = self._shutdown.farewell("the connection ended before an answer came")
            events += self._outgoing.fail(said)
        elif self.state in READING:
            self._watch_input(now, events)
        self._settle()
        self.wake = self._next_wake()
        return events

    # Records, one by one (sections 3.3, 6 and 7).

    def _receive_frame(self, frame: Frame, began: float, events: Events) -> None:
        kind = frame.kind
        if kind is not _PING:
            self._keepalive.strikes = 0  # C-41
        assert kind is not None  # not bare
        if kind < len(_RECEIVERS):
            _RECEIVERS[kind](self, frame, began, events)
        else:
            self.counts["unknown_kinds"] += 1  # G-13

    def _receive_other(
        self, item: Frame | FrameError | bytes, began: float, events: Events
    ) -> None:
        """What is no frame, or one of a side that is not known to send them."""
        if isinstance(item, Frame):
            if not self._handshake.stranger or self._admit(item):
                self._receive_frame(item, began, events)
        elif isinstance(item, FrameError):
            self._receive_invalid(item, events)
        elif self.state is not State.LINGERING:
            events.append(MessageReceived(item, None))

    def _admit(self, frame: Frame) -> bool:
        if not self._handshake.admits(frame):
            self.counts["frames_before_hello"] += 1  # G-16
            return False
        self._greet()  # C-9
        return True

    def _receive_invalid(self, error: FrameError, events: Events) -> None:
        self._invalid += 1
        self.counts["invalid_records"] += 1  # C-32
        if error.rule == "S-2":  # C-3
            self._fault(Status.RESOURCE_EXHAUSTED, self._over_long(error), events)
        elif error.kind == Kind.REQUEST and error.id and error.id in self._incoming:  # C-13
            self._fault(Status.INVALID_ARGUMENT, f"request {error.id} is in flight", events)
        elif self._invalid >= INVALID_RECORDS:  # C-4
            said = f"the {self._invalid}th invalid record: {error}"
            self._fault(Status.INVALID_ARGUMENT, said, events)
        elif not error.id or not self._handshake.answers_invalid:  # G-18
            pass
        elif error.kind == Kind.REQUEST:  # C-5
            self._incoming.arrive(error.id)
            self._refuse(error.id, None, Status.INVALID_ARGUMENT, str(error), events)
        elif error.kind == Kind.RESPONSE:  # C-6
            self._fail_call(error.id, Status.INTERNAL, f"the response is invalid: {error}", events)

    def _receive_request(self, frame: Frame, began: float, events: Events) -> None:
        id, incoming = frame.id, self._incoming
        if not incoming.arrive(id):  # C-13
            return self._fault(Status.INVALID_ARGUMENT, f"request {id} is in flight", events)
        expires = None
        if self._shutdown.state is not OPEN:  # C-47; from here on in the order of section 7.12
            said = "the connection is closing"
            return self._refuse(id, frame, Status.UNAVAILABLE, said, events)
        if extensions := frame.extensions:
            if even := self._handshake.not_understood(extensions):  # G-8
                said = f"extension keys that are not understood: {', '.join(map(str, even))}"
                return self._refuse(id, frame, Status.UNIMPLEMENTED, said, events, even)
            if (timeout := read_timeout(extensions)) is not None:
                expires = began + timeout
                if not timeout or expires <= self._keepalive.last_input:  # C-75
                    said = "the deadline passed before the call began"
                    return self._refuse(id, frame, Status.DEADLINE_EXCEEDED, said, events)
        if incoming.full:  # C-25
            said = "too many calls in flight"
            return self._refuse(id, frame, Status.RESOURCE_EXHAUSTED, said, events)
        incoming.accept(id, expires)
        if expires is not None and expires < self.wake:
            self.wake = expires
        events.append(RequestReceived(id, frame, expires))
        return None

    def _receive_response(self, frame: Frame, began: float, events: Events) -> None:
        extensions = frame.extensions
        if extensions and (even := self._handshake.not_understood(extensions)):  # G-10
            said = f"the response has extension keys that are not understood: {even}"
            return self._fail_call(frame.id, Status.UNIMPLEMENTED, said, events)
        grease = self._grease
        if (
            grease is not None
            and grease.waiting
            and grease.is_choked_by(frame.id, int(frame.target))
        ):
            self.counts["grease_choked"] += 1
        caller = self._outgoing.end(frame.id)
        if caller is UNKNOWN:
            self.counts["unknown_responses"] += 1  # C-14
        elif frame.target:
            status = frame.status
            assert status is not None
            events.append(CallFailed(caller, read_error(status, frame.payload)))
        else:
            events.append(CallAnswered(caller, frame))
        return None

    def _receive_notification(self, frame: Frame, began: float, events: Events) -> None:
        extensions = frame.extensions
        timeout = read_timeout(extensions)
        if self.state is State.LINGERING:
            return
        expires = None if timeout is None else began + timeout
        if self._handshake.not_understood(extensions):
            self.counts["notifications_not_understood"] += 1  # G-9
        elif expires is not None and (not timeout or expires <= self._keepalive.last_input):
            self.counts["notifications_expired"] += 1  # C-76
        elif not frame.target:
            events.append(MessageReceived(frame.payload, frame))
        else:
            events.append(NotificationReceived(frame, expires))

    def _receive_hello(self, frame: Frame, began: float, events: Events) -> None:
        hello = read_hello(frame.payload) if self._handshake.peer is None else None
        if hello is None:
            self.counts["hellos_ignored"] += 1  # C-10
        elif self._understands(frame):
            self._handshake.accept(hello)
            self.wake = min(self.wake, self._keepalive.ping_due)
            events.append(HelloReceived(hello))

    def _receive_goaway(self, frame: Frame, began: float, events: Events) -> None:
        if self._understands(frame) and self._shutdown.goaway is None:
            goaway = self._shutdown.goaway = read_goaway(frame.payload)
            if goaway.status == Status.INVALID_ARGUMENT:
                self._count_choked()
            self._move(Trigger.GOAWAY)
            events.append(GoawayReceived(goaway))
            said = self._shutdown.farewell("the other side accepts no more calls")
            events += self._outgoing.refuse(goaway.last_id, said)

    def _receive_cancel(self, frame: Frame, began: float, events: Events) -> None:
        if frame.extensions and not self._understands(frame):
            return
        if self._incoming.count_cancel():  # C-44
            self._fault(Status.RESOURCE_EXHAUSTED, "more cancels than requests", events)
        elif frame.id not in self._incoming:
            self.counts["unknown_cancels"] += 1  # C-14
        elif self._incoming.cancel(frame.id, Status.CANCELLED):
            events.append(RequestCancelled(frame.id, Status.CANCELLED))

    def _receive_ping(self, frame: Frame, began: float, events: Events) -> None:
        if not self._understands(frame):
            return
        if self._keepalive.strike():  # C-15
            self._fault(Status.RESOURCE_EXHAUSTED, "too many pings", events)
        else:
            self._send_control(Frame(Kind.PONG, frame.id, 0))  # C-30

    def _receive_pong(self, frame: Frame, began: float, events: Events) -> None:
        if self._understands(frame):
            events.append(PongReceived(frame.id))

    # What these have in common.

    def _understands(self, frame: Frame) -> bool:
        if not self._handshake.not_understood(frame.extensions):
            return True
        self.counts["frames_not_understood"] += 1  # G-11
        return False

    def _fail_call(self, id: int, status: Status, said: str, events: Events) -> None:
        caller = self._outgoing.end(id)
        if caller is UNKNOWN:
            self.counts["unknown_responses"] += 1  # C-14
        else:
            events.append(CallFailed(caller, RpcError(status, said, executed=Executed.MAYBE)))

    def _refuse(
        self,
        id: int,
        frame: Frame | None,
        status: Status,
        said: str,
        events: Events,
        details: object = None,
    ) -> None:
        """Answers a request that was not accepted."""
        if self.state in WRITING:
            error = RpcError(status, said, details, Executed.NO)
            self._write(encode_response(id, write_error(error), status))
            events.append(RequestRefused(frame, status, said))

    def _answer(self, id: int, frame: bytes) -> None:
        self._incoming.end(id)
        state = self._shutdown.state
        if state is OPEN:
            self._write(frame)
        elif state in WRITING:
            self._write(frame)
            self._settle()

    def _check_open(self) -> None:
        if self._shutdown.state is not OPEN:
            raise not_executed(Status.UNAVAILABLE, "the connection is closing")  # C-18

    def _check_extensions(self, extensions: Extensions) -> None:
        for key in extensions:
            if key == TIMEOUT and extensions[key] == 0:  # C-74
                said = "the deadline passed before the message"
                raise not_executed(Status.DEADLINE_EXCEEDED, said)
            if type(key) is int and not key & 1:
                self._handshake.check_even_key(key)

    def _write(self, frame: bytes) -> None:
        record = to_stream(frame)
        self._output.append(record)
        self.pending += 1 + (len(record) >> _LONG)

    def _write_checked(self, frame: bytes) -> None:
        if len(frame) > self._handshake.peer_max_frame:
            raise self._handshake.too_long(frame)
        self._write(frame)

    def _send_control(self, frame: Frame) -> None:
        if self._handshake.may_frame and self.state in WRITING:
            self._write(encode(frame))

    def _send_cancel(self, id: int) -> None:
        if self._handshake.may_frame and self.state in WRITING:
            self._write(cancel_frame(id))

    def _greet(self) -> None:
        """Says hello, as early as it may be said, and goodbye if it is late for that. C-35, C-54"""
        if self.state in WRITING and (hello := self._handshake.take_hello()) is not None:
            self._write(encode(hello.frame()))
        if (goaway := self._shutdown.take_parting()) is not None:
            self._send_control(goaway.frame())

    def _move(self, trigger: Trigger) -> None:
        self._shutdown.move(trigger)
        self.wake = min(self.wake, self._shutdown.until)

    def _settle(self) -> None:
        """Moves on where nothing is left to wait for."""
        if self._shutdown.is_idle(len(self._outgoing), len(self._incoming) + self._notices):
            self._move(Trigger.IDLE)

    def _fault(self, status: Status, text: str, events: Events) -> None:
        """A connection error: goaway with its status, calls of ours fail. C-20, C-57, C-60"""
        self.counts["connection_errors"] += 1
        self._send_control(Goaway(self._incoming.last_id, status, text).frame())
        self._move(Trigger.FAULT)
        events += self._outgoing.fail(f"the connection failed: {text}")
        events += self._abandon()

    def _abandon(self) -> list[RequestCancelled]:
        """Handlers whose response nobody will read. C-58"""
        open_ids = [id for id in self._incoming if self._incoming.cancel(id, Status.CANCELLED)]
        return [RequestCancelled(id, Status.CANCELLED) for id in open_ids]

    def _count_choked(self) -> None:
        """The connection ends in bad order: if a frame with grease is unanswered, it may be why."""
        if self._grease is not None and self._grease.give_up():
            self.counts["grease_choked"] += 1

    def _over_long(self, error: FrameError) -> str:
        """S-2, with what came where the other side may be no peer at all: its first bytes."""
        if self.peer is not None or error.detail is None:
            return str(error)
        length = int(error.detail.partition(" ")[0])
        began = length.to_bytes(STREAM_PREFIX, "big")
        tls = ", an alert of TLS: write tls:// to connect" if began[:2] == b"\x15\x03" else ""
        return f"this is no peer's record, it began with {began!r}{tls} ({error})"

    def _watch_input(self, now: float, events: Events) -> None:
        keepalive = self._keepalive
        if now >= keepalive.record_due:  # C-26
            self._fault(Status.RESOURCE_EXHAUSTED, "a record took too long", events)
        elif not self._keeps_alive or now < keepalive.ping_due:
            pass
        elif keepalive.awaited is None:
            keepalive.awaited = now
            self._send_control(Frame(Kind.PING, keepalive.next_ping(), 0))
        else:
            self._fault(Status.RESOURCE_EXHAUSTED, "no pong", events)

    @property
    def _keeps_alive(self) -> bool:
        """Whether silence can be asked about: where a call is open, or pings are read for sure."""
        state = self.state
        if state not in WRITING or state not in READING or not self._handshake.may_frame:
            return False
        return bool(self._outgoing) or (self.peer is not None and _PING in self.peer.kinds)

    def _next_wake(self) -> float:
        times = [
            self._outgoing.deadlines.next,
            self._incoming.deadlines.next,
            self._shutdown.until,
        ]
        state = self._shutdown.state
        if state is OPEN or state in READING:
            times.append(self._keepalive.record_due)
        if self._limits.keepalive_seconds is not None and self._keeps_alive:
            times.append(self._keepalive.ping_due)
        return min(times)


_CAUSES: Final = {
    Status.CANCELLED: "the call was cancelled",
    Status.DEADLINE_EXCEEDED: "the deadline passed",
}
_EXPIRED: Final = (
    Status.DEADLINE_EXCEEDED,
    "no response within the timeout",
    None,
    Executed.MAYBE,
)
#: What a handler that had started and was cancelled is answered with: often, and all at once.
#: By position, as below.
_CANCELLED: Final = tuple(
    write_error(RpcError(status, _CAUSES[status], executed=Executed.MAYBE))
    if status in _CAUSES
    else b""
    for status in Status
)

_BY_KIND: Final[dict[int, Callable[[Connection, Frame, float, Events], None]]] = {
    Kind.REQUEST: Connection._receive_request,
    Kind.RESPONSE: Connection._receive_response,
    Kind.NOTIFICATION: Connection._receive_notification,
    Kind.HELLO: Connection._receive_hello,
    Kind.GOAWAY: Connection._receive_goaway,
    Kind.CANCEL: Connection._receive_cancel,
    Kind.PING: Connection._receive_ping,
    Kind.PONG: Connection._receive_pong,
}
#: By position, since an Enum is hashed in Python; KeyError here where a kind has no method.
_RECEIVERS: Final = tuple(_BY_KIND[kind] for kind in range(len(Kind)))
