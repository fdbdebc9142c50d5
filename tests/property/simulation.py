"""Two connections over a simulated wire. One seed decides everything that happens.

A step is one thing that can happen: some bytes arrive, time passes, a call begins, a handler ends,
a side drains, the wire breaks. Bytes wait on the wire until a step takes them, so any delay, split
and order of tasks can come up. In the end all is let run out, and the history is judged.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.property.history import GIVEN_UP, History, Outcome
from tracewire.codec import Frame, Kind, Status, encode, to_stream
from tracewire.protocol import events as e
from tracewire.protocol.connection import Connection
from tracewire.protocol.constants import Executed
from tracewire.protocol.limits import Limits
from tracewire.protocol.load import Load
from tracewire.protocol.states import WRITING, State
from tracewire.protocol.status import RpcError


class Wire:
    """One direction: bytes that were written and not yet read."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = self.heard = self.muted = False

    def write(self, data: bytes) -> None:
        if not self.muted:
            self.data += data

    def mute(self) -> None:
        """What is written from now on is lost."""
        self.muted = True

    def cut(self) -> None:
        """What is under way is lost as well."""
        self.mute()
        self.data.clear()


class Side:
    """Owns a connection as a peer does: carries its bytes, runs its handlers, makes calls."""

    def __init__(
        self, name: str, simulation: "Simulation", out: Wire, into: Wire, connection: Connection
    ) -> None:
        self.name = name
        self.connection = connection
        self.out, self.into = out, into
        self.calls: dict[str, int] = {}
        self.accepted: dict[int, str] = {}
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.cancelled: set[int] = set()
        self.doomed = self.closed = False
        self._numbers = 0
        self._random = simulation.random
        self._history = simulation.history
        self._can_half_close = simulation.can_half_close

    # What can happen to it.

    def call(self) -> None:
        self._numbers += 1
        caller = f"{self.name}{self._numbers}"
        timeout = self._random.choice((None, None, None, 0.05, 1.0, 10.0))
        try:
            id = self.connection.request(caller, "m", caller.encode(), timeout=timeout)
        except RpcError as refusal:
            if refusal.executed is not Executed.NO:
                self._history.seen.append(f"call {caller} was refused with {refusal}")
        else:
            self.calls[caller] = id
            self._history.outcomes[caller] = []

    def noise(self) -> None:
        """Something arrives that must change nothing."""
        self.out.write(to_stream(self._random.choice(_NOISE)))

    def give_up(self) -> None:
        if self.calls:
            caller = self._random.choice(list(self.calls))
            self._end_call(caller, Outcome(GIVEN_UP))
            self.connection.cancel(self.calls.pop(caller))

    def notify(self) -> None:
        self._numbers += 1
        if self.connection.state is State.OPEN and self.connection.may_frame:
            self.connection.notify("m", b"%d" % self._numbers)

    def ping(self) -> None:
        if self.connection.state is State.OPEN and self.connection.may_frame:
            self.connection.ping()

    def drain(self) -> None:
        self.connection.drain("drained")

    def overflow(self) -> None:
        self.apply(self.connection.overflow())

    def mute(self) -> None:
        """Half of the wire ends early: what this side writes from now on does not arrive."""
        self.out.mute()
        self.out.ended = True
        self._history.broken = True

    def lose(self) -> None:
        self.out.cut()
        self.into.cut()
        self.apply(self.connection.lost())
        self._history.broken = True

    def hear(self, most: int) -> None:
        """Reads up to so many bytes, or the end."""
        if self.closed:
            return
        if self.doomed:
            return self.lose()
        piece = bytes(self.into.data[:most])
        if piece:
            del self.into.data[:most]
            self.apply(self.connection.receive(piece))
        elif self.into.ended and not self.into.heard:
            self.into.heard = True
            self.apply(self.connection.end())

    def wake(self, now: float) -> None:
        if now >= self.connection.wake:
            self.apply(self.connection.expire())
            if self.connection.wake <= now:
                self._history.seen.append(f"{self.name} is to be woken at once for ever")

    def start(self) -> None:
        """Handlers of requests that were accepted begin, save those that were cancelled before."""
        for id in self.waiting:
            self._note_break(id)
            if self.connection.start(id):
                self._history.ran[self.accepted[id]] += 1
                self.running.append(id)
        self.waiting.clear()

    def finish(self) -> None:
        """One handler ends, in one of the ways that it can."""
        if not self.running:
            return
        id = self.running.pop(self._random.randrange(len(self.running)))
        self._note_break(id)
        try:
            self._answer(id, self.accepted[id])
        except KeyError:
            self._history.seen.append(f"request {self.accepted[id]} could not be answered")

    def _answer(self, id: int, call: str) -> None:
        if id in self.cancelled and self._random.random() < 0.7:
            self.connection.cancelled(id)
        elif self._random.random() < 0.3:
            self.connection.fail(id, RpcError(Status.ABORTED, call, executed=Executed.YES))
        else:
            self.connection.respond(id, call.encode())

    # What it does with what comes of it.

    def apply(self, events: list[e.Happening]) -> None:
        for event in events:
            match event:
                case e.Requested(id, frame, _):
                    self.accepted[id] = frame.payload.decode()
                    self._history.accepted[self.accepted[id]] += 1
                    self.waiting.append(id)
                case e.Answered(caller, frame):
                    self._end_call(str(caller), Outcome(Status.OK, said=frame.payload.decode()))
                case e.Failed(caller, error):
                    said = error.message if error.status is Status.ABORTED else None
                    self._end_call(str(caller), Outcome(error.status, error.executed, said))
                case e.Cancelled(id, _):
                    self.cancelled.add(id)
                case e.Notified(frame, _):
                    self._hear_notification(frame)

    def _hear_notification(self, frame: Frame) -> None:
        self._history.notified[self.name].append(int(frame.payload))

    def _end_call(self, caller: str, outcome: Outcome) -> None:
        self._history.outcomes[caller].append(outcome)
        if outcome.status != GIVEN_UP:
            self.calls.pop(caller, None)

    def _note_break(self, id: int) -> None:
        """A side whose connection was lost, or failed, answers nothing."""
        if self._history.broken and self.connection.state not in WRITING:
            self._history.excused.add(self.accepted[id])

    def flush(self) -> None:
        """Writes, and does to the wire what the state asks for."""
        connection = self.connection
        if data := connection.output():
            self._history.wrote(self.name, data)
            if self.out.ended and not self.out.muted:
                self._history.seen.append(f"{self.name} wrote after it had shut down writing")
            self.out.write(data)
        if connection.counts["connection_errors"]:
            self._history.broken = True
        if connection.state is State.LINGERING and self._can_half_close:
            self.out.ended = True
        elif connection.state is State.CLOSED and not self.closed:
            self.closed = self.out.ended = True
            if not self.into.heard:  # its linger time was over, or it was done with all calls
                self._history.deaf.add(self.name)
            self.into.cut()


class Simulation:
    """``make``: what makes the connections, to plant faults in them."""

    def __init__(self, seed: int, make: Callable[..., Connection] = Connection) -> None:
        self.random = random = Random(seed)
        self.history = History()
        self.now = 0.0
        self.can_half_close = random.random() < 0.5
        self._most = random.choice((3, 16, 64, 64, 4_096))
        limits = Limits(
            in_flight=random.randint(1, 8), keepalive_seconds=random.choice((None, None, 2.0))
        )
        self._loads = (Load(random.randint(1, 8)), Load(8))
        forth, back = Wire(), Wire()
        mode = random.choice(("framed", "framed", "both"))
        connections = [
            make(lambda: self.now, connector=n == 0, mode=mode if n else "framed", limits=limits,
                 load=load)
            for n, load in enumerate(self._loads)
        ]  # fmt: skip
        self.a = Side("a", self, forth, back, connections[0])
        self.b = Side("b", self, back, forth, connections[1])

    def run(self, steps: int = 200) -> History:
        """All that happens until both sides are closed and idle, or will never be."""
        for side in (self.a, self.b):
            side.flush()
        weights = dict(_STEPS)
        if self.random.random() < 0.5:
            weights |= _ACCIDENTS
        names = self.random.choices(list(weights), list(weights.values()), k=steps)
        for name in names:
            self._step(name, self.random.choice((self.a, self.b)))
        self._settle("break" in weights)
        return self.history

    def _step(self, name: str, side: Side) -> None:
        if name == "hear":
            side.hear(self.random.randint(1, self._most))
            if self.random.random() < 0.8:
                side.start()
        elif name == "pass":
            self._pass(self.random.choice((0.001, 0.01, 0.1, 0.5)))
        elif name == "break":
            self.a.out.cut()
            self.b.out.cut()
            self.a.doomed = self.b.doomed = True
        else:
            getattr(side, name)()
        side.flush()

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        for side in (self.a, self.b):
            side.wake(self.now)
            side.flush()

    def _settle(self, may_break: bool) -> None:
        """Nothing new begins, and what began runs out."""
        first, second = self.random.sample((self.a, self.b), 2)
        first.drain()
        for _ in range(400):
            if may_break and self.random.random() < 0.1:
                self._step("break", first)
            for side in (first, second):
                side.flush()
                side.hear(1 << 20)
                side.start()
                if self.random.random() < 0.3:
                    side.finish()
                side.flush()
            self._pass(0.25)
            if not any(side.running or not side.closed for side in (first, second)):
                break
        for side in (first, second):
            self._note_rest(side)

    def _note_rest(self, side: Side) -> None:
        connection = side.connection
        rest = {
            "state": connection.state.name,
            "calls": connection.calls_open,
            "requests": connection.requests_open,
            "load": self._loads[side is self.b].taken,
        }
        if rest != {"state": "CLOSED", "calls": 0, "requests": 0, "load": 0}:
            self.history.left.append(f"{side.name} was left with {rest}")


#: Records that a side drops, or that a third generation sends.
_NOISE = (
    b"",
    b"no frame",
    encode(Frame(8, 1, 0)),
    encode(Frame(Kind.RESPONSE, 4_294_967_295, 0, b"stray")),
    encode(Frame(Kind.RESPONSE, 4_294_967_295, Status.ABORTED, b"stray")),
    encode(Frame(Kind.NOTIFICATION, 0, "m", b"0", None, {2: "not understood"})),
    encode(Frame(Kind.HELLO, 0, 0, b"unreadable")),
    encode(Frame(Kind.CANCEL, 1, 0, b"", None, {2: "not understood"})),
    encode(Frame(Kind.PONG, 77, 0)),
)

#: What can happen, and how often beside the others.
_STEPS = {
    "hear": 40,
    "call": 16,
    "finish": 14,
    "pass": 10,
    "give_up": 3,
    "notify": 4,
    "ping": 0.5,
    "start": 4,
    "drain": 0.5,
    "noise": 2,
}
#: What happens in half of the runs alone.
_ACCIDENTS = {"break": 0.4, "mute": 0.3, "overflow": 0.2, "lose": 0.2}


def simulate(
    seed: int, make: Callable[..., Connection] = Connection
) -> tuple[list[str], Counter[str]]:
    """What went wrong in the run of this seed, and how often each kind of outcome came up."""
    history = Simulation(seed, make).run()
    outcomes = [outcome for each in history.outcomes.values() for outcome in each]
    kinds = Counter(
        f"{getattr(outcome.status, 'name', outcome.status)}"
        + ("" if outcome.executed is None else f", executed {outcome.executed.name.lower()}")
        for outcome in outcomes
    )
    return history.faults(), kinds
