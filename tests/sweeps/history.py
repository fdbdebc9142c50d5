"""What became of calls, as their callers heard it and as the server's own record has it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tracewire.protocol import Executed, RpcError

#: What a call ends with that its own side gave up.
GIVEN_UP: Final = "given up"


@dataclass
class History:
    """Calls by names of their own, which nobody uses twice.

    Attributes:
        begun: those that were asked for.
        outcomes: what each ended with: its result, its error, or `GIVEN_UP`.
        ran: how often the server's function ran for it: written where it runs.
    """

    begun: set[str] = field(default_factory=set)
    outcomes: dict[str, list[object]] = field(default_factory=dict)
    ran: Counter[str] = field(default_factory=Counter)

    def begin(self, name: str) -> None:
        self.begun.add(name)
        self.outcomes[name] = []

    def end(self, name: str, outcome: object) -> None:
        self.outcomes[name].append(outcome)

    def faults(self) -> list[str]:
        """What is wrong in it. To be asked once nothing runs any more."""
        wrong = [f"{name} ran, and nobody called it" for name in self.ran.keys() - self.begun]
        for name in sorted(self.begun):
            outcomes, ran = self.outcomes[name], self.ran[name]
            if len(outcomes) != 1:
                wrong.append(f"{name} has {len(outcomes)} outcomes: {outcomes}")
            if ran > 1:
                wrong.append(f"{name} ran {ran} times")
            wrong += [said for each in outcomes for said in _lies(name, each, ran)]
        return wrong

    def kinds(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(_kind(each) for outcomes in self.outcomes.values() for each in outcomes)


def _lies(name: str, outcome: object, ran: int) -> list[str]:
    """What an outcome says that the server's record does not."""
    if outcome is GIVEN_UP:
        return []
    if not isinstance(outcome, RpcError):
        right = outcome == name and ran == 1
        return [] if right else [f"{name} ran {ran} times and gave {str(outcome)[:80]!r}"]
    if outcome.executed is Executed.NO and ran:
        return [f"{name} ran, and was reported as not executed: {outcome}"]
    if outcome.executed is Executed.YES and not ran:
        return [f"{name} did not run, and was reported as executed: {outcome}"]
    if outcome.executed is None:
        return [f"{name} failed, and nobody says whether it ran: {outcome}"]
    return []


def _kind(outcome: object) -> str:
    if isinstance(outcome, RpcError):
        ran = "" if outcome.executed is None else f", executed {outcome.executed.name.lower()}"
        return f"{outcome.status.name}{ran}"
    return GIVEN_UP if outcome is GIVEN_UP else "OK"
