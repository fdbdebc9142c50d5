"""A protocol that keeps what happens to it, for tests of transports."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE = 20  # seconds after which a scenario hangs


class Recorder(asyncio.Protocol):
    """Keeps what happens to it. ``keep_open``: what eof_received returns."""

    def __init__(self, keep_open: bool = False) -> None:
        self.keep_open = keep_open
        self.data = b""
        self.happened: list[Any] = []
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.note("made")

    def data_received(self, data: bytes) -> None:
        assert type(data) is bytes
        assert data
        self.data += data
        self._changed.set()

    def eof_received(self) -> bool:
        self.note("eof")
        return self.keep_open

    def connection_lost(self, error: Exception | None) -> None:
        self.note("lost" if error is None else type(error))

    def pause_writing(self) -> None:
        self.note("pause")

    def resume_writing(self) -> None:
        self.note("resume")

    def note(self, what: object) -> None:
        self.happened.append(what)
        self._changed.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._changed.clear()
            await self._changed.wait()

    async def until_happened(self, what: object) -> None:
        await self.until(lambda: what in self.happened)

    async def until_read(self, data: bytes) -> None:
        await self.until(lambda: len(self.data) >= len(data))
        assert self.data == data

    @property
    def lost(self) -> bool:
        return "lost" in self.happened or any(isinstance(each, type) for each in self.happened)

    async def until_lost(self) -> None:
        await self.until(lambda: self.lost)


async def settle() -> None:
    """Lets the event loop do all that it can without waiting for anybody."""
    for _ in range(20):
        await asyncio.sleep(0)


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()

    asyncio.run(main())
