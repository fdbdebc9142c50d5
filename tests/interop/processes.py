"""Peers as processes of their own, as the test that starts them sees them."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self

PROGRAMS = Path(__file__).parent / "peers"


class Child:
    """A program in ``peers``. It is killed at the end if it still runs."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, program: str, *arguments: object) -> Self:
        path, texts = PROGRAMS / f"{program}.py", map(str, arguments)
        running = asyncio.create_subprocess_exec(
            sys.executable, path, *texts, stdin=PIPE, stdout=PIPE
        )
        return cls(await running)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def go(self) -> str:
        """Lets a worker listen; its URL once it does."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await self.line()

    async def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, f"it ended with {await self._process.wait()}"
        return line.decode().rstrip()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, or the signal that ended it, below 0."""
        return await self._process.wait()
