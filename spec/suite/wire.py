"""A connection to a live peer on which a case says what it wants, and hears what comes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from tracewire.codec import Frame, FrameError, Kind, Status, StreamDecoder, encode, to_stream
from tracewire.codec.constants import CONTENT_FORMAT, MAGIC, MAX_FRAME, STREAM_PREFIX
from tracewire.protocol.transports.address import HostAddress, UnixAddress
from tracewire.protocol.transports.schemes import parse_address
from tracewire.spec.specification import read_keys

from .case import TYPED, CaseFailed

_READ: Final = 1 << 16
#: The least key that nobody assigns (N-1, N-2), an odd and an even one, and such a kind.
_LEAST_FREE: Final = 65_536
ODD: Final = 65_537
EVEN: Final = 65_538
NEW_KIND: Final = 32_768
#: Seconds in which a peer that is silent is taken to have nothing to say.
QUIET: Final = 0.3
#: Seconds of a call that a case does not wait for. It may run on when the case is over.
LONG: Final = 5
OCTETS: Final[Mapping[int | str, object]] = {CONTENT_FORMAT: 42}  # application/octet-stream


class CannotReach(Exception):
    """Nobody answers at the address."""


@dataclass(frozen=True)
class PeerLimits:
    """What the peer's limits are; by default those of the specification."""

    in_flight: int = 1_000
    record_seconds: float = 30.0
    max_frame: int = MAX_FRAME


class Wire:
    """``patience``: seconds that an answer may take."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float
    ) -> None:
        self._reader, self._writer, self.patience = reader, writer, patience
        self._decoder = StreamDecoder(1 << 31)
        self._heard: list[Frame] = []
        self._said = self._came = b""

    async def say(self, *items: Frame | bytes) -> None:
        """Records, in one piece; bytes stand for a record of any content."""
        records = [encode(item) if isinstance(item, Frame) else item for item in items]
        self._said = records[-1]
        await self._write(b"".join(map(to_stream, records)), self.patience)

    async def write(self, data: bytes, within: float | None = None) -> None:
        """Bytes as they are; CaseFailed where they are not taken in time."""
        self._said = data[STREAM_PREFIX:] if data[STREAM_PREFIX:].startswith(MAGIC) else b""
        await self._write(data, self.patience if within is None else within)

    async def _write(self, data: bytes, within: float) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(within):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise CaseFailed(f"the peer takes no more: {error or 'it does not read'}") from None

    async def end(self) -> None:
        """Shuts down writing."""
        with suppress(OSError):  # the peer has closed
            self._writer.write_eof()

    async def cut(self) -> None:
        """Closes the connection."""
        self._writer.close()

    async def hear(self, within: float | None = None) -> Frame | None:
        """The next frame; None at the end of the input. CaseFailed where none comes in time."""
        within = self.patience if within is None else within
        try:
            async with asyncio.timeout(within):
                while not self._heard:
                    data = await self._reader.read(_READ)
                    if not data:
                        return None
                    self._take(data)
        except TimeoutError:
            raise CaseFailed(f"nothing came within {within:g} s") from None
        except ConnectionError:
            return None
        frame = self._heard.pop(0)
        self._came = encode(frame)
        _check_keys(frame)
        return frame

    def _take(self, data: bytes) -> None:
        for item in self._decoder.feed(data):
            if isinstance(item, FrameError):
                raise CaseFailed(f"the peer sent an invalid frame: {item}")
            self._heard.append(item)

    async def hear_bytes(self) -> bytes:
        """The next record of any content, where no frame was heard before."""
        try:
            async with asyncio.timeout(self.patience):
                length = int.from_bytes(await self._reader.readexactly(STREAM_PREFIX), "big")
                self._came = await self._reader.readexactly(length)
        except TimeoutError:
            raise CaseFailed(f"nothing came within {self.patience:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise CaseFailed("the connection ended") from None
        return self._came

    async def answer(self, within: float | None = None) -> Frame:
        """The next response; hellos are passed over."""
        while True:
            frame = await self.hear(within)
            if frame is None:
                raise CaseFailed("the peer closed")
            if frame.kind == Kind.RESPONSE:
                return frame
            if frame.kind != Kind.HELLO:
                raise CaseFailed(f"a response was expected, {shown(frame)} came")

    async def goaway(self) -> Frame:
        """What is said at a connection error, after which nothing but the end comes."""
        while (frame := await self.hear()) is not None:
            if frame.kind == Kind.GOAWAY:
                await self.end()  # so that the peer need not wait
                if (more := await self.hear()) is not None:
                    raise CaseFailed(f"after goaway came {shown(more)}")
                return frame
        raise CaseFailed("the peer closed without a goaway")

    async def rest(self) -> list[Frame]:
        """All that comes until the end."""
        frames = []
        while (frame := await self.hear()) is not None:
            frames.append(frame)
        return frames

    async def silence(self) -> None:
        """Nothing comes for a while, neither a frame nor the end."""
        try:
            frame = await self.hear(QUIET)
        except CaseFailed:
            if self._decoder.eof() is None:
                return
            raise CaseFailed("nothing was expected, a part of a record came") from None
        raise CaseFailed(f"nothing was expected, {shown(frame)} came")

    async def pong(self, id: int) -> list[Frame]:
        """Pings; what came before the pong. A ping is answered after what was read before it."""
        await self.say(Frame(Kind.PING, id, 0))
        before: list[Frame] = []
        while (frame := await self.hear()) is not None:
            if (frame.kind, frame.id) == (Kind.PONG, id):
                return before
            before.append(frame)
        raise CaseFailed("the peer closed when it was pinged")

    def typed(self) -> list[str]:
        """What to type to see what was said and came last."""
        shown = (("said", self._said), ("came", self._came))
        return [
            f"{name} last:\n{TYPED}{data.hex()}"
            for name, data in shown
            if 0 < len(data) <= _EXPLAINED
        ]


#: Bytes of the longest record that somebody copies.
_EXPLAINED: Final = 1_000
_ASSIGNED: Final = frozenset(read_keys().values())


def _check_keys(frame: Frame) -> None:
    """What holds of every frame of a peer that was told of no even key, and of no new kind."""
    kind = frame.kind or 0
    if kind > Kind.PONG:
        raise CaseFailed(f"a frame of kind {kind} came, which no hello listed (G-14)")
    for key in frame.raw_extensions:
        if isinstance(key, int) and key % 2 == 0:
            raise CaseFailed(f"{shown(frame)} has the even key {key}, which no hello listed (G-12)")
        if isinstance(key, int) and key < _LEAST_FREE and key not in _ASSIGNED:
            raise CaseFailed(f"{shown(frame)} has key {key}, which is not assigned (N-1)")


class Dial:
    """Opens connections to the peer."""

    def __init__(self, open: Callable[[], Any], patience: float, limits: PeerLimits) -> None:
        self._open = open
        self.patience, self.limits = patience, limits
        self._reached = False

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Wire]:
        try:
            async with asyncio.timeout(self.patience):
                reader, writer = await self._open()
        except (OSError, TimeoutError) as error:
            when = " any more" if self._reached else ""
            raise CaseFailed(f"the peer cannot be reached{when}: {error}") from None
        self._reached = True
        wire = Wire(reader, writer, self.patience)
        try:
            yield wire
        except CaseFailed as failed:
            raise CaseFailed("\n".join([*failed.faults, *wire.typed()])) from None
        finally:
            writer.transport.abort()

    async def check_alive(self) -> None:
        """The peer answers on a new connection."""
        async with self() as wire:
            await wire.say(request(1, "tracewire.echo", b"alive", OCTETS))
            response = await wire.answer()
            if (response.id, response.status, response.payload) != (1, Status.OK, b"alive"):
                raise CaseFailed(f"on a new connection an echo was answered by {shown(response)}")


async def dial(url: str, patience: float, limits: PeerLimits) -> Dial:
    """To a peer that answers. ValueError for another address, CannotReach where it does not."""
    address = parse_address(url)

    async def open() -> Any:
        if isinstance(address, UnixAddress):
            return await asyncio.open_unix_connection(address.path, limit=_READ)
        assert isinstance(address, HostAddress)
        opened = await asyncio.open_connection(address.host, address.port, limit=_READ)
        connected: socket.socket = opened[1].get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    if address.scheme not in ("tcp", "unix"):
        raise ValueError("the suite speaks to tcp:// and unix:// addresses")
    dialled = Dial(open, patience, limits)
    try:
        await dialled.check_alive()
    except CaseFailed as error:
        raise CannotReach(str(error)) from None
    return dialled


def record(item: Frame | bytes) -> bytes:
    return to_stream(encode(item) if isinstance(item, Frame) else item)


def request(id: int, method: str, payload: bytes = b"", keys: Any = None) -> Frame:
    return Frame(Kind.REQUEST, id, method, payload, None, keys)


def echo(id: int, payload: bytes = b"x") -> Frame:
    return request(id, "tracewire.echo", payload, OCTETS)


async def answers(wire: Wire, id: int = 1) -> None:
    await wire.say(echo(id))
    response = await wire.answer()
    expect("the response", (id, Status.OK), (response.id, response.status))


def sleep(id: int, seconds: float, keys: Any = None) -> Frame:
    """Whole seconds where it can be, which needs no float."""
    number = int(seconds) if seconds == int(seconds) else seconds
    return request(id, "tracewire.sleep", cbor2.dumps(number), keys)


def expired(id: int, method: str, keys: dict[int, object]) -> bytes:
    """A request with a timeout of 0, which encoders refuse to write."""
    data = encode(request(id, method, b"", {7: 1, **keys}))
    return data.replace(b"\x07\x01", b"\x07\x00")


def fail(id: int, **fields: Any) -> Frame:
    return request(id, "tracewire.fail", cbor2.dumps(fields))


def notification(keys: Any = None) -> Frame:
    return Frame(Kind.NOTIFICATION, 0, "conform.nothing", b"", None, keys)


def cancel(id: int) -> Frame:
    return Frame(Kind.CANCEL, id, 0)


def hello(fields: Any = None, keys: Any = None) -> Frame:
    fields = {0: 2, 1: [], 2: [3, 4, 5, 6, 7], 3: MAX_FRAME} if fields is None else fields
    return Frame(Kind.HELLO, 0, 0, cbor2.dumps(fields), None, keys)


def goaway(last_id: int = 0, status: int = 0) -> Frame:
    return Frame(Kind.GOAWAY, 0, 0, cbor2.dumps({0: last_id, 1: status}))


def body(frame: Frame) -> dict[int, Any]:
    """The map that is the body of an error, a hello or a goaway."""
    try:
        read = cbor2.loads(frame.payload)
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise CaseFailed(f"the body of {shown(frame)} is no CBOR: {error}") from None
    if not isinstance(read, dict):
        raise CaseFailed(f"the body of {shown(frame)} is no map")
    return read


def check_hello(frame: Frame | None) -> None:
    """It is a hello that can be read. C-8"""
    if frame is None or frame.kind != Kind.HELLO:
        raise CaseFailed(f"a hello was expected first, {shown(frame)} came")
    fields = body(frame)
    expect("keys 0 to 3", True, all(key in fields for key in range(4)))
    most, agent = fields[3], fields.get(4, "")
    expect("a max frame of 65,536 or more", True, isinstance(most, int) and most >= 65_536)
    short = isinstance(agent, str) and len(agent.encode()) <= 64
    expect("an agent of at most 64 bytes", True, short)


def expect(what: str, expected: object, came: object) -> None:
    if came != expected:
        raise CaseFailed(f"{what}: expected {expected!r}, came {came!r}")


def expect_error(frame: Frame, id: int, status: Status, executed: int | None = None) -> None:
    """A response that fails, and what it says of whether the call ran."""
    expect("id and status", (id, status.name), (frame.id, name_of(frame)))
    if executed is not None:
        expect("executed", executed, body(frame).get(2))


def name_of(frame: Frame) -> str:
    status = frame.status
    return "none" if status is None else Status(status).name


def shown(frame: Frame | None) -> str:
    if frame is None:
        return "the end"
    kind = frame.kind.name if isinstance(frame.kind, Kind) else f"kind {frame.kind}"
    said = f" {name_of(frame)}" if frame.kind == Kind.RESPONSE else ""
    return f"{kind} {frame.id}{said}".lower() if not said else f"response {frame.id}{said}"
