"""The demo's processes, as the one that starts them sees them."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]  # where `-m examples.demo.…` and tests/ are found
SECONDS = 20  # after which a process that says nothing has failed


class Failed(Exception):
    """A process ended early or said nothing."""


class Process:
    """One child. It reports on stdout and ends when its stdin is closed."""

    def __init__(self, name: str, child: asyncio.subprocess.Process) -> None:
        self.name = name
        self.spans: list[dict[str, Any]] = []
        self._child = child
        self._reports: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)

    async def command(self, **command: object) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command).encode() + b"\n")
        await self._child.stdin.drain()

    async def report(self, *events: str) -> dict[str, Any]:
        """The next report of one of these events. Failed where none comes."""
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    for event in events:
                        if self._reports[event]:
                            return self._reports[event].popleft()
                    if not await self._read():
                        code = await self._child.wait()
                        raise Failed(f"{self.name} ended early, exit code {code}")
        except TimeoutError:
            waited = " or ".join(events)
            raise Failed(f"{self.name} reported no {waited!r} in {SECONDS} s") from None

    async def _read(self) -> bool:
        """Files one report; False at the end."""
        assert self._child.stdout is not None
        line = await self._child.stdout.readline()
        if line:
            facts = json.loads(line)
            if facts["event"] == "span":
                self.spans.append({**facts, "process": self.name, "pid": self._child.pid})
            else:
                self._reports[facts["event"]].append(facts)
        return bool(line)

    async def end(self) -> None:
        """Closes stdin, reads what is left, and reaps the child, by force if it must be."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            async with asyncio.timeout(SECONDS):
                while await self._read():
                    pass
                code = await self._child.wait()
        except TimeoutError:
            raise Failed(f"{self.name} did not end in {SECONDS} s") from None
        finally:
            if self._child.returncode is None:
                self._child.kill()
                await self._child.wait()
        if code:
            raise Failed(f"{self.name} ended with exit code {code}")


@asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[Process]:
    """A child, an interpreter with these arguments, that is gone when the block is left."""
    # In a process group of its own: Ctrl-C is for the demo alone, which then ends its children.
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT, process_group=0
    )
    process = Process(name, child)
    try:
        yield process
    finally:
        await process.end()
