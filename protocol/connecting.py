"""connect: opens a connection to an address; it is a Peer."""

import asyncio
import socket
import ssl
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

from .address import MemoryAddress, UnixAddress, parse_address
from .endpoint import AroundHandlers, Endpoint
from .grease import EVERY
from .limits import Limits
from .listening import tls_times
from .memory import memory_connect
from .outgoing import AroundCalls
from .peer import Peer
from .reconnecting import Reconnecting
from .rollout import Rollout
from .service import Service
from .tracing import Tracing
from .trust import Trust

#: Between two attempts at a Unix socket where too many wait already.
_FULL_SECONDS: Final = 0.01


class Connecting:
    """What ``connect`` returns: awaited it gives a Peer; ``async with`` closes it at the end."""

    __slots__ = ("_endpoint", "_peer", "_rollout", "_tls")

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, rollout: Rollout | None
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._rollout = rollout
        self._peer: Peer | None = None

    def __await__(self) -> Generator[Any, Any, Peer]:
        return self._open().__await__()

    async def __aenter__(self) -> Peer:
        self._peer = await self
        return self._peer

    async def __aexit__(self, *_: object) -> None:
        assert self._peer is not None
        await self._peer.close()

    def kept(self) -> Reconnecting:
        """The same, but the connection is made again when it ends."""
        return Reconnecting(self._open, self._endpoint.url)

    async def _open(self) -> Peer:
        endpoint = self._endpoint
        if self._rollout is not None:
            endpoint = replace(endpoint, mode=self._rollout.mode(endpoint.url))
        return await open_peer(endpoint, self._tls)


def connect(
    url: str,
    service: Service | None = None,
    *,
    mode: str | Rollout = "framed",
    tracing: Tracing | None = None,
    trust: Trust | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    agent: str | None = None,
    around_handlers: AroundHandlers | None = None,
    around_calls: AroundCalls | None = None,
    grease: int = EVERY,
) -> Connecting:
    """Connects to ``tcp://host:port``, ``tls://host:port``, ``unix:///path`` or ``memory://name``.

    ``service``: what the other side may call here. ``mode``: framed where the other side is known
    to read frames, else both or bare; a Rollout is asked about the URL for each connection that is
    made, and may raise ModeUnknown. ``trust``: of what the other side calls; by default that of a
    listener of this address. ``tls``: the context of a tls address, by default one that checks the
    server's certificate. ``around_handlers``, ``around_calls``: what runs around each handler
    and each call, see endpoint.py and outgoing.py. ``grease``: one frame in about so many has an
    extension that nobody knows, see grease.py; 0 for none. Awaiting raises OSError if nobody
    answers.
    """
    address = parse_address(url)
    if tls is not None and address.scheme != "tls":
        raise ValueError(f"tls= is for tls:// addresses, not {url}")
    if address.scheme == "tls" and tls is None:
        tls = ssl.create_default_context()
    tracing = tracing or Tracing()
    endpoint = Endpoint(
        url=url,
        connector=True,
        service=service or Service(),
        mode=mode if isinstance(mode, str) else "bare",
        tracing=tracing,
        trust=trust or tracing.trust_at(url),
        limits=limits or Limits(),
        around_handlers=around_handlers,
        around_calls=around_calls,
        grease=grease,
    )
    if agent is not None:
        endpoint.agent = agent
    return Connecting(endpoint, tls, None if isinstance(mode, str) else mode)


async def open_peer(endpoint: Endpoint, tls: ssl.SSLContext | None) -> Peer:
    """One connection to the endpoint's address."""
    loop = asyncio.get_running_loop()
    address = parse_address(endpoint.url)

    def make_peer() -> Peer:
        return Peer(endpoint)

    if isinstance(address, MemoryAddress):
        _, peer = memory_connect(address.name, make_peer)
    elif isinstance(address, UnixAddress):
        connected = await _unix_socket(address.path)
        _, peer = await loop.create_unix_connection(make_peer, sock=connected)
    else:
        times = tls_times(endpoint.limits) if tls else {}
        _, peer = await loop.create_connection(
            make_peer, address.host, address.port, ssl=tls, **times
        )
    return peer


async def _unix_socket(path: str) -> socket.socket:
    """A socket that is connected to the path.

    Where too many wait to be accepted, Linux says EAGAIN, which asyncio takes for a connection that
    is being made. Nothing tells when there is room.
    """
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connecting.setblocking(False)
    try:
        while True:
            try:
                connecting.connect(path)
            except BlockingIOError:
                await asyncio.sleep(_FULL_SECONDS)
            else:
                return connecting
    except BaseException:
        connecting.close()
        raise
