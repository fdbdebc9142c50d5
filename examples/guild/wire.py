"""The transport between guilds and session processes: the application's own, without metadata.

A record is its length and a session's number, 4 bytes each, then the message. A record for ALL is
no message: the process sends its 4 bytes back once it has handled all that came before.
"""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

ALL: Final = 0xFFFFFFFF
_HEAD: Final = 8


def record(session: int, message: bytes) -> bytes:
    return (4 + len(message)).to_bytes(4, "big") + session.to_bytes(4, "big") + message


class Records:
    """The records of what arrives in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        data, at = self._rest + data, 0
        while len(data) - at >= _HEAD:
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            if end > len(data):
                break
            yield int.from_bytes(data[at + 4 : at + 8], "big"), data[at + _HEAD : end]
            at = end
        self._rest = data[at:]


class Outlet(asyncio.Protocol):
    """A guild's side of a connection to a session process."""

    def __init__(self) -> None:
        self._records = Records()
        self._tokens = count()
        self._waiting: dict[bytes, asyncio.Future[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Each session's message."""
        self._transport.write(b"".join([record(*each) for each in messages]))

    async def handled(self) -> None:
        """Returns once the other side has handled all that was sent."""
        token = next(self._tokens).to_bytes(4, "big")
        self._waiting[token] = asyncio.get_running_loop().create_future()
        self._transport.write(record(ALL, token))
        await self._waiting[token]

    def data_received(self, data: bytes) -> None:
        for _, token in self._records.feed(data):
            self._waiting.pop(token).set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        for waiting in self._waiting.values():
            waiting.set_exception(ConnectionError("a session process is gone"))
