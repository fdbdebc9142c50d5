"""A case of the suite, and what comes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["MUST", "SHOULD"]
Verdict = Literal["passed", "failed", "unsupported"]

PASSED: Final = "passed"
FAILED: Final = "failed"
UNSUPPORTED: Final = "unsupported"
#: A line of a fault that begins so shows what was on the wire, byte by byte, where it is typed.
TYPED: Final = "tracewire explain "


class CaseFailed(Exception):
    """What was asked did not happen.

    ``faults``: each says what was sent, expected and came, and may have a line to be TYPED.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(self.faults)


class Unsupported(Exception):
    """The implementation says that it has no such thing, or cannot be asked."""


@dataclass(frozen=True)
class Case:
    """``id``: never changes. ``rule``: of the specification, ``section``: where it stands.
    ``asks``: a sentence. ``run``: asks it of a subject; raises CaseFailed or Unsupported.
    ``waits``: seconds that it takes at least, for what waits longest begins first."""

    id: str
    rule: str
    level: Level
    section: str
    asks: str
    run: Callable[[Any], Awaitable[None]]
    waits: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """``faults``: why, if it did not pass. ``seconds``: how long it took."""

    case: Case
    verdict: Verdict
    faults: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """All faults."""
        return "\n".join(self.faults)


async def run(case: Case, subject: Any, clock: Callable[[], float]) -> Outcome:
    """Asks one case of a subject."""
    began = clock()
    try:
        await case.run(subject)
    except CaseFailed as failed:
        return Outcome(case, FAILED, failed.faults, clock() - began)
    except Unsupported as reason:
        return Outcome(case, UNSUPPORTED, (str(reason),), clock() - began)
    return Outcome(case, PASSED, (), clock() - began)
