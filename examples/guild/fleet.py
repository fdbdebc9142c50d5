"""The fleet of the demo: an API process, two guilds, and session processes of three generations."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from examples.demo.processes import Process, running

from .setting import Setting

BUSY: Final = "guild-7"
IDLE: Final = "guild-8"
#: The session process that is switched while messages flow.
SWITCHED: Final = "sessions-b"


class Holder(NamedTuple):
    """A session process. ``tenths``: of all sessions. ``reads``: bare, framed (as generation 1,
    which ignores context) or both. ``dialect``: what guilds are configured to send to it."""

    name: str
    tenths: int
    reads: str
    dialect: str


HOLDERS: Final = (
    Holder("sessions-a", 4, "both", "framed"),
    Holder(SWITCHED, 3, "both", "bare"),
    Holder("sessions-old", 2, "framed", "framed"),
    Holder("sessions-bare", 1, "bare", "bare"),
)


@dataclass
class Fleet:
    """``sessions``: how many there are. ``urls``: of each guild for each setting."""

    sessions: int
    processes: dict[str, Process]
    urls: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    async def ask(self, name: str, **command: object) -> dict[str, Any]:
        """One process does what it is told, and says what came of it."""
        await self.processes[name].command(**command)
        return await self.processes[name].report("done")

    async def ask_all(self, **command: object) -> dict[str, dict[str, Any]]:
        async with asyncio.TaskGroup() as asking:
            answers = {
                name: asking.create_task(self.ask(name, **command)) for name in self.processes
            }
        return {name: answer.result() for name, answer in answers.items()}

    async def set(self, setting: Setting) -> None:
        """Every process traces in this way from now on."""
        answers = await self.ask_all(setting=setting.to_dict())
        for guild in (BUSY, IDLE):
            self.urls[guild, setting.name] = answers[guild]["url"]

    async def post(
        self, setting: Setting, posts: list[tuple[str, str, int]], at_once: int
    ) -> list[dict[str, Any]]:
        """Makes posts, each a guild, an action and a number of recipients. What each came to."""
        asked = [
            (self.urls[guild, setting.name], action, next(self.numbers), recipients)
            for guild, action, recipients in posts
        ]
        said = await self.ask("api", setting=setting.to_dict(), posts=asked, at_once=at_once)
        answers: list[dict[str, Any]] = said["answers"]
        return answers

    async def delivered(self) -> dict[int, int]:
        """How many sessions got each post."""
        found: dict[int, int] = {}
        for name in (holder.name for holder in HOLDERS):
            for number, times in (await self.ask(name, delivered=True))["delivered"].items():
                found[int(number)] = found.get(int(number), 0) + times
        return found

    def spans(self) -> list[dict[str, Any]]:
        """All that were told so far."""
        return [span for process in self.processes.values() for span in process.spans]


@asynccontextmanager
async def fleet(folder: Path, sessions: int) -> AsyncIterator[Fleet]:
    """All processes, ready; none is left when the block is. Sockets are in the folder."""
    held = {holder.name: sessions * holder.tenths // 10 for holder in HOLDERS}
    sockets = {name: str(folder / f"{name}.sock") for name in held}
    async with AsyncExitStack() as stack:
        processes: dict[str, Process] = {}

        async def start(*names: tuple[str, list[str]]) -> None:
            for name, arguments in names:
                started = running(name, "-m", *arguments)
                processes[name] = await stack.enter_async_context(started)
            for name, _ in names:
                await processes[name].report("ready")

        await start(
            *(
                (
                    each.name,
                    [
                        "examples.guild.sessions",
                        each.name,
                        sockets[each.name],
                        str(held[each.name]),
                        each.reads,
                    ],
                )
                for each in HOLDERS
            )
        )
        destinations = json.dumps(
            {each.name: (sockets[each.name], held[each.name], each.dialect) for each in HOLDERS}
        )
        await start(
            *(
                (name, ["examples.guild.guild", name, str(folder), destinations])
                for name in (BUSY, IDLE)
            ),
            ("api", ["examples.guild.api"]),
        )
        yield Fleet(sessions, processes)
