"""A process that holds sessions.

    python -m examples.guild.sessions NAME SOCKET COUNT bare|framed|both

It listens for messages on SOCKET, and obeys commands on stdin:

    {"setting": …}   traces in this way from now on
    {"report": URL}  tells the guild there which dialects it reads, by a call
    {"delivered": true} reports how many messages each post has brought, too

Each command is answered by a report of its processor time, spans, roots and extracts.

It reports on stdout and ends when stdin does. Where GUILD_LOSES is its name it loses its first
message, for a test of whether that is noticed.
"""

import asyncio
import os
import sys
import time

from examples.demo.control import commands, report
from tracewire.protocol import connect, self_cost

from .session import Bare, Framed, Traced
from .setting import Setting
from .spans import Spans
from .wire import ALL, Records, record

QUIET = Setting("quiet", traced=False)


class Inlet(asyncio.Protocol):
    """A guild's messages."""

    def __init__(self, sessions: Bare | Framed | Traced) -> None:
        self._read = sessions.read
        self._records = Records()
        self._loses = os.environ.get("GUILD_LOSES") == sys.argv[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        for session, message in self._records.feed(data):
            if session == ALL:
                self._transport.write(record(ALL, message))
            elif self._loses:
                self._loses = False
            else:
                self._read(session, message)


def made(name: str, count: int, reads: str, spans: Spans) -> Bare | Framed | Traced:
    if reads == "both":
        return Traced(name, count, QUIET, spans)
    return Framed(count) if reads == "framed" else Bare(count)


async def tell(sessions: Traced, url: str) -> None:
    """What only a receiver can say: which dialects it reads."""
    said = sessions.census.report(sessions.name, f"{sessions.name}-1", mode="both")
    async with connect(url) as guild:
        await guild.call("census.report", said.to_dict())


async def main() -> None:
    name, path, count, reads = sys.argv[1:]
    spans = Spans()
    sessions = made(name, int(count), reads, spans)
    await asyncio.get_running_loop().create_unix_server(lambda: Inlet(sessions), path)
    report(event="ready")
    async for command in commands():
        if isinstance(sessions, Traced):
            if "setting" in command:
                sessions.set(Setting.from_dict(command["setting"]))
            if "report" in command:
                await tell(sessions, command["report"])
        report(
            event="done",
            seconds=time.process_time(),
            delivered=sessions.delivered if "delivered" in command else {},
            spans=spans.ended,
            roots=spans.roots,
            extracts=getattr(sessions, "extracted", 0),
            heard=getattr(sessions, "heard", {}),
            cost=self_cost(),
        )


if __name__ == "__main__":
    asyncio.run(main())
