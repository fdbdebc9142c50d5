"""A worker pool: jobs from a queue go to processes, each with a time budget, cancelled when over.

Workers connect and call `pool.join`. The pool calls them back, over the same connection, as long as
there are jobs. Each job is a trace of its own: else all would be part of the call by which a
worker joined, and that goes on as long as the pool does. Run it with `python examples/workers.py`.
"""

import asyncio
import sys
import tempfile
from contextvars import Context
from subprocess import PIPE, Popen
from typing import NamedTuple

from tracewire.protocol import Caller, RpcError, Service, connect, current_call, serve

WORKERS = 2


class Job(NamedTuple):
    """``seconds``: how long it takes. ``budget``: how long it may take."""

    name: str
    seconds: float
    budget: float


JOBS = [Job("clip", 0.01, 5), Job("film", 3600, 0.5), Job("still", 0.01, 5), Job("tune", 0.01, 5)]

# What a worker serves, in a process of its own.
render = Service("render")
stopped: list[str] = []


@render.method
async def run(job: Job) -> str:
    try:
        await asyncio.sleep(job.seconds)  # the work
    except asyncio.CancelledError:
        stopped.append(job.name)
        raise
    return f"{job.name} is rendered"


async def work(url: str) -> None:
    async with connect(url, render) as pool:
        await pool.call("pool.join")
    print(f"a worker is done; it stopped {stopped}")


# What the pool serves.
pool = Service("pool")
queue: asyncio.Queue[Job | None] = asyncio.Queue()


@pool.method
async def join() -> None:
    worker = current_call().peer
    while (job := await queue.get()) is not None:
        await asyncio.create_task(hand_over(job, worker), context=Context())


async def hand_over(job: Job, worker: Caller) -> None:
    """In a context of its own: it has neither the trace nor the deadline of who joined."""
    try:
        print(await worker.call("render.run", job, timeout=job.budget))
    except RpcError as error:
        print(f"{job.name} failed with {error.status.name}")


async def main() -> None:
    for job in (*JOBS, *[None] * WORKERS):
        queue.put_nowait(job)
    with tempfile.TemporaryDirectory() as folder:
        async with serve(f"unix://{folder}/pool.sock", pool) as server:
            command = sys.executable, __file__, server.url
            workers = [Popen(command, stdout=PIPE, text=True) for _ in range(WORKERS)]
            for each in workers:
                said, _ = await asyncio.to_thread(each.communicate)
                print(said, end="")


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]) if sys.argv[1:] else main())
