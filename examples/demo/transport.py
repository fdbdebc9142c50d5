"""Messages over a Unix socket: each record follows its length as 4 bytes, framed or not."""

import asyncio
from collections.abc import AsyncIterator

from tracewire.codec import to_stream


async def send(address: str, record: bytes) -> None:
    """Delivers one record over a connection of its own."""
    _, writer = await asyncio.open_unix_connection(address)
    writer.write(to_stream(record))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def records(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The records of a connection, until it ends."""
    while prefix := await reader.read(1):
        prefix += await reader.readexactly(3)
        yield await reader.readexactly(int.from_bytes(prefix, "big"))
