"""A transparent relay: it passes bytes on as they are, and keeps a copy of what it passed.

    relay.py CAPTURE DESTINATIONS

DESTINATIONS is JSON, name to [socket it listens on, socket it passes to]. Into the folder CAPTURE
it writes framed.stream and bare.stream, each record after its length as it was on the wire. It
ends when stdin does.

The tests break it on purpose: DEMO_CORRUPT=NAME:INDEX flips a bit of the byte at INDEX in every
record to NAME.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from tracewire.codec import is_frame, to_stream

from .control import commands, report
from .transport import records


class Relay:
    def __init__(self, capture: Path) -> None:
        self.framed: BinaryIO = (capture / "framed.stream").open("wb", buffering=0)
        self.bare: BinaryIO = (capture / "bare.stream").open("wb", buffering=0)

    async def listen(self, name: str, address: str, onward: str) -> None:
        """Passes what arrives at one socket on to another."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, receiver = await asyncio.open_unix_connection(onward)
            async for record in records(reader):
                passed = to_stream(damaged(name, record))
                (self.framed if is_frame(passed[4:]) else self.bare).write(passed)
                receiver.write(passed)
                await receiver.drain()
            receiver.close()
            writer.close()

        await asyncio.start_unix_server(connected, address)


def damaged(name: str, record: bytes) -> bytes:
    """The record as it is, unless a test asked for damage."""
    target, _, index = os.environ.get("DEMO_CORRUPT", "").partition(":")
    if target != name:
        return record
    flipped = bytearray(record)
    flipped[int(index)] ^= 1
    return bytes(flipped)


async def main() -> None:
    relay = Relay(Path(sys.argv[1]))
    for name, (address, onward) in json.loads(sys.argv[2]).items():
        await relay.listen(name, address, onward)
    report(event="ready")
    async for _ in commands():
        pass


if __name__ == "__main__":
    asyncio.run(main())
