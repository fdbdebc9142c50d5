"""How the demo's processes talk to the one that started them: one JSON object a line."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any


def report(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def commands() -> AsyncIterator[Any]:
    """What the starter asks for, until it closes stdin or is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async for line in reader:
        yield json.loads(line)
