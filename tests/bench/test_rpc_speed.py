"""Calls are as fast as they have to be, beside grpc.aio and beside the least that calls can cost.

Two processes on loopback, a body of 64 bytes, a deadline on both sides. What is compared takes
turns, round by round, and medians are compared.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from statistics import median
from typing import NamedTuple

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison
from tests.bench.rpc import client
from tests.bench.rpc.client import Echo
from tests.bench.rpc.rounds import beside, take_turns, within

ROUNDS = 20
#: Our processor time to a bare echo's, at most.
WORK = 6.0
CALLS = {"bare": 19_200, "grpc": 960}
OURS = 6_400

Kind = AbstractAsyncContextManager[Echo]


class Batch(NamedTuple):
    """Ours to theirs, a call. ``wall``: by time. ``work``: by processor time, of client and server
    together."""

    wall: Comparison
    work: Comparison


def a_batch(name: str, other: Kind) -> Batch:
    """64 calls at a time, beside another's."""
    worked: dict[str, list[float]] = {}

    async def nanoseconds(name: str, echo: Echo) -> float:
        calls, took = CALLS.get(name, OURS), []

        async def run() -> None:
            took.append(1e9 / await echo.rate(calls))

        worked.setdefault(name, []).append(await echo.cpu(run) / calls)
        return took[0]

    kinds = {"ours": client.ours(), "again": client.ours(), name: other}
    found = beside(asyncio.run(take_turns(kinds, nanoseconds, ROUNDS)), "ours", name, twin="ours")
    ours, again, theirs = (median(worked[each]) for each in ("ours", "again", name))
    same = max(ours, again) / min(ours, again)
    return Batch(found, Comparison(ours / theirs, same, ours, theirs, found.unit))


def test_calls_take_at_most_so_much_of_the_work_of_a_bare_echo(figure: Figure) -> None:
    """Time is not judged: virtual machines change how their processors wake each other."""
    batch = a_batch("bare", client.bare())
    figure("work of 64 calls at a time / bare", batch.work, WORK)
    assert within(batch.work, WORK)


def test_calls_take_at_most_a_tenth_of_the_time_of_grpcs(figure: Figure) -> None:
    found = a_batch("grpc", client.grpc()).wall
    figure("64 calls at a time / grpc", found, 1 / 10)
    assert within(found, 1 / 10)


def test_the_slowest_calls_take_at_most_half_the_time_of_grpcs(figure: Figure) -> None:
    async def p99(name: str, echo: Echo) -> float:
        return 1e9 * (await echo.latencies(3_000))[2_969]

    kinds = {"ours": client.ours(), "again": client.ours(), "grpc": client.grpc()}
    found = beside(asyncio.run(take_turns(kinds, p99, 10)), "ours", "grpc", twin="ours")
    figure("p99 of 3,000 calls one by one / grpc", found, 0.5)
    assert within(found, 0.5)
