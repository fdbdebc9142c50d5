"""Calls under load over a flaky wire, and the record of all that became of them."""

import asyncio
from pathlib import Path
from random import Random
from typing import Final

from tests.interop.places import Place
from tests.sweeps.history import GIVEN_UP, History
from tests.sweeps.leaks import LeakCheck, LogLines
from tests.sweeps.wire import FATES, FlakyWire
from tracewire.codec import Status
from tracewire.protocol import Limits, RpcError, Server, Service, connect, current_call, serve
from tracewire.protocol.peers.reconnecting import Reconnecting

_LIMITS: Final = Limits(
    linger_seconds=0.2, discard_seconds=0.2, connect_seconds=1, in_flight=8, in_flight_server=16
)
_CALLERS: Final = 3
_AT_ONCE: Final = 10  # more than the server takes of one connection
#: Seconds that a call is given; on a wire that says nothing they pass.
_TIMEOUT: Final = 0.5
_ENDS_WITHIN: Final = 5.0


class Load:
    """A server, and callers that reach it over the wire.

    ``wrong``: what went otherwise than it must, beside the history's faults.
    """

    def __init__(self, place: Place, folder: Path, seed: int) -> None:
        self._place, self._folder, self._seed = place, folder, seed
        self._random = Random(seed)
        self.history = History()
        self.wrong: list[str] = []
        self.met: dict[str, int] = {}
        self._service = Service()
        for function in (self.work, self.ask_back, self.note):
            self._service.method(function)

    async def work(self, body: list[object]) -> object:
        """Its name, how long it works in turns and whether it fails; what is behind is ballast."""
        name, turns, fails, _ = body
        self.history.ran[str(name)] += 1
        for _ in range(turns if isinstance(turns, int) else 0):
            await asyncio.sleep(0.001)
        if fails:
            raise RpcError(Status.NOT_FOUND, "as it was asked to")
        return [name, bytes(2_000)]

    async def ask_back(self, body: list[object]) -> object:
        """Calls whoever called: both directions are under load."""
        name = str(body[0])
        back = f"{name}, back"
        await self._call(current_call().peer, "work", back, timeout=_TIMEOUT / 2)
        self.history.ran[name] += 1
        return [name]

    def note(self, name: str) -> None:
        pass

    async def run(self, calls: int) -> None:
        check = LeakCheck(self._folder)
        place = self._place
        with LogLines() as lines:
            async with serve(
                place.url, self._service, tls=place.server_tls, limits=_LIMITS
            ) as server:
                async with FlakyWire(server.url, _beside(place.url), self._seed, FATES) as wire:
                    await self._callers(wire.url, calls)
                    self.met = wire.met
                if not await server.drain(timeout=_ENDS_WITHIN):
                    self.wrong.append("the server's drain did not end")
                self._look_at(server)
        del lines  # one wire that ends often may be told of often
        self.wrong += [*self.history.faults(), *await check.settle()]

    def _look_at(self, server: Server) -> None:
        if server.in_flight or server.peers:
            self.wrong.append(f"{server.in_flight} calls and {len(server.peers)} peers are left")

    async def _callers(self, url: str, calls: int) -> None:
        tls = self._place.client_tls
        async with asyncio.TaskGroup() as group:
            for number in range(_CALLERS):
                kept = connect(url, self._service, tls=tls, limits=_LIMITS)
                peer = kept.kept(wait=True, first=0.01, longest=0.05)
                group.create_task(self._caller(peer, number, calls // _CALLERS))

    async def _caller(self, kept: Reconnecting, number: int, calls: int) -> None:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(name: str) -> None:
            async with room:
                method = self._random.choice(["work", "work", "work", "ask_back"])
                # One in ten is given up, sooner or later.
                patience = self._random.uniform(0, 0.02) if self._random.random() < 0.1 else None  # noqa: PLR2004
                try:
                    async with asyncio.timeout(patience):
                        await self._call(kept, method, name, _TIMEOUT)
                except TimeoutError:
                    pass  # of ours: the history has it
                if self._random.random() < 0.2:  # noqa: PLR2004
                    await self._note(kept, name)

        async with kept, asyncio.TaskGroup() as group:
            for each in range(calls):
                group.create_task(one(f"{number}.{each}"))

    async def _call(self, peer: object, method: str, name: str, timeout: float) -> None:
        turns = self._random.randrange(4)
        fails = self._random.random() < 0.1  # noqa: PLR2004
        body = [name, turns, fails, bytes(self._random.choice([0, 10, 3_000]))]
        self.history.begin(name)
        try:
            answer = await peer.call(method, body, timeout=timeout)  # type: ignore[attr-defined]
        except RpcError as error:
            self.history.end(name, error)
        except asyncio.CancelledError:
            self.history.end(name, GIVEN_UP)
            raise
        else:
            self.history.end(name, answer[0])

    async def _note(self, kept: Reconnecting, name: str) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await kept.notify("note", name)
        except (RpcError, TimeoutError):
            pass  # nobody answers, whether or not it came


def _beside(url: str) -> str:
    """Another address of the same kind."""
    scheme, _, rest = url.partition("://")
    return url if scheme in ("tcp", "tls") else f"{scheme}://{rest}.wire"
