"""What spans and series say of the ends of a connection."""

from asyncio import BaseTransport
from functools import lru_cache

from .address import HostAddress, UnixAddress, parse_address
from .conventions import Endpoint, endpoint


def ends_of(url: str, connector: bool, transport: BaseTransport) -> tuple[Endpoint, Endpoint]:
    """Of calls that are made on this side, and of calls that are handled here.

    A server is told by the address that it listens on; the side that connected has none.
    """
    name = transport.get_extra_info("peername")
    to_listener, to_connector = _ends(url, name[0] if isinstance(name, tuple) else None)
    return (to_listener, to_connector) if connector else (to_connector, to_listener)


@lru_cache(maxsize=1024)
def _ends(url: str, peer: str | None) -> tuple[Endpoint, Endpoint]:
    """Shared by the connections with one host, so that an idle one holds no more."""
    match parse_address(url):
        case HostAddress(_, host, port):
            listener = endpoint(host, port, peer)
        case UnixAddress(path):
            listener = endpoint(path)
        case memory:
            listener = endpoint(memory.name)
    return listener, endpoint(peer_address=peer)
