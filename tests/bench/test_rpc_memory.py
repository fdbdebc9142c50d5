"""What connections and calls cost in memory, which the system is asked about both processes."""

import asyncio
import os
import resource

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison
from tests.bench.rpc import client
from tests.bench.rpc.client import resident
from tracewire.protocol import Peer, connect

IDLE = 4_000
MOST_IDLE = 6 * 1024
CALLS = 100_000
#: What an allocator may take ahead or give back late: less than 3 bytes a call.
NOISE = 256 * 1024


async def opened(port: int, count: int) -> list[Peer]:
    """Connections on which both sides said hello and one call was made."""
    peers = [await connect(f"tcp://127.0.0.1:{port}") for _ in range(count)]
    for peer in peers:
        await peer.call("echo", timeout=client.TIMEOUT)
    return peers


async def bytes_of_an_idle_connection() -> float:
    async with client.serving("ours", "plain") as (port, pid):
        peers = await opened(port, 500)
        before = resident(pid)
        peers += await opened(port, IDLE)
        taken = resident(pid) - before
        for peer in peers:
            await peer.close()
    return taken / IDLE


async def growth() -> tuple[int, int]:
    """Bytes that client and server have more after so many calls."""
    async with client.ours() as echo:
        await echo.run(CALLS // 4)
        before = resident(os.getpid()), resident(echo.pid)
        await echo.run(CALLS)
        return resident(os.getpid()) - before[0], resident(echo.pid) - before[1]


def test_an_idle_connection_takes_at_most_6_kib_of_the_servers_memory(figure: Figure) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * IDLE), hard))
    try:
        taken = asyncio.run(bytes_of_an_idle_connection())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    figure("an idle connection / 6 KiB", Comparison(taken / MOST_IDLE, 1, taken, MOST_IDLE, "B"), 1)
    assert taken <= MOST_IDLE


def test_calls_leave_nothing_behind(figure: Figure) -> None:
    most = max(asyncio.run(growth()))
    figure(
        f"growth after {CALLS:,} calls / noise", Comparison(most / NOISE, 1, most, NOISE, "B"), 1
    )
    assert most <= NOISE
