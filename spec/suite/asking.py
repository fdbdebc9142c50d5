"""How cases of live peers are written down: one function each, with its rule and what it asks."""

from collections.abc import Awaitable, Callable
from typing import Final

from tracewire.spec.specification import read_rules

from .case import Case, Level
from .wire import Dial, Wire

Asking = Callable[[Dial], Awaitable[None]]

_sections: Final = {rule.id: rule.section for rule in read_rules()}
CASES: Final[list[Case]] = []


def asks(
    id: str, sentence: str, level: Level = "MUST", waits: float = 0.0
) -> Callable[[Asking], Asking]:
    """Registers a case; the id begins with its rule. Afterwards the peer must still answer."""

    def register(asking: Asking) -> Asking:
        async def run(dial: Dial) -> None:
            await asking(dial)
            await dial.check_alive()

        rule = id.partition("/")[0]
        CASES.append(Case(id, rule, level, _sections[rule], sentence, run, waits))
        return asking

    return register


def on_a_wire(
    id: str, sentence: str, level: Level = "MUST", waits: float = 0.0
) -> Callable[[Callable[[Wire], Awaitable[None]]], Callable[[Wire], Awaitable[None]]]:
    """The same, of a case that has one connection."""

    def register(asking: Callable[[Wire], Awaitable[None]]) -> Callable[[Wire], Awaitable[None]]:
        @asks(id, sentence, level, waits)
        async def run(dial: Dial) -> None:
            async with dial() as wire:
                await asking(wire)

        return asking

    return register
