"""Where tests of peers serve, and a side of a connection that is made of bytes."""

import asyncio
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.unit.talk import body, record
from tracewire.codec import Frame, FrameError, Kind, StreamDecoder
from tracewire.protocol import Server, Service, connect, serve
from tracewire.protocol.peers.client import Connecting
from tracewire.protocol.transports.memory import memory_connect

#: So that a reader that stops soon stops the writer, and the kernel does not make it bigger.
SMALL_BUFFER = 16_384


@dataclass(frozen=True)
class Certificates:
    """Paths without their suffix: a certificate is .pem, its key .key. All sign themselves."""

    server: Path
    client: Path
    stranger: Path


def make_certificates(folder: Path) -> Certificates:
    made = Certificates(folder / "server", folder / "client", folder / "stranger")
    for path in (made.server, made.client, made.stranger):
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        options = ["-subj", f"/CN={path.name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
        files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path.with_suffix(".pem"))]
        subprocess.run(
            [*command.split(), *options, *usage, *files], check=True, capture_output=True
        )
    return made


def server_tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    path = certificates.server
    context.load_cert_chain(path.with_suffix(".pem"), path.with_suffix(".key"))
    return context


def client_tls(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.server.with_suffix(".pem"))


def place_of(scheme: str, folder: Path, certificates: Certificates | None = None) -> "Place":
    if scheme == "tls":
        assert certificates is not None
        tls = server_tls(certificates), client_tls(certificates)
        return Place(scheme, "tls://127.0.0.1:0", *tls)
    urls = {
        "tcp": "tcp://127.0.0.1:0",
        "unix": f"unix://{folder}/peers.sock",
        "memory": "memory://peers",
    }
    return Place(scheme, urls[scheme])


@dataclass
class Place:
    """An address, the TLS contexts of both sides, and the event loop that the test runs in."""

    scheme: str
    url: str
    server_tls: ssl.SSLContext | None = None
    client_tls: ssl.SSLContext | None = None
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop

    async def serve(self, service: Service, **options: Any) -> Server:
        return await serve(self.url, service, tls=self.server_tls, **options)

    def connect(self, to: Server, service: Service | None = None, **options: Any) -> Connecting:
        return connect(to.url, service, tls=self.client_tls, **options)

    async def raw(self, to: Server) -> "Raw":
        """A connection to the server on which the test says what it wants."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=SMALL_BUFFER)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport: Any
        _, _, rest = to.url.partition("://")
        if self.scheme == "memory":
            transport, _ = memory_connect(rest, lambda: protocol)
        elif self.scheme == "unix":
            connected = socket.socket(socket.AF_UNIX)
            connected.setblocking(False)
            await loop.sock_connect(connected, rest)
            transport, _ = await loop.create_unix_connection(lambda: protocol, sock=connected)
        else:
            connected = socket.socket()
            connected.setblocking(False)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            host, _, port = rest.rpartition(":")
            await loop.sock_connect(connected, (host, int(port)))
            name = host if self.client_tls else None
            transport, _ = await loop.create_connection(
                lambda: protocol, sock=connected, ssl=self.client_tls, server_hostname=name
            )
        return Raw(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


@dataclass
class Raw:
    """A side of a connection: it writes what a test wants and reads frames."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    decoder: StreamDecoder = field(default_factory=lambda: StreamDecoder(1 << 31))
    waiting: list[Frame] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def reset_at_the_end(self) -> None:
        """The other side of a TCP connection will meet a reset, not the end of the input."""
        connected = self.writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def stop_reading(self) -> None:
        transport: Any = self.writer.transport
        transport.pause_reading()

    def say(self, *frames: Frame | bytes) -> None:
        """Writes each as a record, in one piece; bytes stand for a record of any content."""
        self.write(b"".join(map(record, frames)))

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self) -> Frame:
        """The next frame."""
        while not self.waiting:
            data = await self.reader.read(65_536)
            assert data, "the connection ended"
            self._take(data)
        return self.waiting.pop(0)

    async def hear_all(self) -> list[Frame]:
        """The frames until the other side shuts down writing."""
        while data := await self.reader.read(65_536):
            self._take(data)
        frames, self.waiting = self.waiting, []
        return frames

    async def hear_goaway(self) -> tuple[list[int], int]:
        """The kinds that came before a goaway that ends the connection, and its status."""
        *before, last = await self.hear_all()
        assert last.kind == Kind.GOAWAY
        return [int(each.kind or 0) for each in before], body(last)[1]

    def _take(self, data: bytes) -> None:
        for item in self.decoder.feed(data):
            assert not isinstance(item, FrameError), item
            self.waiting.append(item)
