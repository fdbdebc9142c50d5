"""The API process: members' requests become operations, and calls of guilds.

    python -m examples.guild.api

It obeys commands on stdin, one after the other, and ends when stdin does:

    {"setting": …, "posts": [[URL, ACTION, NUMBER, RECIPIENTS], …], "at_once": N}

All posts are made, N at a time. It reports what each came to: seconds that the member waited, how
many sessions got it, the trace's id if it was sampled.
"""

import asyncio
import time
from typing import Any

from opentelemetry.trace import SpanKind, Tracer, get_current_span

from examples.demo.control import commands, report
from tracewire.protocol import Peer, Tracing, connect

from .setting import Setting
from .spans import Spans


class Api:
    def __init__(self) -> None:
        self.spans = Spans()
        self._tracing: dict[str, tuple[Tracing, Tracer | None]] = {}
        self._guilds: dict[tuple[str, str], Peer] = {}

    def _traced(self, setting: Setting) -> tuple[Tracing, Tracer | None]:
        if setting.name not in self._tracing:
            provider = self.spans.provider(setting)
            tracing = Tracing(setting.policy, tracer_provider=provider)
            tracer = provider.get_tracer("api") if setting.traced else None
            self._tracing[setting.name] = tracing, tracer
        return self._tracing[setting.name]

    async def run(self, setting: Setting, posts: list[list[Any]], at_once: int) -> list[Any]:
        room = asyncio.Semaphore(at_once)
        for url in {post[0] for post in posts}:
            await self._connect(setting, url)

        async def one(url: str, action: str, number: int, recipients: int) -> dict[str, Any]:
            async with room:
                return await self._post(setting, url, action, number, recipients)

        return list(await asyncio.gather(*(one(*post) for post in posts)))

    async def _connect(self, setting: Setting, url: str) -> None:
        if (setting.name, url) not in self._guilds:
            tracing, _ = self._traced(setting)
            self._guilds[setting.name, url] = await connect(url, tracing=tracing)

    async def _post(
        self, setting: Setting, url: str, action: str, number: int, recipients: int
    ) -> dict[str, Any]:
        """One member's request."""
        _, tracer = self._traced(setting)
        peer = self._guilds[setting.name, url]
        body = {"number": number, "recipients": recipients, "text": "hello"}
        began = time.perf_counter()
        if tracer is None:
            delivered, trace = await peer.call(f"guild.{action}", body), None
        else:
            with tracer.start_as_current_span(f"POST {action}", kind=SpanKind.SERVER):
                found = get_current_span().get_span_context()
                trace = f"{found.trace_id:032x}" if found.trace_flags.sampled else None
                delivered = await peer.call(f"guild.{action}", body)
        waited = time.perf_counter() - began
        return {
            "action": action,
            "number": number,
            "delivered": delivered,
            "seconds": waited,
            "trace_id": trace,
        }

    async def close(self) -> None:
        for guild in self._guilds.values():
            await guild.close()


async def main() -> None:
    api = Api()
    report(event="ready")
    async for command in commands():
        answers = []
        if "posts" in command:
            setting = Setting.from_dict(command["setting"])
            answers = await api.run(setting, command["posts"], command["at_once"])
        report(
            event="done",
            seconds=time.process_time(),
            spans=api.spans.ended,
            roots=api.spans.roots,
            answers=answers,
        )
    await api.close()


if __name__ == "__main__":
    asyncio.run(main())
