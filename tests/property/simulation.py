"""Two connections over a simulated wire. One seed decides everything that happens.

A step is one thing that can happen: some bytes arrive, time passes, a call begins, a handler ends,
a side drains, the wire breaks. Bytes wait on the wire until a step takes them, so any delay, split
and order of tasks can come up. In the end all is let run out, and the history is judged.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.property.history import History
from tests.property.side import Side
from tests.property.wire import Wire
from tracewire.protocol.connection.connection import Connection


class Simulation:
    """``make``: what makes the connections, to plant faults in them."""

    def __init__(self, seed: int, make: Callable[..., Connection] = Connection) -> None:
        self.random = random = Random(seed)
        self.make = make
        self.now = 0.0
        self.can_half_close = random.random() < 0.5
        #: Seconds of silence, and of a record under way, that a side bears.
        self.keepalive = random.choice((None, None, 2.0))
        self.patience = random.choice((30.0, 30.0, 30.0, 1.0))
        self._weights = _STEPS | (_ACCIDENTS if random.random() < 0.5 else {})
        self._may_break = "break" in self._weights
        self._most = random.choice((3, 16, 64, 64, 4_096))
        impatient = self.keepalive is not None or self.patience < 30
        self.history = History(calm=not self._may_break and not impatient)
        forth, back = Wire(), Wire()
        self.a = Side("a", self, "framed", forth, back)
        self.b = Side("b", self, random.choice(("framed", "framed", "both")), back, forth)

    def run(self, steps: int = 200) -> History:
        """All that happens until both sides are closed and idle, or will never be."""
        for side in (self.a, self.b):
            side.flush()
        names, weights = list(self._weights), list(self._weights.values())
        for name in self.random.choices(names, weights, k=steps):
            self._step(name, self.a if self.random.random() < 0.5 else self.b)
        self._settle()
        return self.history

    def _step(self, name: str, side: Side) -> None:
        if name == "hear":
            side.hear(1 + int(self.random.random() * self._most))
            if self.random.random() < 0.8:
                side.start()
        elif name == "pass":
            return self._pass(self.random.choice((0.001, 0.01, 0.1, 0.5)))
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
            side.wake()
            side.flush()

    def _settle(self) -> None:
        """Nothing new begins, and what began runs out."""
        first, second = self.random.sample((self.a, self.b), 2)
        first.drain()
        if self.random.random() < 0.3:
            second.drain()
        for _ in range(400):
            if self._may_break and self.random.random() < 0.2:
                [name] = self.random.choices(list(_ACCIDENTS), list(_ACCIDENTS.values()))
                self._step(name, second)
            for side in (first, second):
                side.flush()
                side.hear(1 << 20)
                side.start()
                if self.random.random() < 0.2:
                    side.finish()
                side.flush()
            self._pass(0.25)
            if not any(side.running or not side.closed for side in (first, second)):
                break
        first.note_rest()
        second.note_rest()


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
    "drain": 0.3,
    "noise": 2,
}
#: What happens in half of the runs alone.
_ACCIDENTS = {
    "break": 0.2,
    "mute": 0.2,
    "lose": 0.1,
    "close": 0.2,
    "overflow": 0.3,
    "misbehave": 0.2,
}


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
