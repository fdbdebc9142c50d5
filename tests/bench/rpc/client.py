"""Calls to the servers of tests.bench.rpc.server, each in a process of its own: one body of 64
bytes, a deadline on both sides, many calls at a time."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time_ns

from tests.bench.rpc.telemetry import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
BODY = bytes(range(64))
TIMEOUT = 5.0
CONCURRENT = 64
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Echo:
    """A call to an echo server, and the process that serves it."""

    call: Callable[[], Awaitable[object]]
    pid: int

    async def run(self, calls: int, concurrent: int = CONCURRENT) -> None:
        async def some() -> None:
            for _ in range(calls // concurrent):
                await self.call()

        await asyncio.gather(*(some() for _ in range(concurrent)))

    async def rate(self, calls: int) -> float:
        """Calls per second."""
        began = perf_counter()
        await self.run(calls)
        return calls / (perf_counter() - began)

    async def cpu(self, work: Callable[[], Awaitable[object]]) -> float:
        """Nanoseconds of processor time that client and server spend on work."""
        before = process_time_ns() + _cpu_of(self.pid)
        await work()
        return process_time_ns() + _cpu_of(self.pid) - before

    async def latencies(self, calls: int) -> list[float]:
        """Seconds that each of so many calls took, one after the other, in ascending order."""
        took = []
        for _ in range(calls):
            began = perf_counter()
            await self.call()
            took.append(perf_counter() - began)
        return sorted(took)


def _cpu_of(pid: int) -> int:
    """Nanoseconds that another process has run, by the scheduler's accounts."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def resident(pid: int) -> int:
    """Bytes of memory that another process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def most_resident(pid: int) -> int:
    """Bytes of memory that another process has had at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[int, int]]:
    """The port and the process of an echo server."""
    command = [sys.executable, "-m", "tests.bench.rpc.server", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield int(await asyncio.to_thread(process.stdout.readline)), process.pid
        finally:
            process.stdin.close()
            process.terminate()


@asynccontextmanager
async def bare() -> AsyncIterator[Echo]:
    from tests.bench.rpc.bare import Caller

    async with serving("bare") as (port, pid):
        loop = asyncio.get_running_loop()
        transport, caller = await loop.create_connection(Caller, "127.0.0.1", port)
        yield Echo(lambda: caller.call(BODY), pid)
        transport.close()


@asynccontextmanager
async def ours(setting: str = "plain") -> AsyncIterator[Echo]:
    """``setting``: the tracing of both sides, by its name in telemetry.SETTINGS."""
    from tracewire.protocol import Body, connect

    body = Body(BODY, 42)
    tracing = SETTINGS[setting]()
    async with (
        serving("ours", setting) as (port, pid),
        connect(f"tcp://127.0.0.1:{port}", tracing=tracing) as peer,
    ):
        yield Echo(lambda: peer.call("echo", body, timeout=TIMEOUT, returns=Body), pid)


@asynccontextmanager
async def grpc() -> AsyncIterator[Echo]:
    import grpc.aio

    async with (
        serving("grpc") as (port, pid),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        method = channel.unary_unary("/bench/echo")
        yield Echo(lambda: method(BODY, timeout=TIMEOUT), pid)
