"""Deadlines cost what they should: nothing while they wait, little when they come.

Both sides are in one event loop, and the calls move its clock, so that a second takes no longer
than what is done in it. Rounds of what is compared take turns, and the lower decile of them counts.
"""

import asyncio
import gc
import random
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.conftest import Figure
from tests.bench.expiry import SETUP
from tests.bench.measure import Comparison
from tracewire.protocol import Body, Limits, Peer, Server, Service, connect, serve

OPEN, CONNECTIONS = 16_000, 16
#: Of a processor, at most, that calls which are open take beside one after each APART seconds.
SHARE, APART = 0.005, 0.01
MANY, FEW = 2_000, 100
#: A call over many connections to one over few, at most.
SPREAD = 1.3
#: An expiry to an answered call, at most; 1.2 of instructions.
EXPIRY = 1.4

ROUNDS = 20
BODY = Body(bytes(64))
Peers = Sequence[Peer]


class Loop(asyncio.SelectorEventLoop):
    now = 1_000.0

    def time(self) -> float:
        return self.now


@asynccontextmanager
async def connected(*counts: int) -> AsyncIterator[tuple[Server, list[list[Peer]]]]:
    """A server and so many connections to it, for each of the counts."""
    service = Service()

    @service.method
    async def echo(body: Body) -> Body:
        return body

    @service.method
    async def wait() -> None:
        await asyncio.Event().wait()

    with TemporaryDirectory() as folder:
        url, limits = (
            f"unix://{folder}/socket",
            Limits(in_flight=2 * OPEN, in_flight_server=2 * OPEN),
        )
        async with serve(url, service, grease=0, limits=limits) as server:
            peers = [[await connect(url, grease=0) for _ in range(count)] for count in counts]
            yield server, peers
            await asyncio.gather(*(peer.close() for each in peers for peer in each))


async def seconds_a_call(peers: Peers, calls: int, at_once: int, apart: float) -> float:
    """Processor time. Each call's deadline is near, and it is answered before that."""
    loop, draw = asyncio.get_running_loop(), random.Random(11)
    assert isinstance(loop, Loop)
    turns = iter([peers[at % len(peers)] for at in range(calls)])

    async def one_by_one() -> None:
        for peer in turns:
            timeout = draw.uniform(10, 100) * at_once * apart
            await peer.call("echo", BODY, returns=Body, timeout=timeout)
            loop.now += apart

    began = time.process_time()
    await asyncio.gather(*(one_by_one() for _ in range(at_once)))
    return (time.process_time() - began) / calls


Measure = Callable[[], Awaitable[float]]


async def in_turns(ours: Measure, theirs: Measure) -> list[float]:
    """The lower deciles of both."""
    gc.collect()
    gc.freeze()  # else what else is alive would be paid for here
    try:
        rounds = [(await ours(), await theirs()) for _ in range(ROUNDS)]
    finally:
        gc.unfreeze()
    return [quantiles(side, n=10)[0] for side in zip(*rounds, strict=True)]


async def beside_open_calls() -> list[float]:
    async with connected(CONNECTIONS, CONNECTIONS) as (server, (busy, idle)):
        draw = random.Random(11)
        calls = [
            asyncio.ensure_future(peer.call("wait", timeout=draw.uniform(3600, 7200)))
            for peer in busy
            for _ in range(OPEN // CONNECTIONS)
        ]
        while server.in_flight < OPEN:
            await asyncio.sleep(0)
        found = await in_turns(
            lambda: seconds_a_call(busy, 200, 1, APART),
            lambda: seconds_a_call(idle, 200, 1, APART),
        )
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    return found


async def over_many_connections() -> list[float]:
    async with connected(MANY, FEW) as (_, (many, few)):
        return await in_turns(
            lambda: seconds_a_call(many, MANY, 64, 0.0001),
            lambda: seconds_a_call(few, MANY, 64, 0.0001),
        )


def test_open_calls_whose_deadlines_are_far_take_hardly_any_time(figure: Figure) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        busy, idle = runner.run(beside_open_calls())
    share = (busy - idle) / APART
    found = Comparison(share / SHARE, 1, 100 * share, 100 * SHARE, "%")
    figure(f"{OPEN:,} open calls beside others / {SHARE:.1%} of a processor", found, 1)
    assert share <= SHARE


def test_a_call_over_many_connections_costs_little_more_than_over_few(figure: Figure) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * MANY), hard))
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            many, few = runner.run(over_many_connections())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = Comparison(many / few, 1, many * 1e9, few * 1e9)
    figure(f"a call, {MANY:,} connections / {FEW}", found, SPREAD)
    assert many / few <= SPREAD


def test_an_expiry_costs_little_more_than_an_answered_call(figure: Figure) -> None:
    """`python -m tests.bench.expiry` counts the instructions of both, which takes a minute."""
    names: dict[str, Any] = {}
    exec(SETUP, names)

    def seconds(expire: bool) -> float:
        began = time.process_time()
        names["RUN"](names["calls"](expire))
        return (time.process_time() - began) / 64

    try:
        rounds = [(seconds(True), seconds(False)) for _ in range(100)]
    finally:
        gc.enable()
        names["RUN"](names["closed"]())
        names["LOOP"].close()
    expired, answered = (quantiles(side, n=10)[0] for side in zip(*rounds, strict=True))
    found = Comparison(expired / answered, 1, expired * 1e9, answered * 1e9)
    figure("an expiry / an answered call", found, EXPIRY)
    assert expired / answered <= EXPIRY
