"""The table of schemes: how each is parsed, opened, listened on, trusted and named in telemetry.

A new transport is a file of its own and a row here.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from logging import getLogger
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from ..constants import Trust
from ..limits import Limits
from .accepting import Acceptor
from .address import (
    Address,
    host_address,
    memory_address,
    nats_address,
    unix_address,
    without_user,
)
from .memory import listen_memory, open_memory
from .sockets import listen_host, open_host
from .unix import listen_unix, open_unix

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_AnyProtocol = TypeVar("_AnyProtocol", bound=asyncio.BaseProtocol)

_logger: Final = getLogger("tracewire.tracing")


class Listener(Protocol):
    """What accepts connections. ``url``: where, a port that was 0 being the one that was given.

    What it opens it owns until its acceptor's protocol was told of the connection.
    """

    url: str

    def stop(self) -> None:
        """Accepts no more, at once; may be called again.

        Connections that were accepted go on. OSError, after all was done, for what could not be.
        """

    def abandon(self) -> None:
        """Gives up connections of which no protocol was told yet; each comes back as failed."""


class ServerName(NamedTuple):
    """How telemetry names a server: by the address that its clients use."""

    address: str
    port: int | None = None


class Scheme(msgspec.Struct, frozen=True):
    """One row.

    ``form``: how its URLs are written. ``trust``: of peers that nobody vouches for;
    ``trust_proved``: of those who proved who they are, by a certificate or credentials. ``open``
    and ``listen``: None for a message transport, which has no connections between peers. ``tls``:
    whether both take a TLS context, which the others do not.
    """

    form: str
    parse: Callable[[str, "SplitResult"], Address]
    name: Callable[[Any], ServerName]
    trust: Trust
    trust_proved: Trust
    open: Callable[..., Awaitable[Any]] | None = None
    listen: Callable[..., Awaitable[Listener]] | None = None
    tls: bool = False


def _host(address: Any) -> ServerName:
    return ServerName(address.host, address.port)


SCHEMES: Final[dict[str, Scheme]] = {
    "tcp": Scheme("tcp://host:port", host_address, _host, "link", "link", open_host, listen_host),
    "tls": Scheme(
        "tls://host:port", host_address, _host, "link", "parent", open_host, listen_host, tls=True
    ),
    "unix": Scheme(
        "unix:///path",
        unix_address,
        lambda address: ServerName(address.path),
        "parent",
        "parent",
        open_unix,
        listen_unix,
    ),
    "memory": Scheme(
        "memory://name",
        memory_address,
        lambda address: ServerName(address.name),
        "parent",
        "parent",
        open_memory,
        listen_memory,
    ),
    "nats": Scheme("nats://host:port/subject", nats_address, _host, "link", "parent"),
}


def parse_address(url: str) -> Address:
    """The address of a URL, which a peer can listen on or connect to.

    A path is percent-decoded. An IPv6 address stands in brackets. Raises ValueError saying what is
    wrong with the URL, or that its scheme is not for peers.
    """
    address = parse_any_address(url)
    if SCHEMES[address.scheme].open is None:
        raise ValueError(
            f"{url!r} is a message transport and is not served here: "
            "carry messages over it with tracewire.codec.wrap and unwrap"
        )
    return address


def parse_any_address(url: str) -> Address:
    """As parse_address, also where a message transport is named."""
    *forms, last = (each.form for each in SCHEMES.values())
    written = f"write {', '.join(forms)} or {last}"
    if not isinstance(url, str):
        raise ValueError(f"{url!r} is no address: {written}")
    name, separator, _ = url.partition("://")
    scheme = SCHEMES.get(name.lower())
    if not separator:
        raise ValueError(f"{url!r} is no address: {written}")
    if scheme is None:
        raise ValueError(f"{name!r} is no scheme of an address: {written}")
    if not url.isprintable() or " " in url:
        raise ValueError(f"{url!r} has a space or a control character: write %20 and the like")
    from urllib.parse import urlsplit  # it takes long to load

    try:
        parts = urlsplit(url)
    except ValueError as error:  # brackets that do not match
        raise ValueError(f"{url!r} is no address: {error}") from None
    if "@" in parts.netloc:
        raise ValueError(f"{without_user(url)!r} has a user: an address has none")
    if "?" in url or "#" in url:
        raise ValueError(f"{url!r} has a query or a fragment: in a path write %3F and %23")
    return scheme.parse(url, parts)


def takes_tls(url: str) -> bool:
    """Whether connections of the address are made with a TLS context. ValueError as above."""
    return SCHEMES[parse_address(url).scheme].tls


async def open_connection(
    url: str,
    factory: Callable[[], _AnyProtocol],
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> _AnyProtocol:
    """Connects to an address; gives the protocol that the factory made. OSError where it fails."""
    address = parse_address(url)
    open = SCHEMES[address.scheme].open
    assert open is not None  # parse_address says so
    protocol: _AnyProtocol = await open(address, factory, tls, limits)
    return protocol


async def listen(
    url: str,
    acceptor: Acceptor,
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> Listener:
    """Listens on an address; who takes its connections. OSError where it cannot.

    Whoever is cancelled while it begins leaves no listener and no file.
    """
    address = parse_address(url)
    listen = SCHEMES[address.scheme].listen
    assert listen is not None
    return await listen(address, acceptor, tls, limits)


def server_name(url: str) -> ServerName:
    """How telemetry names the server at an address."""
    address = parse_any_address(url)
    return SCHEMES[address.scheme].name(address)


def default_trust(url: str, proved: bool = False) -> Trust:
    """How far the peers at an address are trusted where nobody said. Says once that it is *link*.

    ``proved``: whether they show who they are: by certificates that a TLS listener demands, or by
    a NATS client's credentials.
    """
    scheme = url.partition("://")[0].lower()
    row = SCHEMES.get(scheme)
    trust: Trust = "link"
    if row is not None:
        trust = row.trust_proved if proved else row.trust
    if trust == "link":
        _log_once(scheme)
    return trust


@cache
def _log_once(scheme: str) -> None:
    _logger.info(
        "%s:// peers are strangers: traces of theirs are linked to, not continued; "
        'trust="parent" continues them',
        scheme,
    )
