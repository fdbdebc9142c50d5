"""Addresses: what each URL means, and what is said of a wrong one."""

import pytest

from tracewire.protocol.transports.address import (
    Address,
    HostAddress,
    MemoryAddress,
    NatsAddress,
    UnixAddress,
)
from tracewire.protocol.transports.schemes import parse_address, parse_any_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://localhost:4000", HostAddress("tcp", "localhost", 4000)),
        ("tcp://127.0.0.1:0", HostAddress("tcp", "127.0.0.1", 0)),
        ("tls://guild.internal:65535", HostAddress("tls", "guild.internal", 65535)),
        ("tcp://[::1]:4000", HostAddress("tcp", "::1", 4000)),
        ("unix:///run/guild.sock", UnixAddress("/run/guild.sock")),
        ("unix:///run/a%20b%3F@x%25", UnixAddress("/run/a b?@x%")),
        ("unix:///run/%C3%A9", UnixAddress("/run/é")),
        ("memory://guild", MemoryAddress("guild")),
        ("memory://Guild:1.a", MemoryAddress("Guild:1.a")),
    ],
)
def test_url_is_parsed_and_written_again(url: str, address: Address) -> None:
    assert parse_address(url) == address
    assert parse_address(str(address)) == address
    assert address.scheme == url.partition(":")[0]


@pytest.mark.parametrize(
    "url",
    [
        *("tcp://localhost:4000", "tls://[::1]:0", "unix:///run/a%20b.sock", "memory://guild"),
        "nats://localhost:4222/guild.join",
    ],
)
def test_address_is_written_as_its_url(url: str) -> None:
    assert str(parse_any_address(url)) == url


def test_scheme_may_be_in_capitals() -> None:
    assert parse_address("TCP://localhost:1") == HostAddress("tcp", "localhost", 1)


def test_port_can_be_filled_in() -> None:
    assert str(HostAddress("tls", "::1", 0).with_port(4000)) == "tls://[::1]:4000"


def test_address_cannot_be_changed() -> None:
    address = HostAddress("tcp", "localhost", 1)
    with pytest.raises(AttributeError):
        address.port = 2  # type: ignore[misc]


def test_nats_is_parsed_but_not_for_peers() -> None:
    url = "nats://localhost:4222/guild.*"
    assert parse_any_address(url) == NatsAddress("localhost", 4222, "guild.*")
    with pytest.raises(ValueError, match="not served here: .*wrap and unwrap"):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no address: write tcp://host:port, "),
        ("localhost:4000", "is no address"),
        ("/run/guild.sock", "is no address"),
        ("unix:/run/guild.sock", "is no address"),
        ("http://localhost:80", "'http' is no scheme"),
        ("://x", "'' is no scheme"),
        ("tcp://localhost", "has no port"),
        ("tcp://localhost:", "has no port"),
        ("tcp://:4000", "has no host"),
        ("tcp://", "has no host"),
        ("tcp://localhost:65536", "is no number from 0 to 65535"),
        ("tcp://localhost:-1", "is no number"),
        ("tcp://localhost:http", "is no number"),
        ("tcp://::1:4000", "is no number|has no port"),
        ("tcp://[::1]", "has no port"),
        ("tcp://[::1:4000", "is no address"),
        ("tcp://localhost:4000/", "has a path"),
        ("tls://localhost:4000/x", "has a path"),
        ("tcp://localhost:4000?x=1", "has a query"),
        ("tcp://localhost:4000?", "has a query"),
        ("unix:///run/a#b", "has a query or a fragment"),
        ("tcp://user:secret@localhost:4000", "'tcp://localhost:4000' has a user"),
        ("nats://user:secret@localhost:4222/x", "has a user"),
        ("tcp://local host:4000", "has a space"),
        ("tcp://local\nhost:4000", "control character"),
        ("unix://run/guild.sock", "write three slashes"),
        ("unix://", "names no file"),
        ("unix:///", "names no file"),
        ("unix:///run/", "names no file"),
        ("unix:///run/%00", "null character"),
        ("memory://", "is not memory://name"),
        ("memory://guild/x", "is not memory://name"),
        ("memory:///guild", "is not memory://name"),
        ("nats://localhost:4222", "must end with one subject"),
        ("nats://localhost:4222/", "must end with one subject"),
        ("nats://localhost:4222/a/b", "must end with one subject"),
        ("nats://localhost/a", "has no port"),
    ],
)
def test_wrong_url_is_a_value_error_that_says_what_is_wrong(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        parse_any_address(url)
    assert "secret" not in str(raised.value)
