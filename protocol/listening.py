"""serve: accepts connections on an address, each one a Peer."""

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, Self

from .address import Address, MemoryAddress, UnixAddress, parse_address
from .endpoint import AroundHandlers, Endpoint
from .grease import EVERY
from .home import Home
from .limits import Limits
from .load import Load
from .memory import memory_listen
from .outgoing import AroundCalls
from .peer import Peer
from .service import Service
from .tracing import Tracing
from .trust import Trust

_BACKLOG: Final = 1024
_OWNER_ONLY: Final = 0o600
#: Seconds; the least that the loop takes as a time.
_INSTANT: Final = 0.001


class Server:
    """What ``serve`` returns. As a context manager it closes at the end."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._peers: set[Peer] = set()
        self._listener: Any = None
        #: The file of a Unix socket and its inode: another server may have replaced it.
        self._file: tuple[str, int] | None = None
        #: What is done, once it stopped listening, with peers that were on their way in.
        self._meet_late: Callable[[Peer], None] | None = None
        self._home = Home("this server", "serve again in this one")
        endpoint.opened = self._opened
        endpoint.closed = self._peers.discard

    @property
    def url(self) -> str:
        """Where it listens; a port that was 0 is the one that was given."""
        return self._endpoint.url

    @property
    def peers(self) -> frozenset[Peer]:
        """The connections that are open now."""
        return frozenset(self._peers)

    @property
    def in_flight(self) -> int:
        """Requests that are handled now."""
        return self._endpoint.load.taken

    def counts(self) -> dict[str, int]:
        """What connections passed over in silence, by name, since the start."""
        return dict(self._endpoint.counts)

    async def drain(self, text: str | None = None) -> None:
        """Accepts no more, and ends every connection in good order: no accepted call is lost."""
        self._home.check()
        await self._stop_listening(lambda peer: peer.leave(text))
        while self._peers:
            async with asyncio.TaskGroup() as draining:
                for peer in self.peers:
                    draining.create_task(peer.drain(text))

    async def close(self) -> None:
        """Accepts no more, and ends every connection now."""
        self._home.check()
        await self._stop_listening(Peer.refuse)
        async with asyncio.TaskGroup() as closing:
            for peer in self.peers:
                closing.create_task(peer.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self, address: Address, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(address, MemoryAddress):
            self._listener = memory_listen(address.name, self._make_peer)
        elif isinstance(address, UnixAddress):
            bound = _unix_socket(address.path)
            self._file = address.path, os.stat(address.path).st_ino
            self._listener = await loop.create_unix_server(
                self._make_peer, sock=bound, backlog=_BACKLOG
            )
        else:
            times = tls_times(self._endpoint.limits) if tls else {}
            self._listener = await loop.create_server(
                self._make_peer, address.host, address.port, ssl=tls, backlog=_BACKLOG, **times
            )
            port = self._listener.sockets[0].getsockname()[1]
            self._endpoint.url = str(address.with_port(port))

    def _make_peer(self) -> Peer:
        return Peer(self._endpoint)

    def _opened(self, peer: Peer) -> None:
        self._peers.add(peer)
        if self._meet_late is not None:
            self._meet_late(peer)
        elif len(self._peers) > self._endpoint.limits.connections:
            self._endpoint.counts["connections_refused"] += 1
            peer.refuse()

    async def _stop_listening(self, meet_late: Callable[[Peer], None]) -> None:
        listening = self._meet_late is None
        self._meet_late = meet_late
        if not listening:
            return
        if self._file is not None:
            _unlink_socket(*self._file)  # while it is open, so that no other has its inode
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            await _stop_accepting(self._listener.sockets)
        self._listener.close()


async def serve(
    url: str,
    service: Service,
    *,
    mode: str = "framed",
    tracing: Tracing | None = None,
    trust: Trust | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    agent: str | None = None,
    around_handlers: AroundHandlers | None = None,
    around_calls: AroundCalls | None = None,
    grease: int = EVERY,
) -> Server:
    """Serves on ``tcp://host:port``, ``tls://host:port``, ``unix:///path`` or ``memory://name``.

    ``mode``: framed, both or bare (section 5.4; see rule M-6 before using both). ``trust``: parent,
    link or ignore; by default that of ``tracing``, or as section 8.1 says for the address.
    ``tls``: the context of a tls listener; with client certificates where it requires them.
    ``around_handlers`` and ``around_calls``: what runs around each handler and each call, see
    endpoint.py and outgoing.py. ``grease``: one frame in about so many has an extension that nobody
    knows, see grease.py; 0 for none. OSError if it cannot listen.
    """
    address = parse_address(url)
    if (address.scheme == "tls") != (tls is not None):
        raise ValueError("a tls:// address takes a context as tls=, and no other address does")
    certified = tls is not None and tls.verify_mode is ssl.CERT_REQUIRED
    limits, tracing = limits or Limits(), tracing or Tracing()
    endpoint = Endpoint(
        url=url,
        connector=False,
        service=service,
        mode=mode,
        tracing=tracing,
        trust=trust or tracing.trust_at(url, client_certificates=certified),
        limits=limits,
        around_handlers=around_handlers,
        around_calls=around_calls,
        grease=grease,
        load=Load(limits.in_flight_server),
    )
    if agent is not None:
        endpoint.agent = agent
    server = Server(endpoint)
    await server.listen(address, tls)
    return server


def _unix_socket(path: str) -> socket.socket:
    """A socket bound to the path that its owner alone may use. A dead one there is replaced."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(bound.fileno(), _OWNER_ONLY)  # before it has a name that others could open
        try:
            bound.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or _answers(path):
                raise
            _unlink_socket(path, os.stat(path).st_ino)
            bound.bind(path)
        os.chmod(path, _OWNER_ONLY)
    except BaseException:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


async def _stop_accepting(sockets: Iterable[Any]) -> None:
    """Lets the turn go by in which the last connection was accepted.

    One that is accepted in the turn in which a server of asyncio's own loop closes is forgotten: it
    stays open, and nobody reads it.
    """
    loop = asyncio.get_running_loop()
    for each in sockets:
        loop.remove_reader(each.fileno())
    await asyncio.sleep(0)


def _answers(path: str) -> bool:
    """Whether somebody listens there, or it is no socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return not stat.S_ISSOCK(os.stat(path).st_mode)
        except OSError:
            return True
        return True


def _unlink_socket(path: str, inode: int) -> None:
    with suppress(FileNotFoundError):
        if os.stat(path).st_ino == inode:
            os.unlink(path)


def tls_times(limits: Limits) -> dict[str, Any]:
    """How long the parts of a TLS connection may take of which no peer knows."""
    return {
        "ssl_handshake_timeout": max(limits.record_seconds, _INSTANT),
        "ssl_shutdown_timeout": max(limits.discard_seconds, _INSTANT),
    }
