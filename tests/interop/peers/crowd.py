"""``crowd.py URL COUNT``: so many connections, a call on each, until the server drains."""

import asyncio
import resource
import sys

from tracewire.protocol import Peer, connect


async def main(url: str, count: int) -> None:
    peers: list[Peer] = [await connect(url) for _ in range(count)]
    answers = [await peer.call("double", number) for number, peer in enumerate(peers)]
    print(sum(answers), flush=True)
    for peer in peers:
        await peer.wait_closed()
    print("all are closed")


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
