"""A proxy before an address that is as bad as wires are: it delays, cuts, resets, and says nothing.

Everything is drawn from one seed, but for what the kernel's and the loop's pace decide.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, Self

from tracewire.protocol.transports.memory import memory_connect, memory_listen

#: What happens to a connection: nothing but delays, an end in good order or with a reset, one
#: direction or both that carry no more while nobody closes, bytes that go one by one for a while.
Fate = Literal["lives", "cut", "reset", "half-open", "silent", "slow"]
FATES: Final[tuple[Fate, ...]] = ("lives", "cut", "reset", "half-open", "silent", "slow")

#: Bytes that a connection carries at most before its fate comes.
_BYTES: Final = 6_000
#: Seconds that a piece is late at most.
_LATE: Final = 0.01
#: Seconds after which a connection that carries nothing is ended all the same.
_SILENT: Final = 0.3
_RESET: Final = struct.pack("ii", 1, 0)


class Direction(asyncio.Protocol):
    """What comes in from one side, on its way to the other."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self.transport: Any = None
        #: What waits for its time, in order.
        self._late: list[bytes] = []
        self._due: asyncio.TimerHandle | None = None
        self.ended = False

    @property
    def other(self) -> "Direction":
        one, two = self._line.directions
        return two if self is one else one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        line = self._line
        if line.carried > line.lasts and line.fate != "slow":
            line.meet(self)
            if line.is_mute(self):
                return
        line.carried += len(data)
        self._late += _pieces(data, line)
        self._go_on()

    def eof_received(self) -> bool:
        self.ended = True
        self._go_on()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._line.end()

    def _go_on(self) -> None:
        """Hands on the next piece after a while."""
        if self._due is None and not self._line.over:
            late = self._line.random.uniform(0, _LATE) * (self._line.random.random() < 0.3)  # noqa: PLR2004
            self._due = asyncio.get_running_loop().call_later(late, self._hand_on)

    def _hand_on(self) -> None:
        self._due = None
        target = self.other.transport
        if target is None or target.is_closing():
            return
        if self._late:
            target.write(self._late.pop(0))
            self._go_on()
        elif self.ended:
            if target.can_write_eof():
                with suppress(OSError):  # it is gone, of which the loop has not told yet
                    target.write_eof()
            else:
                target.close()
            if self.other.ended:
                self._line.end()

    def stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _pieces(data: bytes, line: "Line") -> list[bytes]:
    if line.fate == "slow" and line.carried < line.lasts:
        return [data[each : each + 1] for each in range(min(len(data), 64))] + [data[64:]]
    at = line.random.randrange(len(data) + 1)
    return [piece for piece in (data[:at], data[at:]) if piece]


class Line:
    """One connection through the proxy."""

    def __init__(self, wire: "FlakyWire") -> None:
        self._wire, self.random = wire, wire.random
        self.fate: Fate = self.random.choice(wire.fates)
        self.lasts = self.random.randrange(_BYTES)
        self.carried = 0
        self.over = False
        self._mute: set[Direction] = set()
        self._patience: asyncio.TimerHandle | None = None
        self.directions = Direction(self), Direction(self)
        wire.lines.add(self)

    def meet(self, at: Direction) -> None:
        """Its fate comes, while something comes in there."""
        if self.fate in ("cut", "reset"):
            self._wire.met[self.fate] = self._wire.met.get(self.fate, 0) + 1
            self.end(reset=self.fate == "reset")
        elif self.fate in ("half-open", "silent") and not self._mute:
            self._wire.met[self.fate] = self._wire.met.get(self.fate, 0) + 1
            self._mute = {at} if self.fate == "half-open" else {*self.directions}
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(_SILENT, self.end)

    def is_mute(self, direction: Direction) -> bool:
        return self.over or direction in self._mute

    def end(self, reset: bool = False) -> None:
        if self.over:
            return
        self.over = True
        self._wire.lines.discard(self)
        if self._patience is not None:
            self._patience.cancel()
        for each in self.directions:
            each.stop()
            if each.transport is None:
                continue
            connected = each.transport.get_extra_info("socket")
            if reset and connected is not None and connected.family != socket.AF_UNIX:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.transport.abort()


class FlakyWire:
    """Listens, and connects each connection to the target. As a context manager it ends all.

    Args:
        target: a URL of a server of ours; TLS goes through it as it is.
        listen: a URL of the same scheme, where it listens; a port that is 0 is chosen.
        seed: of all that is drawn.
        fates: what may happen to connections.
    """

    def __init__(
        self, target: str, listen: str, seed: int, fates: tuple[Fate, ...] = FATES
    ) -> None:
        self._target, self.url = target, listen
        self.random = Random(seed)
        self.fates = fates
        self.lines: set[Line] = set()
        #: How many connections met which fate.
        self.met: dict[str, int] = {}
        self._server: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop: Any = asyncio.get_running_loop()
        scheme, _, rest = self.url.partition("://")
        if scheme == "memory":
            self._server = memory_listen(rest, self._accept)
        elif scheme == "unix":
            self._server = await loop.create_unix_server(self._accept, rest)
        else:
            host, _, port = rest.rpartition(":")
            self._server = await loop.create_server(self._accept, host, int(port))
            self.url = f"{scheme}://{host}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self.url.startswith("unix://"):
            Path(self.url.removeprefix("unix://")).unlink(
                missing_ok=True
            )  # from 3.13 on the loop does it
        for task in self._tasks:
            task.cancel()
        for line in [*self.lines]:
            line.end()

    def _accept(self) -> Direction:
        line = Line(self)
        task = asyncio.ensure_future(self._connect(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return line.directions[0]

    async def _connect(self, line: Line) -> None:
        loop: Any = asyncio.get_running_loop()
        scheme, _, rest = self._target.partition("://")

        def far() -> Direction:
            return line.directions[1]

        try:
            if scheme == "memory":
                memory_connect(rest, far)
            elif scheme == "unix":
                await loop.create_unix_connection(far, rest)
            else:
                host, _, port = rest.rpartition(":")
                await loop.create_connection(far, host, int(port))
        except OSError:
            line.end()
        if line.over and line.directions[1].transport is not None:
            line.directions[1].transport.abort()
        line.directions[0]._go_on()
