"""Calls are as fast as they have to be, beside grpc.aio and beside the least that calls can cost.

Two processes on loopback. Rounds of all that is compared take turns, medians are compared, and a
second server of ours (A/A) shows how much of a difference means nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

import pytest

from tests.bench.rpc import client
from tests.bench.rpc.client import Echo

ROUNDS = 20
CALLS = {"bare": 19_200, "grpc": 960}
OURS = 6_400

Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def shown(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="")

    return shown


async def rounds(
    echoes: Mapping[str, Echo], measure: Callable[[str, Echo], Any], count: int = ROUNDS
) -> dict[str, list[Any]]:
    """What each measured, round by round; before them each warms up."""
    for name, echo in echoes.items():
        await echo.run(CALLS.get(name, OURS) // 2)
    found: dict[str, list[Any]] = {name: [] for name in echoes}
    for _ in range(count):
        for name, echo in echoes.items():
            found[name].append(await measure(name, echo))
    return found


async def opened(stack: AsyncExitStack, **kinds: Any) -> dict[str, Echo]:
    return {name: await stack.enter_async_context(kind) for name, kind in kinds.items()}


async def rates() -> dict[str, float]:
    async with AsyncExitStack() as stack:
        kinds = {"bare": client.bare(), "ours": client.ours(), "again": client.ours()}
        echoes = await opened(stack, **kinds, grpc=client.grpc())
        found = await rounds(echoes, lambda name, echo: echo.rate(CALLS.get(name, OURS)))
    return {name: median(each) for name, each in found.items()}


async def p99s() -> dict[str, float]:
    """Medians of ten p99 latencies of 3,000 calls."""

    async def p99(name: str, echo: Echo) -> float:
        return (await echo.latencies(3_000))[2_969]

    async with AsyncExitStack() as stack:
        echoes = await opened(stack, ours=client.ours(), grpc=client.grpc())
        found = await rounds(echoes, p99, count=10)
    return {name: median(each) for name, each in found.items()}


def test_calls_per_second_beside_a_bare_echo_and_grpc(say: Say) -> None:
    found = asyncio.run(rates())
    spread = found["again"] / found["ours"]
    of_bare, of_grpc = found["ours"] / found["bare"], found["ours"] / found["grpc"]
    rated = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in found.items())
    say(f"calls: {of_bare:.2f} of bare (>= 0.45), {of_grpc:.1f} x grpc (>= 10), A/A {spread:.2f}")
    say(f"  {rated}")
    assert of_grpc >= 10
    assert of_bare >= 0.45


def test_the_slowest_calls_beside_grpc(say: Say) -> None:
    found = asyncio.run(p99s())
    ratio = found["ours"] / found["grpc"]
    say(f"p99 latency: {ratio:.2f} of grpc's (<= 0.5), ours {found['ours'] * 1e6:.0f} us")
    assert ratio <= 0.5
