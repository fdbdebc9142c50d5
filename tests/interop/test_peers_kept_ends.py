"""Kept peers: before the first connection, in long outages, given up, and what goes oddly."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate, failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tests.interop.test_peers_connections import fill
from tracewire.codec import Status
from tracewire.protocol import Executed, Service, connect, serve
from tracewire.protocol.peers.reconnecting import LONGEST_PAUSE


async def test_one_that_waits_is_entered_before_its_server_is_up(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    await server.close()
    place.url = server.url
    async with place.connect(server).kept(wait=True) as kept:
        assert said(await failure(kept.call("ready", timeout=0.01))) == (
            Status.UNAVAILABLE,
            Executed.NO,
        )
        call = asyncio.create_task(kept.call("ready", 1))
        async with await place.serve(gate.service):
            assert await call == 1


async def test_one_that_was_not_entered_says_so(place: Place) -> None:
    async with await place.serve(Service()) as server:
        error = await failure(place.connect(server).kept().call("m"))
        assert said(error) == (Status.UNAVAILABLE, Executed.NO)
        assert "kept()" in error.message
        assert not server.peers


async def test_one_that_was_closed_is_not_entered_again(place: Place) -> None:
    async with await place.serve(Service()) as server:
        kept = place.connect(server).kept()
        async with kept:
            assert await kept is kept
        with pytest.raises(RuntimeError, match=r"kept\(\) again"):
            await kept


async def test_one_that_is_given_up_while_it_connects_stops(tmp_path: Path) -> None:
    path = str(tmp_path / "busy.sock")
    with ExitStack() as stack:
        busy = stack.enter_context(socket.socket(socket.AF_UNIX))
        busy.bind(path)
        busy.listen(0)
        busy.setblocking(False)
        others = fill(path, stack)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect(f"unix://{path}").kept()
        for _ in range(others):
            busy.accept()[0].close()
        await asyncio.sleep(0.05)  # several attempts, if there were any
        with pytest.raises(BlockingIOError):
            busy.accept()


@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_a_call_that_waits_cuts_a_pause_short_at_most_once_a_second(still: Place) -> None:
    server = await still.serve(Service())
    async with still.connect(server).kept(first=1000, longest=1000) as kept:
        await server.close()
        while kept.is_open:
            await asyncio.sleep(0)
        kept._attempted = asyncio.get_running_loop().time()
        gate = Gate()
        async with await still.serve(gate.service):
            await later(900)
            calls = [asyncio.create_task(kept.call("ready", n)) for n in range(3)]
            await later(0.25)
            assert await asyncio.gather(*calls) == [0, 1, 2]


@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_it_comes_back_soon_however_long_the_server_was_down(still: Place) -> None:
    server = await still.serve(Service())
    async with still.connect(server).kept() as kept:
        await server.close()
        for _ in range(1000):
            await later(LONGEST_PAUSE / 4)
        async with await still.serve(Service()):
            for _ in range(4):
                await later(LONGEST_PAUSE / 4)
            assert kept.is_open


def test_it_survives_whatever_an_attempt_raises() -> None:
    raised: list[BaseException] = []

    class Loop(asyncio.SelectorEventLoop):
        odd: list[type[BaseException]] = []  # noqa: RUF012

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
            if self.odd:
                raised.append(self.odd.pop()("odd"))
                raise raised[-1]
            return super().run_in_executor(executor, func, *args)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        gate = Gate()
        async with serve("tcp://127.0.0.1:0", gate.service) as server:
            url = f"tcp://localhost:{server.url.rpartition(':')[2]}"
            async with connect(url).kept() as kept:
                assert await kept.call("ready", 1) == 1
                loop.odd = [RuntimeError, MemoryError, BaseException, asyncio.CancelledError]
                for peer in server.peers:
                    await peer.close()
                assert await kept.call("ready", 2, timeout=5) == 2

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())
    assert len(raised) == 4


@pytest.mark.parametrize(("first", "longest"), [(0, 1), (2, 1), (-1, -1)])
def test_pauses_that_make_no_sense_are_refused(first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="pauses"):
        connect("tcp://127.0.0.1:1").kept(first=first, longest=longest)
