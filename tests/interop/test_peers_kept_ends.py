"""Kept peers: before the first connection, in long outages, given up, and what goes oddly."""

import asyncio
import logging
import random
import socket
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate, failure, said
from tests.interop.clock import later
from tests.interop.places import Place
from tests.interop.test_peers_connections import fill
from tracewire.codec import Status
from tracewire.protocol import Executed, Peer, Service, Tracing, connect, serve
from tracewire.protocol.peers.reconnecting import LONGEST_PAUSE, Reconnecting


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


class Unanswered:
    """Attempts to connect that nobody answers, until ``peer`` is there."""

    def __init__(self, peer: Peer | None = None) -> None:
        self.peer = peer
        self.began: list[float] = []

    async def __call__(self) -> Peer:
        self.began.append(asyncio.get_running_loop().time())
        if self.peer is None:
            await asyncio.Event().wait()
        assert self.peer is not None
        peer, self.peer = self.peer, None
        return peer


@pytest.mark.parametrize("longest", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_an_attempt_that_is_not_answered_takes_no_longer_than_the_longest_pause(
    still: Place, longest: float
) -> None:
    """But a second at least. So it is back within twice as long of a server that is up again."""
    attempt = max(longest, 1.0)
    async with await still.serve(Service()) as server:
        unanswered = Unanswered()
        kept = Reconnecting(unanswered, server.url, Tracing(), True, (longest / 4, longest))
        async with kept:
            while len(unanswered.began) < 12:
                await later(longest / 16)
            apart = [b - a for a, b in pairwise(unanswered.began)]
            assert all(attempt <= each <= attempt + longest + longest / 8 for each in apart)
            unanswered.peer = await still.connect(server)
            for _ in range(int(16 * (attempt + longest) / longest) + 2):
                await later(longest / 16)
            assert kept.is_open


@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_pauses_differ_whatever_the_application_seeds(still: Place) -> None:
    """Many processes that seed alike would else all come back at the same moment."""
    came = []
    async with await still.serve(Service()) as server:
        for _ in range(2):
            random.seed(7)
            unanswered, began = Unanswered(), asyncio.get_running_loop().time()
            async with Reconnecting(unanswered, server.url, Tracing(), True):
                while len(unanswered.began) < 8:
                    await later(1 / 32)
            came.append([at - began for at in unanswered.began])
    assert came[0] != came[1]


class Wordless(ConnectionError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("error", [Wordless(), OSError("refused")], ids=["text", "log"])
@pytest.mark.parametrize("still", ["memory"], indirect=True)
async def test_an_outage_that_cannot_be_told_of_ends_no_attempts(
    still: Place, error: Exception
) -> None:
    """The error has no text, or a filter of the log fails."""

    def refuse(record: logging.LogRecord) -> bool:
        raise ValueError("a filter's own fault")

    async with await still.serve(Service()) as server:
        attempts = 0
        there = await still.connect(server)

        async def attempt() -> Peer:
            nonlocal attempts
            attempts += 1
            if attempts < 3:
                raise error
            return there

        log = logging.getLogger("tracewire.peer")
        if not isinstance(error, Wordless):
            log.addFilter(refuse)
        try:
            async with Reconnecting(attempt, server.url, Tracing(), True) as kept:
                while not kept.is_open:
                    await later(1 / 32)
        finally:
            log.removeFilter(refuse)
    assert attempts == 3


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
