"""One connection between two peers, without input or output (section 7 of the specification).

Bytes that arrived go in by ``receive``, and what they mean comes out as events. Calls, responses
and the rest go in as method calls, and ``outbox`` gives the bytes to write. Times are those of the
clock that is given; ``expire`` is to be called once ``wake`` is reached. Whoever owns the
connection looks at ``state`` after each of these: in LINGERING it shuts down writing, in CLOSED it
closes the transport, each after the output was written.

Where ``outbox.congested``, calls, notifications and results wait in it, and the owner gives what
is to start to ``hold`` where ``may_start`` is False. It tells ``written`` how far its transport
came, which admits those that wait, and takes ``next_to_start`` until there is none.

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
    MessageSent,
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
from .outbox import Outbox
from .records import record_reader
from .shutdown import OPEN, READING, WRITING, Shutdown, State, Trigger
from .start_queue import Startable, StartQueue
from .waiting import NEVER_SENT, Waiter, WaitingCall, WaitingMessage, WaitingResult

Events = list[Event]

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
        "_held",
        "_incoming",
        "_invalid",
        "_keepalive",
        "_limits",
        "_notices",
        "_outgoing",
        "_reader",
        "_shutdown",
        "counts",
        "outbox",
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
        self.outbox = Outbox(limits.write_buffer)
        self._held = StartQueue(limits.write_buffer)
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
            The id, for ``cancel``. Where the outbox is congested it is sent once there is room.

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
        id, outbox = self._outgoing.next_id, self.outbox
        if id > MAX_ID:  # whose last call still waits
            raise not_executed(Status.UNAVAILABLE, "out of ids")
        if self._grease is not None:
            extensions = self._grease.perhaps_on(id, payload, extensions)
        waits = None
        if outbox.congested:
            waits = WaitingCall(id, method, payload, trace, extensions, expires)
            length = waits.size - STREAM_PREFIX
        else:
            frame = encode_request(id, method, payload, trace, extensions)
            length = len(frame)
        if length > handshake.peer_max_frame:
            raise handshake.too_long(length)
        self._outgoing.begin(caller, expires)
        if expires is not None and expires < self.wake:
            self.wake = expires
        if waits is not None:
            outbox.waiting.push(waits)
            return id
        outbox.write(frame)
        if self._limits.keepalive_seconds is not None:
            self.wake = min(self.wake, self._clock() + self._limits.keepalive_seconds)
        if id == MAX_ID:
            self.drain("out of ids")  # C-12; nobody waits
        return id

    def notify(
        self,
        method: str,
        payload: bytes = b"",
        trace: Trace = None,
        extensions: Extensions | None = None,
        sender: object = None,
    ) -> None:
        """Sends what nobody answers. Raises as ``request`` does.

        ``sender``: comes back once it is sent, or cannot be, where the outbox was congested.
        """
        self._check_open()
        self._handshake.check_frames_are_read()
        self._check_extensions(extensions or {})
        if self._grease is not None:
            extensions = self._grease.perhaps_on(0, payload, extensions)
        self._write_checked(encode_notification(method, payload, trace, extensions), sender)

    def forward(self, frame: bytes, sender: object = None) -> None:
        """As notify, of a notification that is encoded already and has no even keys."""
        self._check_open()
        self._handshake.check_frames_are_read()
        self._write_checked(frame, sender)

    def send(
        self,
        message: bytes,
        trace: Trace = None,
        extensions: Extensions | None = None,
        sender: object = None,
    ) -> None:
        """A message without a method: an envelope where frames are read, else bare. G-3, G-5

        ValueError for a bare message that begins like a frame. M-5
        """
        self._check_open()
        if not self._handshake.may_send_bare:
            self._handshake.check_frames_are_read()
        if self._handshake.may_frame:
            self._check_extensions(extensions or {})
            self._write_checked(wrap(message, trace, extensions), sender)
        elif is_frame(message):  # M-5
            raise ValueError("a bare message must not begin like a frame")
        else:
            self._write(bytes(message), sender)

    def withdraw(self, sender: object) -> None:
        """What was to be sent is not, unless it was already."""
        self.outbox.waiting.remove_message(sender)

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
                raise self._handshake.too_long(len(frame))
        except RpcError as error:
            error.executed = Executed.YES
            self.fail(id, error)
            return error.status
        self._answer(id, frame)
        return Status.OK

    def fail(self, id: int, error: RpcError) -> None:
        """Answers a request that failed. KeyError if no such request is in flight."""
        self._answer(id, encode_response(id, write_error(error), error.status))

    def refuse(self, id: int, error: RpcError) -> None:
        """Answers a request whose handler did not run, without waiting for room. C-83

        KeyError if no such request is in flight.
        """
        self._incoming.end(id)
        self._answer_unqueued(encode_response(id, write_error(error), error.status))

    def cancelled(self, id: int) -> Status:
        """Answers a request whose handler ended because it was cancelled. Gives the status. C-42"""
        status = self._incoming.cause(id) or Status.CANCELLED
        self._incoming.end(id)
        self._answer_unqueued(encode_response(id, _CANCELLED[status], status))
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
        self.refuse(id, not_executed(status, _CAUSES[status]))
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
            if not self.outbox.waiting.remove_call(id):
                self._send_cancel(id)
            self._settle()

    def cancel_all(self) -> None:
        """Cancels every call that is open; the outcome of each is still reported, by ``lost``."""
        for id in self._outgoing:
            if not self.outbox.waiting.has_call(id):
                self._send_cancel(id)

    def ping(self) -> int:
        """The id that the pong will have."""
        self._check_open()
        self._handshake.check_answers_are_read()
        id = self._keepalive.next_ping()
        self._send_control(Frame(Kind.PING, id, 0))
        return id

    def drain(self, text: str | None = None) -> Events:
        """Ends calls in good order (section 7.5). Does nothing where the end has begun."""
        events: Events = []
        if self.state in (State.OPEN, State.LEAVING):
            events += self._fail_waiting("the connection is closing")
            goaway = Goaway(self._incoming.last_id, Status.OK, text)
            self._move(Trigger.DRAIN)
            if self._handshake.may_frame:
                self._send_control(goaway.frame())
            elif not self._handshake.may_send_bare:  # its first frame is on its way. C-54
                self._shutdown.part_later(goaway)
                self.wake = min(self.wake, self._shutdown.until)
            self._settle()
        return events

    # What waits for the other side to read.

    def written(self, left: int) -> Events:
        """The owner's transport took all that ``outbox`` gave but so many bytes.

        Those that wait for room are admitted as far as there is some. C-82
        """
        events: Events = []
        outbox, waiting = self.outbox, self.outbox.waiting
        outbox.left(left, bool(self._held))
        if waiting and outbox.has_room:
            while waiting and outbox.has_room:
                self._admit_waiter(waiting.pop(), events)
            outbox.left(left, bool(self._held))
            self._settle()
        return events

    @property
    def may_start(self) -> bool:
        """Whether a handler may start: not behind others, nor while too much waits. C-87, C-88"""
        return not self._held and self.outbox.size <= self.outbox.limit

    def hold(self, event: Startable) -> Events:
        """What was received and may not start yet stands in a queue, as far as that holds it."""
        events: Events = []
        request = event if isinstance(event, RequestReceived) else None
        cause = None if request is None else self._incoming.cause(request.id)
        if request is not None and cause is not None:
            self.start(request.id)  # answers that it is not
            events.append(RequestRefused(request.frame, cause, _CAUSES[cause]))
        elif self.state in WRITING and self._held.push(event):
            self.outbox.congested = True
        elif request is not None:  # C-89
            self._incoming.end(request.id)
            said = "too much waits to start"
            self._refuse(request.id, request.frame, Status.RESOURCE_EXHAUSTED, said, events)
        else:
            self.counts["notifications_refused"] += 1  # C-90
        return events

    def next_to_start(self) -> Startable | None:
        """The next of those that were held, once it may start."""
        if not self._held or self.outbox.size > self.outbox.limit:
            return None
        return self._held.pop()

    @property
    def size(self) -> int:
        """Bytes that wait, to be written or to start. C-94"""
        return self.outbox.size + self._held.size

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
        failed = self._fail_calls(self._shutdown.farewell("the other side ended the connection"))
        self._settle()
        return failed

    def lost(self, reason: str = "the connection was lost") -> Events:
        """The transport is gone. Handlers have nobody to answer and are cancelled.

        ``reason``: a sentence, for callers.
        """
        if self.state is State.CLOSED:
            return []
        if self.state is State.OPEN:
            self._count_choked()
        self._move(Trigger.LOST)
        failed = self._fail_calls(self._shutdown.farewell(reason))
        return [*failed, *self._abandon()]

    def overflow(self) -> Events:
        """More waits to be written than is allowed. C-84, C-94"""
        events: Events = []
        if self.state in WRITING:
            self._fault(Status.RESOURCE_EXHAUSTED, "too much waits to be written", events)
        return events

    def stalled(self) -> Events:
        """The other side takes too little. C-95, C-96"""
        if self.state is not State.CLOSED:
            self.counts["connection_errors"] += 1
        return self.lost("was cut: too little was taken of what was sent")

    def expire(self) -> Events:
        """Does what the time asks for, and sets ``wake`` anew."""
        now = self._clock()
        events: Events = []
        self.wake = self._next_wake()
        if self.wake > now:  # what it was for ended in time
            return events
        writes = self._handshake.may_frame and self.state in WRITING
        for id in self._outgoing.deadlines.due(now):
            if self.outbox.waiting.remove_call(id):
                error = not_executed(Status.DEADLINE_EXCEEDED, NEVER_SENT)
            else:
                said = "no response within the timeout"
                error = RpcError(Status.DEADLINE_EXCEEDED, said, None, Executed.MAYBE)
                if writes:
                    self.outbox.write_unqueued(cancel_frame(id))
            events.append(CallFailed(self._outgoing.end(id), error))
        for id in self._incoming.deadlines.due(now):
            self._end_early(id, Status.DEADLINE_EXCEEDED, events)
        if now >= self._shutdown.until and self.state is State.DRAINING:
            self._shutdown.give_up_parting()
        elif now >= self._shutdown.until:
            self._move(Trigger.EXPIRE)
            said = self._shutdown.farewell("the connection ended before an answer came")
            events += self._fail_calls(said)
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
        if incoming.is_full(self._keepalive.last_input):  # C-25
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
            events += self._fail_waiting(said)
            events += self._outgoing.refuse(goaway.last_id, said)

    def _receive_cancel(self, frame: Frame, began: float, events: Events) -> None:
        if frame.extensions and not self._understands(frame):
            return
        if self._incoming.count_cancel():  # C-44
            self._fault(Status.RESOURCE_EXHAUSTED, "more cancels than requests", events)
        elif frame.id not in self._incoming:
            self.counts["unknown_cancels"] += 1  # C-14
        else:
            self._end_early(frame.id, Status.CANCELLED, events)

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
            self.outbox.write_unqueued(encode_response(id, write_error(error), status))
            events.append(RequestRefused(frame, status, said))

    def _answer(self, id: int, frame: bytes) -> None:
        state, outbox = self._shutdown.state, self.outbox
        if outbox.congested and state in WRITING:
            self._incoming.give_back(id)  # C-93
            outbox.waiting.push(WaitingResult(id, frame))
            return
        self._incoming.end(id)
        if state is OPEN:
            outbox.write(frame)
        elif state in WRITING:
            outbox.write(frame)
            self._settle()

    def _answer_unqueued(self, frame: bytes) -> None:
        if self.state in WRITING:
            self.outbox.write_unqueued(frame)
            self._settle()

    def _end_early(self, id: int, status: Status, events: Events) -> None:
        """A request is cancelled or has expired: its handler, or else its wait, ends."""
        incoming = self._incoming
        if not incoming.cancel(id, status):
            return
        if self.outbox.waiting.remove_result(id):  # C-92
            incoming.end_given_back(id)
            error = RpcError(status, _CAUSES[status], executed=Executed.YES)
            self._answer_unqueued(encode_response(id, write_error(error), status))
        elif (event := self._held.remove(id)) is not None:  # C-91
            incoming.end(id)
            self._refuse(id, event.frame, status, _CAUSES[status], events)
        else:
            events.append(RequestCancelled(id, status))

    def _admit_waiter(self, waiter: Waiter, events: Events) -> None:
        """There is room for it: it is written."""
        outbox = self.outbox
        if isinstance(waiter, WaitingResult):
            self._incoming.end_given_back(waiter.id)
            outbox.write(waiter.frame)
        elif isinstance(waiter, WaitingMessage):
            outbox.write(waiter.frame)
            events.append(MessageSent(waiter.sender))
        else:
            try:
                outbox.write(waiter.encode(self._clock))
            except RpcError as error:
                events.append(CallFailed(self._outgoing.end(waiter.id), error))
            if waiter.id == MAX_ID:
                events += self.drain("out of ids")  # C-12

    def _fail_waiting(self, said: str) -> Events:
        """Calls and messages that wait for room cannot be sent any more. C-86"""
        events: Events = []
        waiting = self.outbox.waiting
        for waiter in [*waiting]:
            if isinstance(waiter, WaitingResult):
                continue
            waiting.remove(waiter)
            if isinstance(waiter, WaitingCall):
                caller = self._outgoing.end(waiter.id)
            else:
                caller = waiter.sender
            events.append(CallFailed(caller, not_executed(Status.UNAVAILABLE, said)))
        return events

    def _fail_calls(self, said: str) -> Events:
        """No call of this side can be answered any more. C-19"""
        return [*self._fail_waiting(said), *self._outgoing.fail(said)]

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

    def _write(self, frame: bytes, sender: object) -> None:
        """Writes a notification or a message, in its turn."""
        if self.outbox.congested:
            self.outbox.waiting.push(WaitingMessage(sender, frame))
        else:
            self.outbox.write(frame)

    def _write_checked(self, frame: bytes, sender: object) -> None:
        if len(frame) > self._handshake.peer_max_frame:
            raise self._handshake.too_long(len(frame))
        self._write(frame, sender)

    def _send_control(self, frame: Frame) -> None:
        if self._handshake.may_frame and self.state in WRITING:
            self.outbox.write_unqueued(encode(frame))

    def _send_cancel(self, id: int) -> None:
        if self._handshake.may_frame and self.state in WRITING:
            self.outbox.write_unqueued(cancel_frame(id))

    def _greet(self) -> None:
        """Says hello, as early as it may be said, and goodbye if it is late for that. C-35, C-54"""
        if self.state in WRITING and (hello := self._handshake.take_hello()) is not None:
            self.outbox.write(encode(hello.frame()))  # one, and small
        if (goaway := self._shutdown.take_parting()) is not None:
            self._send_control(goaway.frame())

    def _move(self, trigger: Trigger) -> None:
        self._shutdown.move(trigger)
        self.wake = min(self.wake, self._shutdown.until)

    def _settle(self) -> None:
        """Moves on where nothing is left to wait for."""
        accepted = len(self._incoming) + self._notices + len(self._held)
        if self._shutdown.is_idle(len(self._outgoing), accepted):
            self._move(Trigger.IDLE)

    def _fault(self, status: Status, text: str, events: Events) -> None:
        """A connection error: goaway with its status, calls of ours fail. C-20, C-57, C-60"""
        self.counts["connection_errors"] += 1
        self._send_control(Goaway(self._incoming.last_id, status, text).frame())
        self._move(Trigger.FAULT)
        events += self._fail_calls(f"the connection failed: {text}")
        events += self._abandon()

    def _abandon(self) -> list[RequestCancelled]:
        """Handlers whose response nobody will read are cancelled, and nothing waits. C-58"""
        for waiter in self.outbox.waiting:  # of which the others have failed
            if isinstance(waiter, WaitingResult):
                self._incoming.end_given_back(waiter.id)
        self.outbox.waiting.clear()
        for id in self._held.clear():
            self._incoming.end(id)
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
