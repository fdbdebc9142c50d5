"""Where the transports of an event loop put what they read: one buffer for all its peers.

A peer makes sense of its input before the loop goes on, so no two need room at the same time, and
an idle connection needs none. asyncio would else ask for 256 KiB with each read.
"""

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

#: Bytes that are read at a time.
SIZE: Final = 65_536

_buffers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview]] = WeakKeyDictionary()


def buffer_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    buffer = _buffers.get(loop)
    if buffer is None:
        buffer = _buffers[loop] = memoryview(bytearray(SIZE))
    return buffer
