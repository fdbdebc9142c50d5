"""Servers are restarted under load, one by one: nothing is lost, and nothing runs twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from signal import SIGTERM

from tests.interop.places import Place
from tests.interop.processes import Child
from tracewire.codec import Status
from tracewire.protocol import Executed, RpcError, Service, connect
from tracewire.protocol.peers.reconnecting import Reconnecting

SERVERS = 3
AT_ONCE = 8
#: Calls that are answered between two restarts, so that each meets load.
BETWEEN = 500


class Load:
    """Numbers that are worked on, by calls that are made again where nothing ran."""

    def __init__(self) -> None:
        self.numbers: Iterator[int] = count()
        self.answers: Counter[int] = Counter()
        self.stopped = False
        self._more = asyncio.Event()

    async def call_on(self, peer: Reconnecting) -> None:
        while not self.stopped:
            number = next(self.numbers)
            while not await self._is_done(peer, number):
                pass

    async def _is_done(self, peer: Reconnecting, number: int) -> bool:
        try:
            answer = await peer.call("work", number)
        except RpcError as error:
            assert (error.status, error.executed) == (Status.UNAVAILABLE, Executed.NO), error
            return False
        assert answer == number
        self.answers[number] += 1
        self._more.set()
        return True

    async def passes(self, more: int) -> None:
        """Returns once so many more were answered."""
        until = self.answers.total() + more
        while self.answers.total() < until:
            self._more.clear()
            await self._more.wait()


async def test_a_server_that_drains_and_its_successor_in_one_process(place: Place) -> None:
    service, ran, load = Service(), Counter[int](), Load()

    @service.method
    async def work(number: int) -> int:
        for _ in range(number % 5):  # some answer at once, some in a later turn
            await asyncio.sleep(0)
        ran[number] += 1
        return number

    server = await place.serve(service)
    place.url = server.url  # the port that was given
    async with place.connect(server).kept() as peer, place.connect(server).kept() as another:
        calling = [asyncio.create_task(load.call_on(each)) for each in (peer, another) * AT_ONCE]
        for _ in range(4):
            await load.passes(BETWEEN)
            await server.drain()
            server = await place.serve(service)
        await load.passes(BETWEEN)
        load.stopped = True
        await asyncio.gather(*calling)
        await server.close()
    assert ran == load.answers == Counter(range(next(load.numbers)))


async def test_servers_that_are_restarted_one_by_one_lose_nothing_and_do_nothing_twice(
    kernel: Place, tmp_path: Path
) -> None:
    log, load = tmp_path / "log", Load()
    ends = [f".{n}" if kernel.scheme == "unix" else "" for n in range(SERVERS)]
    async with AsyncExitStack() as stack:

        async def worker(url: str) -> Child:
            return await stack.enter_async_context(await Child.start("worker", url, log))

        workers = [await worker(kernel.url + end) for end in ends]
        urls = [await each.go() for each in workers]
        successors = [await worker(url) for url in urls]
        peers = [await stack.enter_async_context(connect(url).kept()) for url in urls]
        calling = [asyncio.create_task(load.call_on(peer)) for peer in peers * AT_ONCE]
        for old, new in zip(workers, successors, strict=True):
            await load.passes(BETWEEN)
            old.signal(SIGTERM)
            assert await old.ended() == 0
            await new.go()
        await load.passes(BETWEEN)
        load.stopped = True
        await asyncio.gather(*calling)
        for peer in peers:
            await peer.drain()
        for new in successors:
            new.signal(SIGTERM)
            assert await new.ended() == 0
    ran = Counter(map(int, log.read_text().split()))
    assert ran == load.answers == Counter(range(next(load.numbers)))
