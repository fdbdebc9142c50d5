"""A process is forked at each stage of a life: the child ends nothing of its parent's."""

import asyncio
import gc
import os
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.interop.calls import Gate, begin
from tests.interop.places import Place
from tests.sweeps.leaks import LeakCheck
from tracewire.protocol import Limits, Server, serve

SOON = Limits(linger_seconds=0.2, discard_seconds=0.2)
#: What the child ends with where it left all of its blocks, and nothing stood in its way.
_LEFT = 7

Stage = Callable[[str], Awaitable[None]]


class Leaves(Exception):
    """Ends each block that the child is in, as an error of the application does."""


class Fork:
    """Forks at one stage. The child leaves at once, or is there until its parent has ended."""

    def __init__(self, at: str | None, lingers: bool) -> None:
        self._at, self._lingers = at, lingers
        self.stages: list[str] = []
        self._child = 0
        self._parent_ended, self._ends = os.pipe()

    async def stage(self, name: str) -> None:
        self.stages.append(name)
        if name != self._at:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests
            self._child = os.fork()
        if not self._child:
            if self._lingers:
                os.close(self._ends)
                os.read(self._parent_ended, 1)
            raise Leaves
        if not self._lingers:
            await self._reap()

    async def end(self) -> None:
        os.close(self._ends)
        if self._child:
            await self._reap()
        os.close(self._parent_ended)

    async def _reap(self) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        watched = os.pidfd_open(self._child)
        loop.add_reader(watched, over.set)
        await over.wait()
        loop.remove_reader(watched)
        os.close(watched)
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        assert os.waitstatus_to_exitcode(status) == _LEFT


async def life(place: Place, stage: Stage) -> None:
    """What is opened, used and ended, with a stage between any two of them."""
    gate = Gate()
    await stage("nothing is open")
    async with serve(place.url, gate.service, tls=place.server_tls, limits=SOON) as server:
        await stage("served")
        async with place.connect(server, limits=SOON) as peer:
            await stage("connected")
            assert await peer.call("ready", 1) == 1
            async with place.connect(server, limits=SOON).kept() as kept:
                await stage("kept")
                call = await begin(peer.call("wait", 2), gate)
                await stage("a call is open")
                gate.opened.set()
                assert await call == 2
                assert await kept.call("ready", 3) == 3
                async with place.connect(server, limits=SOON) as another:
                    assert await another.call("ready", 4) == 4
                await kept.drain()
                await stage("kept has drained")
        await stage("the peer is closed")
        await server.drain()
        await stage("drained")
    await stage("all is closed")
    await is_gone(place, server)


async def is_gone(place: Place, server: Server) -> None:
    try:
        await place.connect(server)
    except (ConnectionRefusedError, FileNotFoundError):
        return
    raise AssertionError("somebody still listens")


STAGES = (
    *("nothing is open", "served", "connected", "kept", "a call is open", "kept has drained"),
    *("the peer is closed", "drained", "all is closed"),
)


def forked_at(place: Place, stage: str | None, lingers: bool, folder: Path) -> list[str]:
    """What was left, and the names of the stages."""
    fork = Fork(stage, lingers)

    async def main() -> list[str]:
        check = LeakCheck(folder)
        parent = os.getpid()
        try:
            async with asyncio.timeout(10):
                await life(place, fork.stage)
        except Leaves:
            gc.collect()
            os._exit(_LEFT)
        finally:
            if os.getpid() != parent:
                os._exit(1)
        before = await check.settle()
        await fork.end()
        return before

    with asyncio.Runner(loop_factory=place.new_loop) as runner:
        return runner.run(main()) + [each for each in STAGES if each not in fork.stages]
