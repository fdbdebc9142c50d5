"""Everything that can be asked of a connection, and the events of its life that may come of it."""

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.unit.checks import frame_bytes
from tests.unit.talk import (
    Clock,
    cancel,
    goaway,
    hello,
    notification,
    ping,
    pong,
    record,
    request,
    response,
)
from tracewire.codec import Frame, FrameError, Kind, Status
from tracewire.protocol.connection import events as e
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.shutdown import Trigger
from tracewire.protocol.constants import Mode
from tracewire.protocol.errors import RpcError
from tracewire.protocol.limits import Limits

#: An id that no call and no request has.
UNKNOWN: Final = 4_294_967_295
_LONG: Final = b"\0" * 70_000  # over the max frame that the other side's hello says


class Owner:
    """Owns a connection. ``mode``, ``connector``: of Connection; ``keepalive``: of its Limits."""

    def __init__(self, mode: Mode, connector: bool, keepalive: float | None = None) -> None:
        self.clock = Clock()
        limits = Limits(in_flight=3, keepalive_seconds=keepalive)
        self.connection = Connection(self.clock, connector=connector, mode=mode, limits=limits)
        #: Ids of calls and of requests that are open, the oldest first.
        self.calls: dict[str, int] = {}
        self.requests: list[int] = []
        self.cancelled: set[int] = set()
        self.outcomes: Counter[str] = Counter()
        self._numbers = 0
        self._rest = b""

    def call(self, method: str = "m", payload: bytes = b"", timeout: float | None = None) -> None:
        caller = f"caller {self._number()}"
        expires = None if timeout is None else self.clock.now + timeout
        id = self.connection.request(caller, method, payload, expires=expires)
        self.calls[caller] = id

    def give_up(self) -> None:
        caller = next(iter(self.calls), None)
        self.connection.cancel(UNKNOWN if caller is None else self.calls.pop(caller))

    def answer(self, how: Callable[[int], object]) -> None:
        """The oldest request; KeyError where there is none."""
        how(self.requests[0] if self.requests else UNKNOWN)
        del self.requests[0]

    def start(self) -> None:
        if self.requests and not self.connection.start(self.requests[0]):
            del self.requests[0]

    def finish(self) -> None:
        """Every call ends, in both directions."""
        while self.requests:
            self.answer(self.connection.respond)
        self.hear(*(response(id) for id in self.calls.values()))

    def hear(self, *records: Frame | bytes) -> None:
        """Records, after the rest of one that is under way."""
        data, self._rest = self._rest + b"".join(map(record, records)), b""
        self.apply(self.connection.receive(data))

    def hear_part(self) -> None:
        data = self._rest + record(pong())
        self.apply(self.connection.receive(data[:-3]))
        self._rest = data[-3:]

    def hear_too_much(self) -> None:
        data, self._rest = self._rest + b"\xff\xff\xff\xff", b""
        self.apply(self.connection.receive(data))

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.apply(self.connection.expire())

    def next_id(self) -> int:
        return self._number()

    def open_request(self) -> int:
        return self.requests[0] if self.requests else self._number()

    def open_call(self) -> int:
        return next(iter(self.calls.values()), UNKNOWN)

    def apply(self, events: list[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.RequestReceived):
                self.requests.append(event.id)
            elif isinstance(event, e.CallAnswered | e.CallFailed):
                self.outcomes[str(event.caller)] += 1
                self.calls.pop(str(event.caller))
            elif isinstance(event, e.RequestCancelled):
                self.cancelled.add(event.id)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


class Input(NamedTuple):
    """``events``: what may come of it, one after the other. ``errors``: what it may raise."""

    give: Callable[[Owner], object]
    events: frozenset[Trigger] = frozenset()
    errors: tuple[type[Exception], ...] = ()


def _heard(frame: Callable[[Owner], Frame | bytes], *events: Trigger) -> Input:
    return Input(lambda owner: owner.hear(frame(owner)), frozenset(events))


def _said(say: Callable[[Owner], object], *errors: type[Exception]) -> Input:
    return Input(say, frozenset(), (RpcError, *errors))


def _answered(how: Callable[[Connection], Callable[[int], object]]) -> Input:
    return Input(lambda o: o.answer(how(o.connection)), frozenset({Trigger.IDLE}), (KeyError,))


def _waited(seconds: float) -> Input:
    events = frozenset({Trigger.EXPIRE, Trigger.FAULT, Trigger.IDLE})
    return Input(lambda o: o.wait(seconds), events)


_ERROR = RpcError(Status.ABORTED, "failed")

INPUTS: Final = {
    "call": _said(lambda o: o.call()),
    "call with a timeout": _said(lambda o: o.call(timeout=3.0)),
    "call whose time is over": _said(lambda o: o.call(timeout=0.0)),
    "call that is too long": _said(lambda o: o.call(payload=_LONG)),
    "call without a method": _said(lambda o: o.call(method=""), FrameError),
    "notify": _said(lambda o: o.connection.notify("m")),
    "send": _said(lambda o: o.connection.send(b"message")),
    "send a frame": _said(lambda o: o.connection.send(frame_bytes()), ValueError),
    "ping": _said(lambda o: o.connection.ping()),
    "give up": Input(lambda o: o.give_up(), frozenset({Trigger.IDLE})),
    "start": Input(lambda o: o.start(), frozenset({Trigger.IDLE})),
    "respond": _answered(lambda connection: connection.respond),
    "respond too much": _answered(lambda connection: lambda id: connection.respond(id, _LONG)),
    "fail": _answered(lambda connection: lambda id: connection.fail(id, _ERROR)),
    "cancelled": _answered(lambda connection: connection.cancelled),
    "finish": Input(lambda o: o.finish(), frozenset({Trigger.IDLE})),
    "drain": Input(lambda o: o.connection.drain("text"), frozenset({Trigger.DRAIN, Trigger.IDLE})),
    "output": Input(lambda o: o.connection.outbox.take()),
    "overflow": Input(lambda o: o.apply(o.connection.overflow()), frozenset({Trigger.FAULT})),
    "end": Input(lambda o: o.apply(o.connection.end()), frozenset({Trigger.END, Trigger.IDLE})),
    "lost": Input(lambda o: o.apply(o.connection.lost()), frozenset({Trigger.LOST})),
    "expire": _waited(0.0),
    "wait 1 s": _waited(1.0),
    "wait 5 s": _waited(5.0),
    "wait 30 s": _waited(30.0),
    "hear nothing": Input(lambda o: o.hear()),
    "hear a part": Input(lambda o: o.hear_part()),
    "hear too much": Input(lambda o: o.hear_too_much(), frozenset({Trigger.FAULT})),
    "hear junk": _heard(lambda o: b"junk", Trigger.FAULT),
    "hear a request": _heard(lambda o: request(o.next_id())),
    "hear a request again": _heard(lambda o: request(o.open_request()), Trigger.FAULT),
    "hear a request with a timeout": _heard(lambda o: request(o.next_id(), extensions={7: 3_000})),
    "hear a request too late": _heard(lambda o: request(o.next_id(), extensions={7: 0})),
    "hear a demanding request": _heard(lambda o: request(o.next_id(), extensions={65_538: 0})),
    "hear an invalid request": _heard(lambda o: frame_bytes(0, o.next_id(), ""), Trigger.FAULT),
    "hear a response": _heard(lambda o: response(o.open_call()), Trigger.IDLE),
    "hear an error": _heard(lambda o: response(o.open_call(), status=10), Trigger.IDLE),
    "hear a demanding response": _heard(
        lambda o: response(o.open_call(), extensions={65_538: 0}), Trigger.IDLE
    ),
    "hear an invalid response": _heard(
        lambda o: frame_bytes(1, o.open_call(), "m"), Trigger.FAULT, Trigger.IDLE
    ),
    "hear a stray response": _heard(lambda o: response(UNKNOWN)),
    "hear a notification": _heard(lambda o: notification()),
    "hear an envelope": _heard(lambda o: notification("")),
    "hear a hello": _heard(lambda o: hello(max_frame=65_536)),
    "hear an unreadable hello": _heard(lambda o: Frame(Kind.HELLO, 0, 0)),
    "hear a goaway": _heard(lambda o: goaway(1), Trigger.GOAWAY, Trigger.IDLE),
    "hear an unreadable goaway": _heard(
        lambda o: Frame(Kind.GOAWAY, 0, 0), Trigger.GOAWAY, Trigger.IDLE
    ),
    "hear a cancel": _heard(lambda o: cancel(o.open_request()), Trigger.FAULT),
    "hear a ping": _heard(lambda o: ping(), Trigger.FAULT),
    "hear a pong": _heard(lambda o: pong()),
    "hear an unknown kind": _heard(lambda o: Frame(32_768, 1, 0)),
}
