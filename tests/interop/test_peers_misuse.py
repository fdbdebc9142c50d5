"""Peers in another loop or process, and addresses that cannot be used."""

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate
from tests.interop.places import Place
from tracewire.protocol import Service, connect, serve

IN_USE = f"Errno {errno.EADDRINUSE}"


async def test_a_peer_of_another_loop_says_so(place: Place) -> None:
    gate = Gate()
    async with (
        await place.serve(gate.service) as server,
        place.connect(server) as peer,
        place.connect(server).kept() as kept,
    ):
        for use in (
            lambda: kept.call("ready"),
            lambda: kept.notify("ready"),
            kept.drain,
            kept.close,
            lambda: peer.call("ready"),
            lambda: peer.notify("ready"),
            lambda: peer.send(b""),
            peer.drain,
            peer.close,
            server.drain,
            server.close,
        ):
            assert "another event loop" in await asyncio.to_thread(_misused, use)
        assert await peer.call("ready", 1) == await kept.call("ready", 1) == 1


async def test_a_peer_in_a_forked_process_says_so(kernel: Place) -> None:
    gate = Gate()
    async with (
        await kernel.serve(gate.service) as server,
        kernel.connect(server) as peer,
        kernel.connect(server).kept() as kept,
    ):
        await peer.call("ready")
        for use in (
            lambda: peer.call("ready"),
            peer.close,
            lambda: kept.call("ready"),
            kept.close,
            server.drain,
            server.close,
        ):
            assert "forked" in _in_a_fork(use)
        assert await peer.call("ready", 1) == 1
        async with kernel.connect(server) as another:
            assert await another.call("ready", 2) == 2


async def test_a_unix_socket_is_its_owners_alone_and_goes_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    before = os.umask(0)
    try:
        server = await serve(f"unix://{path}", Service())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await server.close()
    assert not path.exists()


async def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    assert path.exists()
    gate = Gate()
    async with await serve(f"unix://{path}", gate.service) as server, connect(server.url) as peer:
        assert await peer.call("ready", 1) == 1
    assert not path.exists()


@pytest.mark.parametrize("where", ["live", "file", "folder"])
async def test_what_is_no_stale_socket_is_left_alone(tmp_path: Path, where: str) -> None:
    path = tmp_path / "peers.sock"
    gate = Gate()
    live = await serve(f"unix://{path}", gate.service) if where == "live" else None
    if where == "file":
        path.write_text("data")
    elif where == "folder":
        path.mkdir()
    with pytest.raises(OSError, match="in use") as caught:
        await serve(f"unix://{path}", Service())
    assert caught.value.errno == errno.EADDRINUSE
    assert path.exists()
    if live is not None:
        async with live, connect(live.url) as peer:
            assert await peer.call("ready", 1) == 1


async def test_closing_a_server_leaves_the_socket_of_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    gate = Gate()
    old = await serve(f"unix://{path}", Service())
    path.unlink()
    async with await serve(f"unix://{path}", gate.service) as successor:
        await old.close()
        async with connect(successor.url) as peer:
            assert await peer.call("ready", 1) == 1


@pytest.mark.parametrize("scheme", ["tcp", "memory"])
async def test_an_address_that_is_in_use_says_so(scheme: str) -> None:
    url = {"tcp": "tcp://127.0.0.1:0", "memory": "memory://taken"}[scheme]
    async with await serve(url, Service()) as server:
        with pytest.raises(OSError, match="in use|listened on") as caught:
            await serve(server.url, Service())
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("url", "raised"),
    [
        ("tcp://127.0.0.1:1", ConnectionRefusedError),
        ("unix:///nowhere/peers.sock", FileNotFoundError),
        ("memory://nowhere", ConnectionRefusedError),
    ],
)
async def test_connecting_to_nobody_raises_an_os_error(url: str, raised: type[OSError]) -> None:
    with pytest.raises(raised):
        await connect(url)


def _misused(use: Any) -> str:
    """What using it in another thread's loop raises."""
    with pytest.raises(RuntimeError) as caught:
        asyncio.run(use())
    return str(caught.value)


def _in_a_fork(use: Any) -> str:
    """What it raises in a child process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            use().send(None)
            told = "nothing"
        except BaseException as raised:
            told = f"{type(raised).__name__}: {raised}"
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told
