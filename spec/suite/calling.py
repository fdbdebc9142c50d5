"""What a case of callers is asked of: a caller that has just connected to the suite."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tracewire.codec import Frame, Kind
from tracewire.protocol.transports.address import HostAddress, UnixAddress
from tracewire.protocol.transports.schemes import parse_address
from tracewire.spec.specification import read_rules

from .case import Case, CaseFailed, Level, Unsupported
from .orders import Answer, Lines, Orders
from .process import CannotStart
from .wire import Wire, expect, shown

ONE: Final = b"\x01"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Met:
    """A caller that is connected: ``wire`` is the suite's end of it. ``anew``: the same caller,
    connected again in a mode."""

    wire: Wire
    orders: Orders
    anew: Callable[[str], Awaitable["Met"]]

    async def call(
        self, timeout: int | None = None, payload: bytes = ONE, method: str = "conform.call"
    ) -> int:
        """Orders a call; gives the order's number. ``timeout``: microseconds."""
        time = "-" if timeout is None else str(timeout)
        return await self.orders.give("call", method, time, payload.hex() or "-")

    async def notify(self, payload: bytes = ONE) -> int:
        return await self.orders.give("notify", "conform.notice", payload.hex())

    async def cancel(self, number: int) -> None:
        await self.do("cancel", str(number))

    async def do(self, *words: str) -> Answer:
        """Orders what is answered at once."""
        return await self.orders.answer(await self.orders.give(*words))

    async def requested(self) -> Frame:
        """The next request; a hello is passed over."""
        return await self.heard(Kind.REQUEST)

    async def heard(self, kind: Kind) -> Frame:
        """The next frame, which is of this kind; a hello is passed over."""
        while True:
            frame = await self.wire.hear()
            if frame is None or frame.kind not in (kind, Kind.HELLO):
                raise CaseFailed(f"a {kind.name.lower()} was expected, {shown(frame)} came")
            if frame.kind == kind:
                return frame

    async def called(self, timeout: int | None = None) -> tuple[int, Frame]:
        """Orders a call; its number, and the request."""
        number = await self.call(timeout)
        return number, await self.requested()

    async def succeeds(self, number: int, payload: bytes = b"\x02") -> None:
        """The call gave what was responded."""
        came = await self.orders.answer(number)
        expect(f"what came of order {number}", (0, payload), (came.status, came.payload))

    async def works(self) -> None:
        """A call goes out and its response comes back."""
        number, request = await self.called()
        await self.wire.say(ok(request.id))
        await self.succeeds(number)

    async def fails(
        self, number: int, status: int | None = None, executed: tuple[int | None, ...] = ()
    ) -> Answer:
        """The call failed, by this status where it is given, with one of these executed."""
        came = await self.orders.answer(number)
        if came.status == 0:
            raise CaseFailed(f"order {number} was to fail, and came to {came}")
        if status is not None and came.status != status:
            raise CaseFailed(f"order {number}: expected status {status}, came {came}")
        if executed and came.executed not in executed:
            raise CaseFailed(f"order {number}: expected executed {executed[0]}, came {came}")
        return came


def ok(id: int, payload: bytes = b"\x02", keys: Any = None) -> Frame:
    return Frame(Kind.RESPONSE, id, 0, payload, None, keys)


class Callers:
    """A caller, on a new connection for each case. It is kept where it can connect anew."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._orders: Orders | None = None
        self._connects = True
        self._accepted: asyncio.Queue[Streams] = asyncio.Queue()
        self._open: list[asyncio.StreamWriter] = []
        self.url = ""

    @asynccontextmanager
    async def listening(self, url: str) -> AsyncIterator[Self]:
        """Listens on the address; OSError, and ValueError for what is none."""
        address = parse_address(url)
        if isinstance(address, UnixAddress):
            Path(address.path).unlink(missing_ok=True)
            server = await asyncio.start_unix_server(self._accept, address.path)
            self.url = url
        elif isinstance(address, HostAddress) and address.scheme == "tcp":
            server = await asyncio.start_server(self._accept, address.host, address.port)
            port = server.sockets[0].getsockname()[1]
            self.url = f"{url.rpartition(':')[0]}:{port}"
        else:
            raise ValueError("the suite listens on tcp:// and unix:// addresses")
        async with server:
            try:
                yield self
            finally:
                for writer in self._open:
                    writer.transport.abort()
                await self._end()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        self._accepted.put_nowait((reader, writer))

    async def greet(self) -> None:
        """CannotStart where no caller connects."""
        try:
            await self._connect("framed")
        except CaseFailed as error:
            await self._end()
            raise CannotStart(str(error)) from None
        self._drop()

    @asynccontextmanager
    async def __call__(self, case: Case, mode: str) -> AsyncIterator[Met]:
        """A caller that has just connected in this mode. CaseFailed, Unsupported."""
        self._lines.announce(case)
        met = await self._connect(mode)
        try:
            yield met
        except CaseFailed as failed:
            self._drop()
            await self._end()  # whatever it does now
            raise CaseFailed("\n".join([*failed.faults, *met.wire.typed()])) from None
        finally:
            self._drop()
        if not self._connects:
            await self._end()

    async def _connect(self, mode: str) -> Met:
        orders = self._orders
        if orders is None:
            orders = self._orders = Orders(self._lines)
            await self._lines.begin(self.url)
            if mode == "framed":
                return await self._meet(orders)
            await self._next()
        try:
            number = await orders.give("connect", mode)
            met = None
            if await orders.answer(number):
                met = await self._meet(orders)
        except Unsupported:
            self._connects = False
            await self._end()
            if mode != "framed":
                raise
            return await self._connect(mode)
        except CaseFailed:
            await self._end()
            raise
        assert met is not None
        return met

    async def _meet(self, orders: Orders) -> Met:
        reader, writer = await self._next()
        return Met(Wire(reader, writer, self._lines.patience), orders, self._connect)

    async def _next(self) -> Streams:
        accepting = asyncio.ensure_future(self._accepted.get())
        ended = asyncio.ensure_future(self._lines.ended())
        await asyncio.wait(
            (accepting, ended), timeout=self._lines.patience, return_when=asyncio.FIRST_COMPLETED
        )
        said = f"no caller connected within {self._lines.patience:g} s"
        if ended.done():
            said = "the caller ended before it connected"
        ended.cancel()
        if accepting.done():
            return accepting.result()
        accepting.cancel()
        raise CaseFailed(said)

    def _drop(self) -> None:
        """Closes what is open; a connection that comes later is of the next case."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
        while not self._accepted.empty():
            self._accepted.get_nowait()

    async def _end(self) -> None:
        if self._orders is not None:
            self._orders = None
            await self._lines.stop()


CASES: Final[list[Case]] = []
_sections: Final = {rule.id: rule.section for rule in read_rules()}
AskingCaller = Callable[[Met], Awaitable[None]]


def asks_caller(
    id: str, sentence: str, level: Level = "MUST", mode: str = "framed"
) -> Callable[[AskingCaller], AskingCaller]:
    """Registers a case of callers; the id begins with its rule."""

    def register(asking: AskingCaller) -> AskingCaller:
        async def run(callers: Callers) -> None:
            async with callers(case, mode) as met:
                await asking(met)

        rule = id.partition("/")[0]
        case = Case(id, rule, level, _sections[rule], sentence, run)
        CASES.append(case)
        return asking

    return register
