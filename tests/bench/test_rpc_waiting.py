"""What it costs where more is sent than is read: memory of results, wake-ups, time of callers."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from statistics import fmean
from time import process_time
from typing import TypeVarTuple, Unpack

import pytest

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison
from tests.bench.rpc import client
from tests.bench.rpc.rounds import Rounds, beside, within
from tracewire.protocol import Body, connect
from tracewire.protocol.constants import WRITE_BUFFER

LONG = 256 * 1024
FEW, MANY = 100, 1_600
#: Wake-ups of waiters, and processor time against that of few callers, a call.
MOST_WAKE_UPS, MOST_TIME = 1.1, 1.2
#: A round has few callers so often, as each of their runs is short.
ROUNDS, REPEATS = 5, 4


_Arguments = TypeVarTuple("_Arguments")


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often tasks are woken by what they wait for."""

    wake_ups = 0

    def call_soon(
        self,
        callback: Callable[[Unpack[_Arguments]], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        self.wake_ups += type(callback).__name__ == "TaskWakeupMethWrapper" or getattr(
            callback, "__name__", ""
        ).endswith("_wakeup")
        return super().call_soon(callback, *args, context=context)


async def pages(count: int, size: int) -> int:
    """Bytes that the server has had at once more than before."""
    async with (
        client.serving("pages", str(count)) as (port, pid),
        connect(f"tcp://127.0.0.1:{port}") as peer,
    ):
        assert await peer.call("size", Body(b"abc")) == 3
        before = client.resident(pid)
        calls = (peer.call("page", size, returns=Body) for _ in range(count))
        answers = await asyncio.gather(*calls)
        assert {len(each.data) for each in answers} == {size}
        return client.most_resident(pid) - before


async def callers(count: int) -> tuple[float, float]:
    """Wake-ups and seconds of processor time of this side, a call."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, CountingLoop)
    async with (
        client.serving("pages", "1") as (port, _),
        connect(f"tcp://127.0.0.1:{port}") as peer,
    ):
        data = Body(bytes(LONG))
        assert await peer.call("size", data) == LONG
        # The last of the tasks wakes the gathering one.
        woken, began = loop.wake_ups, process_time()
        await asyncio.gather(*(peer.call("size", data) for _ in range(count)))
        return (loop.wake_ups - woken - 1) / count, (process_time() - began) / count


@pytest.mark.parametrize(("count", "size"), [(1_000, 100_000), (80, 1 << 20)])
def test_results_that_are_ready_at_once_take_no_more_than_they_are(
    count: int, size: int, figure: Figure
) -> None:
    """And what may wait to be written once more."""
    taken, most = asyncio.run(pages(count, size)), WRITE_BUFFER + count * size
    name = f"memory of {count:,} results of {size:,} bytes / they and 64 MiB"
    figure(name, Comparison(taken / most, 1, taken, most, "B"), 1)
    assert taken <= most


@pytest.fixture(scope="module")
def rounds() -> tuple[float, Comparison]:
    """Wake-ups of many, at most; and their time, beside that of few."""
    times: Rounds = {"few": [], "again": [], "many": []}
    wake_ups = 0.0
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        for _ in range(ROUNDS):
            for name in ("few", "again"):
                took = [runner.run(callers(FEW))[1] for _ in range(REPEATS)]
                times[name].append(fmean(took) * 1e6)
            woken, took_many = runner.run(callers(MANY))
            wake_ups = max(wake_ups, woken)
            times["many"].append(took_many * 1e6)
    return wake_ups, beside(times, "many", "few", twin="few")._replace(unit="us")


def test_callers_that_wait_are_woken_once(rounds: tuple[float, Comparison], figure: Figure) -> None:
    wake_ups, _ = rounds
    figure("wake-ups a call that waits", Comparison(wake_ups, 1, wake_ups, 1, ""), MOST_WAKE_UPS)
    assert 1 <= wake_ups <= MOST_WAKE_UPS


def test_callers_that_wait_cost_little_more_time(
    rounds: tuple[float, Comparison], figure: Figure
) -> None:
    _, time = rounds
    figure(f"a call of {MANY:,} that wait / of {FEW}", time, MOST_TIME)
    assert within(time, MOST_TIME)
