"""Opening a connection: whoever is cancelled or too late meanwhile leaves none."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

AnyProtocol = TypeVar("AnyProtocol", bound=asyncio.BaseProtocol)


@asynccontextmanager
async def within(seconds: float, address: object) -> AsyncIterator[None]:
    """TimeoutError, which is an OSError, that names the address once the seconds are over."""
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            yield
    except TimeoutError:
        if not timeout.expired():
            raise
        said = f"no connection to {address} within {seconds:g} s"
        raise TimeoutError(errno.ETIMEDOUT, said) from None


async def opened(
    factory: Callable[[], AnyProtocol],
    connected: socket.socket,
    tls: ssl.SSLContext | None = None,
    host: str | None = None,
    **times: Any,
) -> AnyProtocol:
    """The protocol that the factory made, once it was told of its connection. Owns the socket.

    ``host``: whose certificate is checked. ``times``: of TLS.
    """
    has_transport = False

    def made() -> AnyProtocol:
        nonlocal has_transport
        has_transport = True
        return protocol

    loop = asyncio.get_running_loop()
    try:
        protocol = factory()
        if connected.family == getattr(socket, "AF_UNIX", None):
            await loop.create_unix_connection(made, sock=connected)
        else:
            await loop.create_connection(
                made, sock=connected, ssl=tls, server_hostname=host, **times
            )
    except BaseException:
        if has_transport:  # which closes it, after a word of farewell that nobody needs
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        else:
            connected.close()
        raise
    return protocol
