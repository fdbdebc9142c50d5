"""Connections and listeners on sockets: TCP, TLS and Unix."""

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar

from ..limits import Limits
from .address import HostAddress, UnixAddress

Protocol = TypeVar("Protocol", bound=asyncio.BaseProtocol)

_BACKLOG: Final = 1024
_OWNER_ONLY: Final = 0o600
#: Between two attempts at a Unix socket where too many wait already.
_FULL_SECONDS: Final = 0.01
#: Seconds; the least that the loop takes as a time.
_INSTANT: Final = 0.001


class SocketListener:
    """Accepts connections until it is stopped. ``url``: where, with the port that was given.

    ``file``: of a Unix socket, with its inode: another server may have replaced it.
    """

    def __init__(
        self, server: asyncio.Server, url: str, file: tuple[str, int] | None = None
    ) -> None:
        self._server = server
        self._file = file
        self.url = url

    async def stop(self) -> None:
        """Accepts no more; every connection that was accepted has its protocol then."""
        if self._file is not None:
            _unlink_socket(*self._file)  # while it is open, so that no other has its inode
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            await _stop_accepting(self._server.sockets)
        self._server.close()


async def open_host(
    address: HostAddress,
    factory: Callable[[], Protocol],
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> Protocol:
    """Connects over TCP, or TLS where a context is given. OSError if nobody answers."""
    times = _tls_times(limits) if tls else {}
    _, protocol = await asyncio.get_running_loop().create_connection(
        factory, address.host, address.port, ssl=tls, **times
    )
    return protocol


async def listen_host(
    address: HostAddress,
    factory: Callable[[], asyncio.BaseProtocol],
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> SocketListener:
    """Listens on a TCP port. OSError if it cannot."""
    times = _tls_times(limits) if tls else {}
    server = await asyncio.get_running_loop().create_server(
        factory, address.host, address.port, ssl=tls, backlog=_BACKLOG, **times
    )
    port = server.sockets[0].getsockname()[1]
    return SocketListener(server, str(address.with_port(port)))


async def open_unix(
    address: UnixAddress, factory: Callable[[], Protocol], tls: None, limits: Limits
) -> Protocol:
    """Connects to a path. OSError if nobody answers."""
    connected = await _connected_socket(address.path)
    _, protocol = await asyncio.get_running_loop().create_unix_connection(factory, sock=connected)
    return protocol


async def listen_unix(
    address: UnixAddress,
    factory: Callable[[], asyncio.BaseProtocol],
    tls: None,
    limits: Limits,
) -> SocketListener:
    """Listens on a path that its owner alone may use. A dead socket there is replaced."""
    bound = _bound_socket(address.path)
    file = address.path, os.stat(address.path).st_ino
    server = await asyncio.get_running_loop().create_unix_server(
        factory, sock=bound, backlog=_BACKLOG
    )
    return SocketListener(server, str(address), file)


def _tls_times(limits: Limits) -> dict[str, Any]:
    """How long the parts of a TLS connection may take of which no peer knows."""
    return {
        "ssl_handshake_timeout": max(limits.record_seconds, _INSTANT),
        "ssl_shutdown_timeout": max(limits.discard_seconds, _INSTANT),
    }


async def _stop_accepting(sockets: Iterable[Any]) -> None:
    """Lets the turn go by in which the last connection was accepted.

    One that is accepted in the turn in which a server of asyncio's own loop closes is forgotten: it
    stays open, and nobody reads it.
    """
    loop = asyncio.get_running_loop()
    for each in sockets:
        loop.remove_reader(each.fileno())
    await asyncio.sleep(0)


async def _connected_socket(path: str) -> socket.socket:
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


def _bound_socket(path: str) -> socket.socket:
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
