"""Connections within one event loop, without sockets: pairs of asyncio transports.

A transport behaves as that of a Unix socket whose system buffers hold nothing: what was written
waits in the writer's buffer until the other side reads it. Every step is taken by call_soon. Like
all of asyncio's transports these belong to their event loop's thread.
"""

import asyncio
from collections.abc import Callable, Iterable
from errno import EADDRINUSE, ECONNREFUSED, EPIPE
from typing import Any, Final, TypeVar

from tracewire.codec.writing import Buffer

from ..limits import Limits
from .accepting import Acceptor
from .address import MemoryAddress
from .loop_local import loop_local

_Protocol = TypeVar("_Protocol", bound=asyncio.Protocol)

_HIGH_WATER: Final = 65_536  # as asyncio has it
_LOW_OF_HIGH: Final = 4  # the low-water mark is this part of the high one


def _listeners(loop: asyncio.AbstractEventLoop) -> dict[str, "MemoryListener"]:
    """The listeners of the loop, by name."""
    return loop_local(loop, "memory", dict)


class MemoryListener:
    """Listens on a name. Connections that were accepted go on after ``close``."""

    def __init__(
        self,
        name: str,
        protocol_factory: Callable[[], asyncio.Protocol | None],
        names: dict[str, "MemoryListener"],
    ) -> None:
        self.name = name
        self.url = f"memory://{name}"
        self.protocol_factory = protocol_factory
        self._names = names

    def is_serving(self) -> bool:
        return self._names.get(self.name) is self

    def close(self) -> None:
        """Frees the name; may be called again."""
        if self.is_serving():
            del self._names[self.name]

    def stop(self) -> None:
        """As close."""
        self.close()

    def abandon(self) -> None:
        """None is being opened: a pair is made at once."""


def memory_listen(
    name: str, protocol_factory: Callable[[], asyncio.Protocol | None]
) -> MemoryListener:
    """Accepts connections to a name in the running event loop; None refuses one.

    Raises OSError with EADDRINUSE where the name is listened on already.
    """
    names = _listeners(asyncio.get_running_loop())
    if name in names:
        raise OSError(EADDRINUSE, f"memory://{name} is listened on already in this event loop")
    names[name] = server = MemoryListener(name, protocol_factory, names)
    return server


def memory_connect(
    name: str, protocol_factory: Callable[[], _Protocol]
) -> tuple["MemoryTransport", _Protocol]:
    """Connects to a name in the running event loop; the server's side learns of it soon after.

    Raises ConnectionRefusedError where nothing listens or it is refused, and what either factory
    raises.
    """
    loop = asyncio.get_running_loop()
    server = _listeners(loop).get(name)
    if server is None:
        raise ConnectionRefusedError(
            ECONNREFUSED, f"nothing listens on memory://{name} in this event loop"
        )
    protocol, accepted_protocol = protocol_factory(), server.protocol_factory()
    if accepted_protocol is None:
        raise ConnectionRefusedError(ECONNREFUSED, f"memory://{name} has too many connections")
    transport = MemoryTransport(loop, protocol, name)
    accepted = MemoryTransport(loop, accepted_protocol, name)
    transport.other, accepted.other = accepted, transport
    loop.call_soon(accepted_protocol.connection_made, accepted)  # before anything is delivered
    protocol.connection_made(transport)
    return transport, protocol


async def listen_memory(
    address: MemoryAddress, acceptor: Acceptor, tls: None, limits: Limits
) -> MemoryListener:
    """The row's ``listen``."""
    return memory_listen(address.name, acceptor.admit)


async def open_memory(
    address: MemoryAddress, factory: Callable[[], _Protocol], tls: None, limits: Limits
) -> _Protocol:
    """The row's ``open``."""
    return memory_connect(address.name, factory)[1]


class MemoryTransport(asyncio.Transport):
    """One side of a pair; ``other`` is the other one."""

    other: "MemoryTransport"

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, name: str
    ) -> None:
        super().__init__({"peername": f"memory://{name}", "sockname": f"memory://{name}"})
        self._loop = loop
        self._protocol = protocol
        self._written: list[bytes] = []  # and not yet read by the other side
        self._size = 0
        self._low, self._high = _HIGH_WATER // _LOW_OF_HIGH, _HIGH_WATER
        self._writing_paused = False
        self._reading_paused = False
        self._flush_soon = False
        self._ended = False  # write_eof was called
        self._end_told = False  # the other side was told of the end
        self._closing = False
        self._lost = False  # connection_lost was called, or will be by call_soon

    def __repr__(self) -> str:
        state = "closed" if self._lost else "closing" if self._closing else "open"
        return f"<MemoryTransport {self.get_extra_info('peername')} {state}>"

    # Protocol and state

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError("a memory transport takes an asyncio.Protocol")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.Protocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    # Writing

    def write(self, data: Buffer) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"data must be bytes, bytearray or memoryview, not {type(data).__name__}"
            )
        if self._ended:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing or not data:
            return
        if self.other._lost:
            self._lose(BrokenPipeError(EPIPE, "the other side is closed"))
            return
        self._written.append(bytes(data))
        self._size += len(self._written[-1])
        self._schedule()
        self._pause_or_resume()

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._closing:
            self._ended = True
            self._schedule()

    def get_write_buffer_size(self) -> int:
        return self._size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = _HIGH_WATER if low is None else _LOW_OF_HIGH * low
        if low is None:
            low = high // _LOW_OF_HIGH
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be at least low ({low}), and low at least 0")
        self._low, self._high = low, high
        self._pause_or_resume()

    # Reading

    def is_reading(self) -> bool:
        return not (self._reading_paused or self._closing)

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False
        self.other._schedule()

    # The end

    def close(self) -> None:
        """Reads no more; what was written is still delivered, then the connection is lost."""
        if not self._closing:
            self._closing = True
            self._schedule()
            self.other._schedule()  # what it has written is read no more

    def abort(self) -> None:
        """As close, but what was not delivered yet is dropped."""
        self._lose(None)
        self._take()

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self.close()
            self._lost = True
            self._loop.call_soon(self._protocol.connection_lost, error)

    # Delivery, from this side to the other

    def _schedule(self) -> None:
        if not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_soon = False
        other, complete = self.other, self._ended or self._closing
        if other._closing:
            self._take()
        if self._written:
            if not other._reading_paused:  # else resume_reading flushes
                other._tell(other._protocol.data_received, self._take())
                if complete:
                    self._schedule()
            return
        if self._closing:
            self._lose(None)
        if complete and not (self._end_told or other._closing or other._reading_paused):
            self._end_told = True
            if not other._tell(other._protocol.eof_received):
                other.close()

    def _take(self) -> bytes:
        """Empties the buffer."""
        data = b"".join(self._written)
        self._written.clear()
        self._size = 0
        self._pause_or_resume()
        return data

    def _pause_or_resume(self) -> None:
        if self._lost:
            return
        if not self._writing_paused and self._size > self._high:
            self._writing_paused = True
            self._tell(self._protocol.pause_writing)
        elif self._writing_paused and self._size <= self._low:
            self._writing_paused = False
            self._tell(self._protocol.resume_writing)

    def _tell(self, method: Callable[..., Any], *arguments: object) -> Any:
        """Calls a method of the protocol; one that raises loses the connection, and is reported."""
        try:
            return method(*arguments)
        except Exception as error:
            self._loop.call_exception_handler(
                {
                    "message": f"Fatal error: protocol.{method.__name__}() call failed.",
                    "exception": error,
                    "transport": self,
                    "protocol": self._protocol,
                }
            )
            self._lose(error)
            return None
