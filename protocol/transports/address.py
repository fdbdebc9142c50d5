"""Addresses: where a peer listens or connects, and what each scheme's URLs say."""

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:  # it takes long to load, and is needed where an address is parsed alone
    from urllib.parse import SplitResult


class Address(Protocol):
    """Any of them: ``str()`` of it is its URL."""

    @property
    def scheme(self) -> str: ...


class HostAddress(msgspec.Struct, frozen=True):
    """A TCP port, with or without TLS.

    ``host``: a name or an IP address, without brackets. ``port``: 0 listens on a free one.
    """

    scheme: Literal["tcp", "tls"]
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}"

    def with_port(self, port: int) -> "HostAddress":
        return msgspec.structs.replace(self, port=port)


class UnixAddress(msgspec.Struct, frozen=True):
    """A Unix socket. ``path``: absolute, as the file system has it."""

    path: str
    scheme: Literal["unix"] = "unix"

    def __str__(self) -> str:
        from urllib.parse import quote

        return f"unix://{quote(self.path)}"


class MemoryAddress(msgspec.Struct, frozen=True):
    """A name that is known in one event loop."""

    name: str
    scheme: Literal["memory"] = "memory"

    def __str__(self) -> str:
        return f"memory://{self.name}"


class NatsAddress(msgspec.Struct, frozen=True):
    """A subject of a NATS server: a message transport, without connections between peers."""

    host: str
    port: int
    subject: str
    scheme: Literal["nats"] = "nats"

    def __str__(self) -> str:
        return f"nats://{_bracketed(self.host)}:{self.port}/{self.subject}"


# Each raises ValueError saying what is wrong with the URL.


def host_address(url: str, parts: "SplitResult") -> HostAddress:
    if parts.path:
        raise ValueError(f"{url!r} has a path: a {parts.scheme} address ends with its port")
    host, port = _host_and_port(url, parts)
    return HostAddress("tls" if parts.scheme == "tls" else "tcp", host, port)


def unix_address(url: str, parts: "SplitResult") -> UnixAddress:
    from urllib.parse import unquote

    path = unquote(parts.path)
    if parts.netloc:
        raise ValueError(f"{url!r} has a relative path: write three slashes, unix:///path")
    if path.endswith("/") or not path:
        raise ValueError(f"{url!r} names no file: write unix:///path")
    if "\0" in path:
        raise ValueError(f"{url!r} has a null character in its path")
    return UnixAddress(path)


def memory_address(url: str, parts: "SplitResult") -> MemoryAddress:
    if not parts.netloc or parts.path:
        raise ValueError(f"{url!r} is not memory://name, with a name and no path")
    return MemoryAddress(parts.netloc)


def nats_address(url: str, parts: "SplitResult") -> NatsAddress:
    host, port = _host_and_port(url, parts)
    subject = parts.path.removeprefix("/")
    if not subject or "/" in subject:
        raise ValueError(f"{url!r} must end with one subject: nats://host:port/subject")
    return NatsAddress(host, port, subject)


def _host_and_port(url: str, parts: "SplitResult") -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"the port of {url!r} is no number from 0 to 65535") from None
    if not host:
        raise ValueError(f"{url!r} has no host: to listen everywhere write 0.0.0.0 or [::]")
    if port is None:
        raise ValueError(f"{url!r} has no port: an IPv6 address stands in brackets, [::1]:port")
    return host, port


def without_user(url: str) -> str:
    """A password in a URL is not for messages and logs."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
