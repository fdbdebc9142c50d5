"""One side of the simulation: it owns a connection as a peer does."""

from math import inf
from typing import TYPE_CHECKING

from tests.property.history import GIVEN_UP, Outcome
from tests.property.wire import MISDEEDS, NOISE, Wire
from tracewire.codec import Status
from tracewire.protocol.connection import events as e
from tracewire.protocol.connection.in_flight import ConcurrencyLimit
from tracewire.protocol.connection.shutdown import READING, WRITING, State
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError
from tracewire.protocol.limits import Limits

if TYPE_CHECKING:
    from tests.property.simulation import Simulation


#: States in which nothing is heard any more.
_DEAF = set(State) - READING


class Side:
    """Carries the connection's bytes, runs its handlers, makes calls."""

    def __init__(
        self, name: str, simulation: "Simulation", mode: str, out: Wire, into: Wire
    ) -> None:
        self.name = name
        self.out, self.into = out, into
        self.closed = self.doomed = False
        self._simulation = simulation
        self._random = random = simulation.random
        self._history = simulation.history
        limits = Limits(
            in_flight=random.randint(1, 8),
            keepalive_seconds=simulation.keepalive,
            record_seconds=simulation.patience,
        )
        self.concurrency = ConcurrencyLimit(random.randint(1, 8))
        self._places = min(limits.in_flight, self.concurrency.limit)
        self.connection = simulation.make(
            lambda: simulation.now,
            connector=name == "a",
            mode=mode,
            limits=limits,
            server=self.concurrency,
        )
        self._numbers = 0
        self._next_ping = 0.0
        #: Calls that are open: their ids, and when they are to be over.
        self._calls: dict[str, tuple[int, float]] = {}
        #: Requests that were ever accepted: their calls, and when they are to be over.
        self._accepted: dict[int, tuple[str, float]] = {}
        #: Of these the ones that are not answered: those whose handlers did not begin, and did.
        self._waiting: list[int] = []
        self.running: list[int] = []
        self._cancelled: set[int] = set()

    # What can happen to it.

    def call(self) -> None:
        self._numbers += 1
        caller = f"{self.name}{self._numbers}"
        timeout = self._random.choice((None, None, None, 0.05, 1.0, 10.0))
        expires = None if timeout is None else self._simulation.now + timeout
        told_to_leave = self.connection.goaway is not None
        try:
            id = self.connection.request(caller, "m", caller.encode(), expires=expires)
        except RpcError as refusal:
            if refusal.executed is not Executed.NO:
                self._saw(f"call {caller} was refused with {refusal}")
            return
        if told_to_leave:
            self._saw(f"call {caller} began after the other side's goaway")
        self._calls[caller] = id, self._simulation.now + (inf if timeout is None else timeout)
        self._history.outcomes[caller] = []

    def give_up(self) -> None:
        if self._calls:
            caller = self._random.choice(list(self._calls))
            self._history.outcomes[caller].append(Outcome(GIVEN_UP))
            id, _ = self._calls.pop(caller)
            self.connection.cancel(id)

    def notify(self) -> None:
        self._numbers += 1
        if self.connection.state is State.OPEN and self.connection.may_frame:
            self.connection.notify("m", b"%d" % self._numbers)

    def ping(self) -> None:
        """Not before a second after the last pong, so that a slow wire makes no strikes of it."""
        may = self.connection.state is State.OPEN and self.connection.may_frame
        if may and self._simulation.keepalive is None and self._simulation.now >= self._next_ping:
            self.connection.ping()
            self._next_ping = inf

    def noise(self) -> None:
        """Says something that must change nothing."""
        self.out.write(self._random.choice(NOISE))

    def misbehave(self) -> None:
        """Says something that is a connection error."""
        self.out.write(self._random.choice(MISDEEDS))
        self._history.broken = True

    def drain(self) -> None:
        self._apply(self.connection.drain("drained"))

    def close(self) -> None:
        """Says goaway and waits for nothing: what it wrote still arrives."""
        self._apply(self.connection.drain("closed"))
        self.flush()
        self._apply(self.connection.lost())
        self._history.broken = True

    def overflow(self) -> None:
        self._apply(self.connection.overflow())

    def mute(self) -> None:
        """Half of the wire ends early: what this side writes from now on does not arrive."""
        self.out.mute()
        self.out.ended = True
        self._history.broken = True

    def lose(self) -> None:
        self.out.cut()
        self.into.cut()
        self._apply(self.connection.lost())
        self._history.broken = True

    def hear(self, most: int) -> None:
        """Reads up to so many bytes, or the end."""
        if self.closed:
            return
        if self.doomed:
            return self.lose()
        if piece := self.into.read(most):
            self._apply(self.connection.receive(piece))
        elif self.into.ended and not self.into.heard:
            self.into.heard = True
            self._apply(self.connection.end())

    def wake(self) -> None:
        now = self._simulation.now
        if now >= self.connection.wake:
            self._apply(self.connection.expire())
            if self.connection.wake <= now:
                self._saw(f"{self.name} is to be woken at once for ever")
        for caller, (_, expires) in self._calls.items():
            if expires <= now:
                self._saw(f"call {caller} outlived its deadline")
        for id in {*self._waiting, *self.running} - self._cancelled:
            caller, expires = self._accepted[id]
            if expires <= now:
                self._saw(f"the handler of {caller} outlived its deadline")

    def start(self) -> None:
        """Handlers of requests that were accepted begin, save those that were cancelled before."""
        for id in self._waiting:
            self._note_break(id)
            if self.connection.start(id):
                self._history.ran[self._accepted[id][0]] += 1
                self.running.append(id)
        self._waiting.clear()

    def finish(self) -> None:
        """One handler ends, in one of the ways that it can."""
        if not self.running:
            return
        id = self.running.pop(self._random.randrange(len(self.running)))
        self._note_break(id)
        call, _ = self._accepted[id]
        try:
            self._answer(id, call)
        except KeyError:
            self._saw(f"request {call} could not be answered")

    def _answer(self, id: int, call: str) -> None:
        if id in self._cancelled and self._random.random() < 0.7:
            self.connection.cancelled(id)
        elif self._random.random() < 0.3:
            self.connection.fail(id, RpcError(Status.ABORTED, call, executed=Executed.YES))
        else:
            self.connection.respond(id, call.encode())

    # What it does with what comes of it.

    def _apply(self, events: list[e.Event]) -> None:
        for event in events:
            match event:
                case e.RequestReceived(id, frame, expires):
                    self._accept(id, frame.payload.decode(), inf if expires is None else expires)
                case e.CallAnswered(caller, frame):
                    self._end_call(str(caller), Outcome(Status.OK, said=frame.payload.decode()))
                case e.CallFailed(caller, error):
                    said = error.message if error.status is Status.ABORTED else None
                    self._end_call(str(caller), Outcome(error.status, error.executed, said))
                case e.RequestCancelled(id, _):
                    self._cancel(id)
                case e.NotificationReceived(frame, _):
                    self._history.notified[self.name].append(frame.payload)
                case e.PongReceived(id) if self._next_ping == inf:
                    self._next_ping = self._simulation.now + 1

    def _accept(self, id: int, call: str, expires: float) -> None:
        self._accepted[id] = call, expires
        self._history.accepted[call] += 1
        self._waiting.append(id)
        if len(self._waiting) + len(self.running) > self._places:
            self._saw(f"{self.name} accepted {call}, over its limit of {self._places}")

    def _cancel(self, id: int) -> None:
        if id in self._cancelled or id not in {*self._waiting, *self.running}:
            self._saw(f"{self.name} was told to cancel request {id}, which cannot be")
        self._cancelled.add(id)

    def _end_call(self, caller: str, outcome: Outcome) -> None:
        self._history.outcomes[caller].append(outcome)
        id, _ = self._calls.pop(caller, (0, inf))
        goaway, vague = self.connection.goaway, outcome.executed is not Executed.NO
        if goaway and id > goaway.last_id and vague and outcome.status is Status.UNAVAILABLE:
            self._saw(f"call {caller} is above the last that goaway accepts, and may have run")

    def _note_break(self, id: int) -> None:
        """A side whose connection was lost, or failed, answers nothing."""
        if self._history.broken and self.connection.state not in WRITING:
            self._history.excused.add(self._accepted[id][0])

    def _saw(self, fault: str) -> None:
        self._history.seen.append(fault)

    def flush(self) -> None:
        """Writes, and does to the wire what the state asks for."""
        connection = self.connection
        if data := connection.outbox.take():
            self._history.wrote(self.name, data)
            if self.out.ended and not self.out.muted:
                self._saw(f"{self.name} wrote after it had shut down writing")
            self.out.write(data)
        state = connection.state
        if state is State.OPEN:
            return
        self._check_rest(state)
        if connection.counts["connection_errors"]:
            self._history.failed = self._history.broken = True
        if state is State.LINGERING and self._simulation.can_half_close:
            self.out.ended = True
        elif state is State.CLOSED and not self.closed:
            self.closed = self.out.ended = True
            if not self.into.heard:  # its linger time was over, or it was done with all calls
                self._history.deaf.add(self.name)
            self.into.cut()

    def _check_rest(self, state: State) -> None:
        """What may still be open in a state that ends a connection."""
        connection = self.connection
        calls, requests = connection.calls_open, connection.requests_open
        waits = {
            State.DRAINING: requests,
            State.LEAVING: calls + requests,
            State.FINISHING: requests,
        }
        if waits.get(state) == 0 and connection.may_frame:  # else goaway waits to be said
            self._saw(f"{self.name} is {state.name} and waits for nothing")
        if calls and state in _DEAF:
            self._saw(f"{self.name} is {state.name}, has open calls, and no answer can come")
        left = {*self._waiting, *self.running} - self._cancelled
        if left and state in (State.FAILED, State.CLOSED):
            self._saw(f"{self.name} is {state.name} and was not told to cancel {left}")

    def note_rest(self) -> None:
        """In the end nothing may be left."""
        rest = {
            "state": self.connection.state.name,
            "calls": self.connection.calls_open,
            "requests": self.connection.requests_open,
            "concurrency": self.concurrency.taken,
        }
        if rest != {"state": "CLOSED", "calls": 0, "requests": 0, "concurrency": 0}:
            self._history.left.append(f"{self.name} was left with {rest}")
