"""A case of the suite, and what comes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["MUST", "SHOULD"]
Verdict = Literal["passed", "failed", "unsupported"]

PASSED: Final = "passed"
FAILED: Final = "failed"
UNSUPPORTED: Final = "unsupported"


class CaseFailed(Exception):
    """What was asked did not happen; the text says what was sent, expected and came."""


class Unsupported(Exception):
    """The implementation says that it has no such thing, or cannot be asked."""


@dataclass(frozen=True)
class Case:
    """``id``: never changes. ``rule``: of the specification, ``section``: where it stands.
    ``asks``: a sentence. ``run``: asks it of a subject; raises CaseFailed or Unsupported."""

    id: str
    rule: str
    level: Level
    section: str
    asks: str
    run: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """``text``: why, if it did not pass. ``seconds``: how long it took."""

    case: Case
    verdict: Verdict
    text: str = ""
    seconds: float = 0.0


async def run(case: Case, subject: Any, clock: Callable[[], float]) -> Outcome:
    """Asks one case of a subject."""
    began = clock()
    try:
        await case.run(subject)
    except CaseFailed as failed:
        return Outcome(case, FAILED, str(failed), clock() - began)
    except Unsupported as reason:
        return Outcome(case, UNSUPPORTED, str(reason), clock() - began)
    return Outcome(case, PASSED, "", clock() - began)
