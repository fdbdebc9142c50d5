"""What tracing adds to calls: processor time of client and server together.

Each of 64 callers at a time is inside an operation of its own, whose span is current. Rounds take
turns; two servers of ours without tracing (A/A) show how much of a difference means nothing.
"""

import asyncio
from itertools import cycle

import pytest
from opentelemetry.context import Context, attach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison
from tests.bench.rpc import client
from tests.bench.rpc.client import CONCURRENT, Echo
from tests.bench.rpc.rounds import beside, take_turns, within

ROUNDS = 20
CALLS = 6_400


def operations(sampled: int) -> list[Context]:
    """Contexts of 100 operations, so many of them sampled."""
    off, on = TracerProvider(sampler=ALWAYS_OFF), TracerProvider(sampler=ALWAYS_ON)
    providers = [on] * sampled + [off] * (100 - sampled)
    spans = [provider.get_tracer("bench").start_span("operation") for provider in providers]
    return [set_span_in_context(span, Context()) for span in spans]


async def call_inside(contexts: list[Context], echo: Echo) -> None:
    """Ten calls an operation, 64 operations at a time."""
    operation = cycle(contexts)

    async def some() -> None:
        for _ in range(CALLS // CONCURRENT // 10):
            attach(next(operation))
            for _ in range(10):
                await echo.call()

    await asyncio.gather(*(some() for _ in range(CONCURRENT)))


def measured(sampled: int, traced: str) -> Comparison:
    """Calls with tracing ``traced``, beside those without."""
    contexts = operations(sampled)

    async def cpu(name: str, echo: Echo) -> float:
        return await echo.cpu(lambda: call_inside(contexts, echo)) / CALLS

    kinds = {name: client.ours(name) for name in ("off", traced)}
    found = asyncio.run(take_turns(kinds | {"again": client.ours("off")}, cpu, ROUNDS))
    return beside(found, traced, "off", twin="off")


def test_tracing_adds_little_to_a_call_that_is_not_sampled(figure: Figure) -> None:
    found, limit = measured(0, "sdk"), 1.10
    figure("calls, 0 % sampled / propagate off", found, limit)
    assert within(found, limit)


@pytest.mark.parametrize(
    ("sampled", "traced", "said"),
    [(1, "sdk", "1 % sampled"), (0, "metered", "0 % sampled, with metrics")],
)
def test_what_the_sdk_adds_where_it_records_is_reported(
    sampled: int, traced: str, said: str, figure: Figure
) -> None:
    found = measured(sampled, traced)
    figure(f"calls, {said} / propagate off", found, None)
    assert found.ratio > 1
