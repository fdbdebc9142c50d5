"""A guild process: it hands what its members post to their sessions.

    python -m examples.guild.guild NAME FOLDER DESTINATIONS

DESTINATIONS is JSON: name of a session process to [socket, sessions, dialect]. It serves
`guild.everyone`, `guild.message` and `guild.typing` in FOLDER, for each setting on a socket of its
own, and obeys commands on stdin:

    {"setting": …}                     traces in this way from now on; reports the "url"
    {"expect": …}                      who must report before a destination may get frames
    {"switch": NAME, "to": DIALECT}    reports "refused", with the reason, where it is not ready
    {}                                 reports its processor time and counts

It ends when stdin does.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from examples.demo.control import commands, report
from tracewire.codec import NOT_SAMPLED, Trace, wrap
from tracewire.protocol import (
    Census,
    NotReady,
    Report,
    Rollout,
    Server,
    Service,
    Timings,
    Tracing,
    current_call,
    self_cost,
    serve,
    top_service,
)
from tracewire.protocol.operations.traffic import Dialect

from .setting import Setting
from .spans import Spans
from .wire import Outlet


class Post(msgspec.Struct):
    """``number``: of the post, for counting. ``recipients``: how many sessions it goes to."""

    number: int
    recipients: int
    text: str = ""


class Destination(NamedTuple):
    """A session process, and how many sessions of this guild it holds."""

    name: str
    outlet: Outlet
    sessions: int


class Guild:
    def __init__(
        self, name: str, folder: str, destinations: dict[str, tuple[str, int, Dialect]]
    ) -> None:
        self.name, self._folder = name, folder
        self._addresses = {name: path for name, (path, _, _) in destinations.items()}
        self._counts = {name: count for name, (_, count, _) in destinations.items()}
        self._destinations: list[Destination] = []
        self.census = Census()
        self.rollout = Rollout(
            "bare", {name: mode for name, (_, _, mode) in destinations.items()}, census=self.census
        )
        self.timings = Timings()
        self.spans = Spans()
        self._servers: dict[str, Server] = {}

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        for name, path in self._addresses.items():
            _, outlet = await loop.create_unix_connection(Outlet, path)
            self._destinations.append(Destination(name, outlet, self._counts[name]))

    async def url(self, setting: Setting) -> str:
        """Where the guild serves with this setting."""
        if setting.name not in self._servers:
            provider = self.spans.provider(setting)
            tracing = Tracing(setting.policy, tracer_provider=provider)
            self._servers[setting.name] = await serve(
                f"unix://{self._folder}/{self.name}-{len(self._servers)}.sock",
                self._service(setting, tracing),
                tracing=tracing,
            )
        return self._servers[setting.name].url

    def _service(self, setting: Setting, tracing: Tracing) -> Service:
        service = Service("guild")

        async def post(post: Post) -> int:
            # What keeps the guild from all else, and not how long its sessions take.
            with self.timings.measure(self.name, current_call().method):
                parts = self._hand_out(post, setting, tracing)
            await asyncio.gather(*(each.outlet.handled() for each in parts))
            return sum(parts.values())

        for action in ("everyone", "message", "typing"):
            service.method(post, name=action)
        census = Service("census")
        census.method(self._reported, name="report")
        service.include(census)
        service.include(top_service(self.timings, self.census))
        return service

    def _reported(self, fields: dict[str, object]) -> None:
        self.census.merge(Report.from_dict(fields))

    def _hand_out(self, post: Post, setting: Setting, tracing: Tracing) -> dict[Destination, int]:
        """To each session once. To how many of each destination."""
        message = json.dumps({"post": post.number, "text": post.text}).encode()
        share = post.recipients / sum(each.sessions for each in self._destinations)
        parts = {each: round(each.sessions * share) for each in self._destinations}
        framed = {each for each in parts if self.rollout.mode(each.name) == "framed"}
        images = self._images(message, sum(parts[each] for each in framed), setting, tracing)
        for destination, count in parts.items():
            each = images if destination in framed else repeat(message)
            destination.outlet.send(zip(range(count), each, strict=False))
            for _ in range(count):
                self.census.sent(destination.name, "framed" if destination in framed else "bare")
        return parts

    def _images(
        self, message: bytes, count: int, setting: Setting, tracing: Tracing
    ) -> Iterator[bytes]:
        if not count:
            return iter(())
        rest = setting.rest(tracing)

        def encode(trace: Trace, keys: Mapping[int | str, object] | None) -> bytes:
            return wrap(message, rest if trace is NOT_SAMPLED else trace, keys)

        return iter(tracing.copies(count, encode))


async def obey(guild: Guild, command: dict[str, Any]) -> dict[str, object]:
    if "setting" in command:
        return {"url": await guild.url(Setting.from_dict(command["setting"]))}
    if "expect" in command:
        for destination, names in command["expect"].items():
            guild.census.expect(destination, names)
    if "switch" in command:
        try:
            guild.rollout.switch(command["switch"], command["to"])
        except NotReady as reason:
            return {"refused": str(reason)}
    return {}


async def main() -> None:
    guild = Guild(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    await guild.connect()
    report(event="ready")
    async for command in commands():
        facts = await obey(guild, command)
        report(
            event="done",
            seconds=time.process_time(),
            spans=guild.spans.ended,
            roots=guild.spans.roots,
            cost=self_cost(),
            **facts,
        )


if __name__ == "__main__":
    asyncio.run(main())
