"""The least that calls over a socket can cost: records after their length, echoed in order.

Frozen: figures are ratios to this. It writes once for each read, and once a turn of the loop.
"""

import asyncio
from collections import deque
from struct import Struct

LENGTH = Struct(">I")


def records(buffer: bytearray) -> list[bytes]:
    """Takes the complete records out of the buffer."""
    found = []
    at, size = 0, len(buffer)
    while size - at >= 4:
        (length,) = LENGTH.unpack_from(buffer, at)
        if size - at - 4 < length:
            break
        found.append(bytes(buffer[at + 4 : at + 4 + length]))
        at += 4 + length
    del buffer[:at]
    return found


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = [LENGTH.pack(len(record)) + record for record in records(self.buffer)]
        if answers:
            self.transport.write(b"".join(answers))


class Caller(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = bytearray()
        self.waiting: deque[asyncio.Future[bytes]] = deque()
        self.unwritten: list[bytes] = []
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        for record in records(self.buffer):
            self.waiting.popleft().set_result(record)

    def call(self, body: bytes) -> asyncio.Future[bytes]:
        if not self.unwritten:
            self.loop.call_soon(self.flush)
        self.unwritten += (LENGTH.pack(len(body)), body)
        answer = self.loop.create_future()
        self.waiting.append(answer)
        return answer

    def flush(self) -> None:
        self.transport.write(b"".join(self.unwritten))
        self.unwritten.clear()
