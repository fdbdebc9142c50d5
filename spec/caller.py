"""Tracewire as a caller of the suite, ``python -m tracewire.spec.caller URL``: see testee.md."""

import asyncio
import sys
from collections.abc import Coroutine
from contextvars import Context, copy_context
from typing import Any, Final

from opentelemetry.context import attach

from tracewire.codec import Frame, FrameError, Kind, Status
from tracewire.protocol import Body, Executed, Peer, RpcError, Tracing, connect
from tracewire.spec.testee import context, given, told

#: An order that cannot be read raises one of these.
_UNREADABLE: Final = (ValueError, TypeError, KeyError, OverflowError)
_CBOR: Final = 60
_DONE: Final = "0 - -"


class OrderedCaller:
    """Follows orders, each by its number, and says what came of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._peer: Peer | None = None
        self._calls: dict[int, asyncio.Task[None]] = {}
        #: What was ordered and is under way.
        self._tasks: set[asyncio.Task[None]] = set()
        #: What is current for what is called, as orders of a trace have left it.
        self._current: Context = copy_context()

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Connects, and follows orders until there are no more."""
        await self._connect("framed")
        number = 0
        while line := await lines.readline():
            number += 1
            await self._take(number, line.decode("ascii", "replace").split())
        if self._peer is not None:
            await self._peer.close()

    async def _take(self, number: int, words: list[str]) -> None:
        peer = self._peer
        assert peer is not None
        try:
            match words:
                case ["call", method, timeout, payload]:
                    seconds = None if timeout == "-" else int(timeout) / 1_000_000
                    body = Body(given(payload), _CBOR)
                    self._calls[number] = self._start(
                        number, self._call(peer, method, seconds, body)
                    )
                case ["notify", method, payload]:
                    body = Body(given(payload), _CBOR)
                    self._start(number, peer.notify(method, body))
                case ["send", payload]:
                    self._start(number, peer.send(given(payload)))
                case ["cancel", which]:
                    if (call := self._calls.get(int(which))) is not None:
                        call.cancel()
                    say(number, _DONE)
                case ["drain"]:
                    self._start(number, self._drain(peer))
                case ["trace", trace, state]:
                    self._trace(context(trace, state))
                    say(number, _DONE)
                case ["connect", ("framed" | "both") as mode]:
                    await peer.close()
                    await self._connect(mode)
                    say(number, _DONE)
                case ["ids", id]:
                    # Nobody makes four billion calls to see what comes after them.
                    peer._connection._outgoing._next_id = int(id)
                    say(number, _DONE)
                case _:
                    say(number, "unsupported")
        except _UNREADABLE:
            say(number, "unreadable")

    async def _connect(self, mode: Any) -> None:
        self._peer = await connect(self._url, mode=mode)

    def _start(self, number: int, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._do(number, doing), context=self._current.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _do(self, number: int, doing: Coroutine[Any, Any, Any]) -> None:
        """Answers the order, whatever comes of it."""
        try:
            payload = await doing
        except RpcError as error:
            executed = "-" if error.executed is None else int(error.executed)
            said = f"{int(error.status)} {executed} -"
        except asyncio.CancelledError:
            said = f"{int(Status.CANCELLED)} {int(Executed.MAYBE)} -"
        except (ValueError, FrameError):  # M-5, or what makes no frame
            said = f"{int(Status.INVALID_ARGUMENT)} {int(Executed.NO)} -"
        else:
            said = f"0 - {told(payload or b'')}"
        say(number, said)

    async def _call(self, peer: Peer, method: str, timeout: float | None, body: Body) -> bytes:
        return (await peer.call(method, body, timeout=timeout, returns=Body)).data

    async def _drain(self, peer: Peer) -> None:
        await peer.drain()

    def _trace(self, trace: Any) -> None:
        """Makes it current for what is called from now on, as if it had come with a request."""
        frame = Frame(Kind.REQUEST, 1, "caller", b"", trace)
        self._current = copy_context()
        self._current.run(attach, Tracing().extract(frame))


def say(number: int, said: str) -> None:
    print(number, said, flush=True)


async def main(url: str) -> None:
    """Follows the orders on standard input."""
    lines = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await OrderedCaller(url).follow(lines)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1]))
