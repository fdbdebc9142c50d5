"""Rounds in which echo servers take turns, and what they come to."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from statistics import median, quantiles

from tests.bench.measure import Comparison
from tests.bench.rpc.client import Echo

Measure = Callable[[str, Echo], Awaitable[float]]
#: What each measured, round by round; "again" is a second server of a kind that is there already.
Rounds = Mapping[str, list[float]]

WARM_UP_CALLS = 3_200
#: A/A that a machine shows in any case, from run to run.
LEAST_SPREAD = 1.03


async def take_turns(
    kinds: Mapping[str, AbstractAsyncContextManager[Echo]], measure: Measure, rounds: int
) -> Rounds:
    """Opens all, warms them up, and measures one after the other in each round."""
    async with AsyncExitStack() as stack:
        echoes = {name: await stack.enter_async_context(kind) for name, kind in kinds.items()}
        for echo in echoes.values():
            await echo.run(WARM_UP_CALLS)
        found: dict[str, list[float]] = {name: [] for name in echoes}
        for _ in range(rounds):
            for name, echo in echoes.items():
                found[name].append(await measure(name, echo))
    return found


def beside(found: Rounds, ours: str, theirs: str, twin: str) -> Comparison:
    """The median of ``ours`` beside that of ``theirs``. A/A is how far "again" and its ``twin``
    differ in a round: the quarter of the rounds where they differ most begins there."""
    differ = [
        abs(again / same - 1) for again, same in zip(found["again"], found[twin], strict=True)
    ]
    our, their = median(found[ours]), median(found[theirs])
    return Comparison(our / their, 1 + quantiles(differ, n=4)[2], our, their)


def within(found: Comparison, limit: float) -> bool:
    """Whether a ratio keeps to its limit, as far as A/A lets one tell."""
    return found.ratio <= limit * max(found.same, LEAST_SPREAD)
