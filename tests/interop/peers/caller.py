"""A client as a process: caller.py URL. It calls ``wait``, and serves one that never ends."""

import asyncio
import sys

from tracewire.protocol import Service, connect


async def main(url: str) -> None:
    here = Service()

    @here.method
    async def wait() -> None:
        await asyncio.Event().wait()

    async with connect(url, here) as peer:
        await peer.call("wait")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
