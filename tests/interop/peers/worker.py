"""A server as a process: worker.py URL LOG. It listens once its input has a line or ends.

Then it says where. LOG gets a line for each number that it worked on. SIGTERM drains it.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from tracewire.protocol import Service, current_call, serve


def working(log: int) -> Service:
    service = Service()
    released = asyncio.Event()

    @service.method
    async def work(number: int) -> int:
        await asyncio.sleep(0.002)  # a drain is to meet calls that run
        os.write(log, f"{number}\n".encode())
        return number

    @service.method
    async def hold() -> None:
        await released.wait()

    @service.method
    def release() -> None:
        released.set()

    @service.method
    async def call_back() -> None:
        peer: Any = current_call().peer
        await peer.call("wait")

    return service


async def main(url: str, path: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async with await serve(url, working(log)) as server:
        print(server.url, flush=True)
        await stopped.wait()
        await server.drain("restart")


if __name__ == "__main__":
    sys.stdin.readline()
    asyncio.run(main(sys.argv[1], sys.argv[2]))
