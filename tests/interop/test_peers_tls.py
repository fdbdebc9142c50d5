"""tls:// addresses: who is believed, with which certificates, and what a handshake may cost."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.calls import Gate, begin
from tests.interop.limits import SHORT
from tests.interop.places import Certificates, Place, client_tls, place_of, server_tls
from tracewire.protocol import Body, Limits, RpcError, Service, connect, current_call, serve

URL = "tls://127.0.0.1:0"


def trusting() -> Service:
    service = Service()

    @service.method
    async def trust() -> str:
        return current_call().trust

    @service.method
    async def size(body: Body) -> int:
        return len(body.data)

    return service


@pytest.fixture
def place(certificates: Certificates, tmp_path: Path) -> Place:
    return place_of("tls", tmp_path, certificates)


@pytest.fixture
def certified(certificates: Certificates, tmp_path: Path) -> Place:
    """A listener that demands client certificates, and a client that has one."""
    place = place_of("tls", tmp_path, certificates)
    assert place.server_tls is not None and place.client_tls is not None
    place.server_tls.load_verify_locations(certificates.client.with_suffix(".pem"))
    place.server_tls.verify_mode = ssl.CERT_REQUIRED
    _show(place.client_tls, certificates.client)
    return place


def _show(context: ssl.SSLContext, certificate: Path) -> None:
    context.load_cert_chain(certificate.with_suffix(".pem"), certificate.with_suffix(".key"))


async def test_a_client_with_a_certificate_is_trusted_as_a_parent(certified: Place) -> None:
    async with await certified.serve(trusting()) as server, certified.connect(server) as peer:
        assert await peer.call("trust") == "parent"


async def test_a_client_without_a_certificate_is_a_stranger(place: Place) -> None:
    async with await place.serve(trusting()) as server, place.connect(server) as peer:
        assert await peer.call("trust") == "link"


async def test_trust_can_be_set(place: Place) -> None:
    async with (
        await place.serve(trusting(), trust="ignore") as server,
        place.connect(server) as peer,
    ):
        assert await peer.call("trust") == "ignore"


@pytest.mark.parametrize("shown", ["none", "stranger"])
async def test_a_listener_that_demands_certificates_serves_nobody_without(
    certified: Place, certificates: Certificates, shown: str
) -> None:
    """TLS 1.3 tells the client only after it has connected: then its call fails."""
    client = client_tls(certificates)
    if shown == "stranger":
        _show(client, certificates.stranger)
    stranger = replace(certified, client_tls=client)
    async with await certified.serve(trusting()) as server:
        with pytest.raises((ssl.SSLError, RpcError, ConnectionError)):
            await _call_once(stranger, server.url)
        assert server.peers == frozenset()


async def _call_once(place: Place, url: str) -> None:
    async with connect(url, tls=place.client_tls) as peer:
        await peer.call("trust", timeout=5)


async def test_a_client_checks_the_servers_certificate(
    place: Place, certificates: Certificates
) -> None:
    elsewhere = ssl.create_default_context(cafile=certificates.stranger.with_suffix(".pem"))
    async with await place.serve(trusting()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server.url, tls=elsewhere)
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server.url)  # the system's authorities, which did not sign it


async def test_a_client_checks_the_servers_name(place: Place) -> None:
    async with await place.serve(trusting()) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
            await connect(server.url.replace("127.0.0.1", "localhost"), tls=place.client_tls)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda tls: serve(URL, Service()),
        lambda tls: serve("tcp://127.0.0.1:0", Service(), tls=tls),
    ],
    ids=["tls without a context", "a context without tls"],
)
async def test_a_context_belongs_to_a_tls_listener(
    certificates: Certificates, misuse: Callable[[ssl.SSLContext], object]
) -> None:
    with pytest.raises(ValueError, match="tls="):
        await misuse(server_tls(certificates))  # type: ignore[misc]


async def test_connecting_without_tls_takes_no_context(certificates: Certificates) -> None:
    with pytest.raises(ValueError, match="tls="):
        connect("tcp://127.0.0.1:1", tls=client_tls(certificates))


async def test_a_handshake_that_does_not_come_is_given_up(place: Place) -> None:
    """As a record that does not end: before it no peer knows of the connection."""
    limits = Limits(record_seconds=SHORT)
    async with await place.serve(trusting(), limits=limits) as server:
        host, _, port = server.url.removeprefix("tls://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.read() == b""
        writer.close()


async def test_bytes_that_are_no_handshake_end_the_connection(place: Place) -> None:
    async with await place.serve(trusting()) as server:
        host, _, port = server.url.removeprefix("tls://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x00\x00\x00\x0a\xd9\xd4\xf7\x84\x00\x01\x61m\x40")
        await reader.read()
        writer.close()
        async with place.connect(server) as peer:
            assert await peer.call("trust") == "link"


async def test_closing_does_not_wait_for_a_client_that_stalls(place: Place) -> None:
    """Neither for its part of the end of TLS, which would take half a minute."""
    limits = Limits(discard_seconds=SHORT)
    gate = Gate()
    async with (
        await place.serve(gate.service, limits=limits) as server,
        await place.raw(server) as raw,
    ):
        raw.stop_reading()
        while not server.peers:
            await asyncio.sleep(0)
        await server.close()
        assert server.peers == frozenset()


async def test_a_drain_over_tls_ends_though_writing_cannot_be_shut_down(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait", 7), gate)
        draining = asyncio.create_task(server.drain())
        while peer.is_open:
            await asyncio.sleep(0)
        gate.opened.set()
        assert await call == 7
        await draining
        await peer.wait_closed()


async def test_long_bodies_pass(place: Place) -> None:
    async with await place.serve(trusting()) as server, place.connect(server) as peer:
        assert await peer.call("size", Body(bytes(3 << 20))) == 3 << 20
