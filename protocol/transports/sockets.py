"""Connections and listeners on TCP ports, with and without TLS."""

import asyncio
import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from ..limits import Limits
from .accepting import Acceptor, SocketListener
from .address import HostAddress
from .opening import AnyProtocol, opened, within

_BACKLOG: Final = 1024
#: Seconds; the least that the loop takes as a time.
_INSTANT: Final = 0.001
#: Attempts at a free port that all addresses of a host have.
_PORTS: Final = 10
#: What closing then means to the other side, at once: a reset.
_RESET: Final = struct.pack("ii", 1, 0)
#: Of an address whose family this machine does not have.
_NO_FAMILY: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

#: Where the system has them, by name: the other side may vanish without a word.
_OPTIONS: Final = (
    ("SOL_SOCKET", "SO_KEEPALIVE", 1),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", 60),  # seconds of silence
    ("IPPROTO_TCP", "TCP_KEEPINTVL", 20),
    ("IPPROTO_TCP", "TCP_KEEPCNT", 3),
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", 120_000),  # milliseconds
    ("IPPROTO_TCP", "TCP_NODELAY", 1),
)

_Info = tuple[Any, ...]


async def open_host(
    address: HostAddress,
    factory: Callable[[], AnyProtocol],
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> AnyProtocol:
    """Connects over TCP, or TLS where a context is given. OSError if nobody answers in time."""
    host = address.host if tls else None
    times = _tls_times(limits) if tls else {}
    async with within(limits.connect_seconds, address):
        infos = await _resolved(address.host, address.port)
        connected = await _connected(infos, limits.connect_seconds)
        return await opened(factory, connected, tls, host, **times)


async def listen_host(
    address: HostAddress,
    acceptor: Acceptor,
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> SocketListener:
    """Listens on a TCP port of every address that the host has. OSError if it cannot."""
    infos = await _resolved(address.host, address.port)
    listening = _listening(infos)
    url = str(address.with_port(listening[0].getsockname()[1]))
    times = _tls_times(limits) if tls else {}
    return SocketListener(listening, url, acceptor, tls, times, prepare=_set_options)


def _tls_times(limits: Limits) -> dict[str, float]:
    """How long the parts of a TLS connection may take of which no peer knows."""
    return {
        "ssl_handshake_timeout": max(limits.record_seconds, _INSTANT),
        "ssl_shutdown_timeout": max(limits.discard_seconds, _INSTANT),
    }


async def _resolved(host: str, port: int) -> list[_Info]:
    """What getaddrinfo gives, each once. OSError that names the host."""
    try:
        try:
            infos = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        except socket.gaierror:  # a name, which may take a while
            loop = asyncio.get_running_loop()
            infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise socket.gaierror(error.errno, f"{host!r}: {error.strerror}") from None
    except UnicodeError as error:
        raise OSError(errno.EINVAL, f"{host!r} cannot be the name of a host: {error}") from None
    return list(dict.fromkeys(infos))


async def _connected(infos: list[_Info], seconds: float) -> socket.socket:
    """A socket that is connected to one of the addresses, the first that answers.

    Each but the last has its share of the seconds, so that one that says nothing hides no other.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    failed: list[OSError] = []
    for left, info in zip(range(len(infos), 0, -1), infos, strict=True):
        try:
            async with asyncio.timeout((until - loop.time()) / left if left > 1 else None):
                return await _connected_to(info)
        except OSError as error:
            failed.append(error)
    raise failed[0] if len(failed) == 1 else _all_failed(failed)


def _all_failed(failed: list[OSError]) -> OSError:
    said = "; ".join(str(error) or "no answer" for error in failed)
    return type(failed[0])(failed[0].errno, said)


async def _connected_to(info: _Info) -> socket.socket:
    family, kind, protocol, _, target = info
    connecting = socket.socket(family, kind, protocol)
    try:
        connecting.setblocking(False)
        _set_options(connecting)
        await asyncio.get_running_loop().sock_connect(connecting, target)
        if connecting.getsockname() == connecting.getpeername():
            # It was given the very port that it asked for, where nobody listens.
            connecting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            said = f"nobody listens on {target[0]}:{target[1]}: it was connected to itself"
            raise ConnectionRefusedError(errno.ECONNREFUSED, said)
    except BaseException:
        connecting.close()
        raise
    return connecting


def _set_options(connected: socket.socket) -> None:
    for level, name, value in _OPTIONS:
        if hasattr(socket, name):
            with suppress(OSError):  # the other side may be gone already
                connected.setsockopt(getattr(socket, level), getattr(socket, name), value)


def _listening(infos: list[_Info]) -> list[socket.socket]:
    """Sockets that listen on one port of each address."""
    for attempt in range(_PORTS):
        try:
            return _listening_once(infos)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or infos[0][4][1] or attempt == _PORTS - 1:
                raise
    raise AssertionError


def _listening_once(infos: Iterable[_Info]) -> list[socket.socket]:
    listening: list[socket.socket] = []
    missing: OSError | None = None
    port = 0
    try:
        for info in infos:
            try:
                listening.append(_listening_on(info, port))
            except OSError as error:
                if error.errno not in _NO_FAMILY:
                    raise
                missing = error
            else:
                port = listening[0].getsockname()[1]
        if missing is not None and not listening:
            raise missing
    except BaseException:
        for each in listening:
            each.close()
        raise
    return listening


def _listening_on(info: _Info, port: int) -> socket.socket:
    """``port``: to listen on where the address says 0."""
    family, kind, protocol, _, (host, asked, *rest) = info
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setblocking(False)
        if os.name == "posix":  # elsewhere it would take a port from somebody
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        listening.bind((host, asked or port, *rest))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{host}:{asked or port}: {error.strerror}") from None
    return listening
