"""A server as a process that serves until a signal: forever.py LOOP EARLIER DRAIN_SECONDS URL...

EARLIER: what handles the signals before, ``nothing``, ``signal`` or ``loop``. It prints its
addresses, ``over`` when serve_forever returned, and then each signal that the earlier handler got.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from tracewire.protocol import Service, current_call, serve

NUMBERS = (signal.SIGTERM, signal.SIGINT)


def calling_back() -> Service:
    service = Service()

    @service.method
    async def call_back() -> object:
        peer: Any = current_call().peer
        return await peer.call("wait", 1)

    return service


def handle_earlier(how: str, arrived: Callable[[str], None]) -> None:
    for number in NUMBERS:
        if how == "signal":
            signal.signal(number, lambda number, frame: arrived(signal.Signals(number).name))
        elif how == "loop":
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(number, arrived, number.name)


async def main(earlier: str, drain_seconds: str, *urls: str) -> None:
    arrived: list[str] = []

    def told(name: str) -> None:
        arrived.append(name)
        print(name, flush=True)

    handle_earlier(earlier, told)
    servers = [await serve(url, calling_back()) for url in urls]
    print(*(server.url for server in servers), flush=True)
    seconds = float(drain_seconds)
    await asyncio.gather(*(each.serve_forever(drain_seconds=seconds) for each in servers))
    assert not any(server.peers for server in servers)
    print("over", flush=True)
    while earlier != "nothing" and len(arrived) < len(NUMBERS):
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    new_loop = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}[sys.argv[1]]
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(*sys.argv[2:]))
