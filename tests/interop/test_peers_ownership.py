"""What opens has one owner, and every end closes it: also one that is cancelled or goes wrong."""

import asyncio
import gc
import os
import socket
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.descriptors import none_left
from tests.interop.places import Certificates, Place, place_of
from tracewire.codec import Status
from tracewire.protocol import Executed, Limits, RpcError, Server, Service, connect, serve


async def test_a_close_makes_up_for_a_drain_that_was_cancelled(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server) as peer:
        call = await begin(peer.call("wait"), gate)
        draining = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        draining.cancel()
        await asyncio.wait({draining})
        assert draining.cancelled()
        await server.close()
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
    place.url = server.url
    await (await place.serve(gate.service)).close()


async def test_a_drain_and_a_close_may_be_repeated(place: Place) -> None:
    server = await place.serve(Service())
    async with place.connect(server):
        assert await server.drain()
        assert await server.drain()
        await server.close()
        await server.close()


async def test_closing_does_all_but_what_cannot_be_done(tmp_path: Path) -> None:
    """The folder of a Unix socket was moved, and a file lies in its place."""
    folder = tmp_path / "run"
    folder.mkdir()
    server = await serve(f"unix://{folder}/x.sock", Service())
    peer = await connect(server.url)
    folder.rename(tmp_path / "moved")
    folder.touch()
    with pytest.raises(NotADirectoryError):
        await server.close()
    await peer.wait_closed()
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(str(tmp_path / "moved" / "x.sock"))
    await server.close()


@pytest.mark.parametrize("who", ["server", "peer"])
async def test_a_drain_lets_the_handlers_of_notifications_finish(place: Place, who: str) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        await peer.notify("wait", 1)
        assert await gate.began.get() == 1
        draining = asyncio.create_task((server if who == "server" else peer).drain())
        await peer.wait_ending()
        gate.opened.set()
        assert await draining
        assert gate.cancelled.empty()


# A handler that ends what it is served by.


def ends_itself(end: Callable[[], Any], calls: int = 1) -> Service:
    """``calls``: how many of its handlers begin before one goes on."""
    service, all_began = Service(), asyncio.Barrier(calls)

    @service.method
    async def direct() -> str:
        await all_began.wait()
        await end()
        return "ended"

    @service.method
    async def by_a_task() -> str:
        await all_began.wait()
        await asyncio.create_task(end())
        return "ended"

    return service


@pytest.mark.parametrize("method", ["direct", "by_a_task"])
async def test_a_drain_does_not_wait_for_the_handlers_that_wait_in_one(
    place: Place, method: str
) -> None:
    servers: list[Server] = []
    server = await place.serve(ends_itself(lambda: servers[0].drain(), 3))
    servers.append(server)
    async with place.connect(server) as peer, place.connect(server) as another:
        calls = [asyncio.create_task(each.call(method)) for each in (peer, peer, another)]
        assert await asyncio.gather(*calls) == ["ended"] * 3
    assert await server.drain()
    assert not server.peers


@pytest.mark.parametrize("method", ["direct", "by_a_task"])
async def test_a_close_does_not_cancel_the_handler_that_asked_for_it(
    place: Place, method: str
) -> None:
    servers: list[Server] = []
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def end() -> None:
        await servers[0].close()
        ended.put_nowait("closed")

    server = await place.serve(ends_itself(end))
    servers.append(server)
    async with place.connect(server) as peer:
        assert said(await failure(peer.call(method))) == (Status.UNAVAILABLE, Executed.MAYBE)
        assert await ended.get() == "closed"


async def test_a_close_from_elsewhere_cancels_a_handler_that_waits_in_a_drain(
    place: Place,
) -> None:
    servers: list[Server] = []
    gate = Gate()

    @gate.service.method
    async def drain() -> None:
        gate.began.put_nowait(None)
        await servers[0].drain(timeout=None)

    server = await place.serve(gate.service)
    servers.append(server)
    async with place.connect(server) as peer:
        calls = [await begin(peer.call(name), gate) for name in ("stubborn", "drain")]
        closing = asyncio.create_task(server.close())
        await gate.cancelled.get()
        gate.opened.set()
        await closing
        assert [said(await failure(call))[0] for call in calls] == [Status.UNAVAILABLE] * 2


# Event loops.


async def everything(place: Place) -> "weakref.ref[asyncio.AbstractEventLoop]":
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        await peer.call("ready", timeout=60)
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait({serving})
    return weakref.ref(asyncio.get_running_loop())


async def nothing_is_closed(place: Place) -> "weakref.ref[asyncio.AbstractEventLoop]":
    server = await place.serve(Service(), limits=Limits(keepalive_seconds=60))
    if place.scheme == "memory":  # sockets that nobody closes are warned of
        await place.connect(server)
    else:
        await server.close()
    return weakref.ref(asyncio.get_running_loop())


@pytest.mark.parametrize("job", [everything, nothing_is_closed])
def test_no_event_loop_is_kept(place: Place, job: Any) -> None:
    with asyncio.Runner(loop_factory=place.new_loop) as runner:
        loop = runner.run(job(place))
    del runner
    gc.collect()
    assert loop() is None


# Forked children.


def forked(child: Callable[[], object]) -> int:
    """Runs it in a forked child; the child's number."""
    number = os.fork()
    if not number:
        try:
            child()
        finally:
            os._exit(1)
    return number


async def test_a_closed_server_ends_connections_of_which_a_child_has_copies(
    kernel: Place,
) -> None:
    gate = Gate()
    reading, writing = os.pipe()

    def waits() -> None:
        os.close(writing)
        os.read(reading, 1)

    server = await kernel.serve(gate.service)
    async with kernel.connect(server) as peer:
        call = await begin(peer.call("wait"), gate)
        child = forked(waits)
        try:
            await server.close()
            assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
            with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
                await kernel.connect(server)
            kernel.url = server.url
            await (await kernel.serve(gate.service)).close()
        finally:
            os.close(writing)
            os.close(reading)
            os.waitpid(child, 0)


def leaves_at_once(block: Any) -> bool:
    """Whether leaving an ``async with`` waits for nothing, and raises nothing."""
    try:
        block.__aexit__(None, None, None).send(None)
    except StopIteration:
        return True
    return False


async def test_a_child_that_leaves_its_blocks_ends_nothing_of_the_parent(kernel: Place) -> None:
    gate = Gate()
    serving = serve(kernel.url, gate.service)
    server = await serving.__aenter__()
    connecting, keeping = kernel.connect(server), kernel.connect(server).kept()
    async with connecting as peer, keeping as kept:
        await kept.call("ready")
        call = await begin(peer.call("wait", 1), gate)
        blocks = [keeping, connecting, serving, server]
        child = forked(lambda: os._exit(7 if all(map(leaves_at_once, blocks)) else 1))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7
        gate.opened.set()
        assert await call == 1
        assert await kept.call("ready", 2) == 2
        async with kernel.connect(server) as another:
            assert await another.call("ready", 3) == 3
    await serving.__aexit__()


# Connecting.


async def test_what_connect_gave_can_be_entered_by_several_tasks(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server:
        connecting = place.connect(server)
        entered: asyncio.Queue[None] = asyncio.Queue()

        async def task(end: asyncio.Event) -> None:
            async with connecting as peer, connecting as second:
                assert peer is not second
                entered.put_nowait(None)
                await end.wait()
                assert await peer.call("ready", 1) == 1
            assert not peer.is_open

        ends = [asyncio.Event() for _ in range(3)]
        tasks = [asyncio.create_task(task(end)) for end in ends]
        for _ in tasks:
            await entered.get()
        for end in ends:
            end.set()
        await asyncio.gather(*tasks)
        while server.peers:
            await asyncio.sleep(0)


async def test_a_task_that_entered_nothing_cannot_leave_what_several_did(place: Place) -> None:
    async with await place.serve(Service()) as server:
        connecting = place.connect(server)
        async with connecting, connecting:
            leaving = asyncio.create_task(connecting.__aexit__())
            with pytest.raises(RuntimeError, match="which"):
                await leaving
        alone = place.connect(server)
        peer = await alone.__aenter__()
        await asyncio.create_task(alone.__aexit__())
        assert not peer.is_open


@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop])
def test_a_connection_to_oneself_is_refused(new_loop: Any) -> None:
    class Loop(new_loop):  # type: ignore[misc]
        async def sock_connect(self, sock: socket.socket, address: Any) -> None:
            sock.bind(address)  # as the system may choose by chance
            await super().sock_connect(sock, address)

    async def main() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(ConnectionRefusedError, match="itself"):
            await connect(f"tcp://127.0.0.1:{port}")

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


@pytest.mark.parametrize(
    ("greeting", "shown"),
    [(b"INFO {}\r\n", "INFO"), (b"\x15\x03\x01\x00\x02\x02\x16", "TLS")],
)
async def test_a_server_of_another_protocol_is_told_by_its_first_bytes(
    greeting: bytes, shown: str
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, connect(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as peer:
        error = await failure(peer.call("m"))
    assert error.status is Status.UNAVAILABLE
    assert "no peer" in error.message
    assert shown in error.message


async def test_a_handshake_that_is_never_answered_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"tls://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError, match=url):
            await connect(url, limits=Limits(connect_seconds=0.1))


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
async def test_a_host_that_cannot_be_a_name_is_an_oserror_that_names_it(host: str) -> None:
    with pytest.raises(OSError, match=host):
        await connect(f"tcp://{host}:1")
    with pytest.raises(OSError, match=host):
        await serve(f"tcp://{host}:1", Service())


# Accepting.


async def test_connections_count_before_their_handshake(
    tmp_path: Path, certificates: Certificates
) -> None:
    place = place_of("tls", tmp_path, certificates)
    server = await place.serve(Service(), limits=Limits(connections=2))
    host, _, port = server.url.removeprefix("tls://").rpartition(":")
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection((host, int(port))))
        while server.counts().get("connections_refused", 0) < 3:
            await asyncio.sleep(0)
        assert not server.peers
        await server.close()  # gives up the other two


async def test_clients_that_vanish_are_asked_for_by_tcp(tmp_path: Path) -> None:
    place = place_of("tcp", tmp_path)
    async with await place.serve(Service()) as server, place.connect(server) as peer:
        while not server.peers:
            await asyncio.sleep(0)
        for each in (*server.peers, peer):
            connected = each._writer.transport.get_extra_info("socket")
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000


async def test_where_descriptors_are_out_it_says_so_once_and_accepts_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    async with await serve("tcp://127.0.0.1:0", gate.service) as server:
        host, _, port = server.url.removeprefix("tcp://").rpartition(":")
        client = socket.socket()
        with none_left():
            client.connect((host, int(port)))
            while not caplog.records:
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0.001)
        (line,) = caplog.records
        assert server.url in line.getMessage()
        async with connect(server.url) as peer:
            assert await peer.call("ready", 1, timeout=5) == 1
        client.close()


def test_a_loop_without_add_reader_accepts_as_well() -> None:
    class Loop(asyncio.SelectorEventLoop):
        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    async def main() -> None:
        gate = Gate()
        async with serve("tcp://127.0.0.1:0", gate.service) as server:
            for number in range(3):
                async with connect(server.url) as peer:
                    assert await peer.call("ready", number) == number
        with pytest.raises(ConnectionRefusedError):
            await connect(server.url)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


async def test_localhost_is_one_port_on_all_of_its_addresses() -> None:
    async with serve("tcp://localhost:0", Gate().service) as server:
        port = int(server.url.rpartition(":")[2])
        infos = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
        for host in {info[4][0] for info in infos}:
            url = f"tcp://[{host}]:{port}" if ":" in str(host) else f"tcp://{host}:{port}"
            async with connect(url) as peer:
                assert await peer.call("ready", 1) == 1


async def test_listening_everywhere_takes_both_families() -> None:
    async with serve("tcp://[::]:0", Gate().service) as server:
        port = server.url.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            async with connect(f"tcp://{host}:{port}") as peer:
                assert await peer.call("ready", 1) == 1


def test_no_callback_raises_where_uvloop_lost_the_connection_amid_calls() -> None:
    raised: list[Any] = []

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )
        writer.transport.abort()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: raised.append(told))
        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        for _ in range(10):
            calls = []
            port = server.sockets[0].getsockname()[1]
            async with connect(f"tcp://127.0.0.1:{port}") as peer:
                while peer.is_open:
                    calls.append(asyncio.create_task(peer.call("m", b"x")))
                    await asyncio.sleep(0)
                errors = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(error, RpcError) for error in errors)
        server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert raised == []
