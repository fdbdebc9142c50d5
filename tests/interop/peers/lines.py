"""What Python peers of README.md share: records over Unix sockets, and lines of words."""

import asyncio
import sys
from collections.abc import Callable


def say(*words: str) -> None:
    print(*words, flush=True)


def told(data: bytes) -> str:
    return data.hex() or "-"


def given(word: str) -> bytes:
    return b"" if word == "-" else bytes.fromhex(word)


async def serve(
    path: str, receive: Callable[[bytes], None], made: Callable[[str, bytes, str], list[bytes]]
) -> None:
    """Receives records, and sends what commands ask for: ``made`` gives the records of a message
    of a dialect, with this body and trace."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while prefix := await reader.read(1):
            prefix += await reader.readexactly(3)
            receive(await reader.readexactly(int.from_bytes(prefix, "big")))
        writer.close()

    await asyncio.start_unix_server(hear, path)
    say("listening", path)
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async for line in commands:
        _, to, dialect, word, trace = line.decode().split()
        _, writer = await asyncio.open_unix_connection(to)
        for record in made(dialect, given(word), trace):
            writer.write(len(record).to_bytes(4, "big") + record)
        await writer.drain()
        writer.close()
        say("sent", word)
