"""How many connections a server has."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.interop.places import Place
from tests.interop.sized import sized
from tracewire.codec import Status
from tracewire.protocol import Body, Limits, RpcError, connect


async def test_connections_of_a_server(place: Place) -> None:
    limits = Limits(connections=2)
    async with (
        await place.serve(sized(), limits=limits) as server,
        place.connect(server) as one,
    ):
        async with place.connect(server) as two:
            for each in (one, two):
                assert await each.call("size", Body(b"x")) == 1
            with pytest.raises((OSError, RpcError)) as refused:
                await one_too_many(place, server)
            if isinstance(refused.value, RpcError):  # it was connected when it was closed
                assert refused.value.status is Status.UNAVAILABLE
            assert server.counts()["connections_refused"] == 1
            for each in (one, two):
                assert await each.call("size", Body(b"x")) == 1
        while len(server.peers) > 1:
            await asyncio.sleep(0)
        async with place.connect(server) as three:
            assert await three.call("size", Body(b"x")) == 1


async def one_too_many(place: Place, server: Any) -> None:
    async with place.connect(server) as peer:
        await peer.call("size", Body(b"x"))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connecting_to_a_path_waits_while_too_many_wait_there_to_be_accepted(
    new_loop: Any, tmp_path: Path
) -> None:
    path = str(tmp_path / "busy.sock")

    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            busy = stack.enter_context(socket.socket(socket.AF_UNIX))
            busy.bind(path)
            busy.listen(1)
            busy.setblocking(False)
            others = fill(path, stack)
            connecting = asyncio.ensure_future(connect(f"unix://{path}"))
            for _ in range(20):
                await asyncio.sleep(0)  # it tries, and finds no room
            for _ in range(others):
                assert not connecting.done()
                stack.enter_context((await loop.sock_accept(busy))[0])
            peer = await connecting
            accepted = stack.enter_context((await loop.sock_accept(busy))[0])
            hello = await loop.sock_recv(accepted, 1000)
            await peer.close()
            return hello

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(main())[4:7] == b"\xd9\xd4\xf7"


def fill(path: str, stack: ExitStack) -> int:
    """Connects until no more may wait; how many do."""
    waiting = 0
    while True:
        one = stack.enter_context(socket.socket(socket.AF_UNIX))
        one.setblocking(False)
        try:
            one.connect(path)
        except BlockingIOError:
            return waiting
        waiting += 1
