"""Calls are as fast as they have to be, beside grpc.aio and beside the least that calls can cost.

Two processes on loopback, a body of 64 bytes, a deadline on both sides. What is compared takes
turns, round by round, and medians are compared.
"""

import asyncio

import pytest

from tests.bench.conftest import Figure
from tests.bench.rpc import client
from tests.bench.rpc.client import Echo
from tests.bench.rpc.rounds import Rounds, beside, take_turns, within

ROUNDS = 20
CALLS = {"bare": 19_200, "grpc": 960}
OURS = 6_400


@pytest.fixture(scope="module")
def concurrent() -> Rounds:
    """Nanoseconds a call, 64 at a time."""

    async def time(name: str, echo: Echo) -> float:
        return 1e9 / await echo.rate(CALLS.get(name, OURS))

    kinds = {"ours": client.ours(), "again": client.ours()}
    others = {"bare": client.bare(), "grpc": client.grpc()}
    return asyncio.run(take_turns(kinds | others, time, ROUNDS))


@pytest.mark.parametrize(("other", "limit"), [("bare", 1 / 0.45), ("grpc", 1 / 10)])
def test_calls_take_at_most_so_much_of_the_time_of_others(
    other: str, limit: float, concurrent: Rounds, figure: Figure
) -> None:
    found = beside(concurrent, "ours", other, twin="ours")
    figure(f"64 calls at a time / {other}", found, limit)
    assert within(found, limit)


def test_the_slowest_calls_take_at_most_half_the_time_of_grpcs(figure: Figure) -> None:
    async def p99(name: str, echo: Echo) -> float:
        return 1e9 * (await echo.latencies(3_000))[2_969]

    kinds = {"ours": client.ours(), "again": client.ours(), "grpc": client.grpc()}
    found = beside(asyncio.run(take_turns(kinds, p99, 10)), "ours", "grpc", twin="ours")
    figure("p99 of 3,000 calls one by one / grpc", found, 0.5)
    assert within(found, 0.5)
