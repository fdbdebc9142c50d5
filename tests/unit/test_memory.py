"""Memory transports: names of one event loop, and what is theirs alone."""

import asyncio
import gc
import weakref
from errno import EADDRINUSE

import pytest

from tests.unit.recorder import Recorder, in_loop, settle
from tracewire.protocol.transports.memory import memory_connect, memory_listen


def connected(name: str = "guild") -> tuple[Recorder, Recorder]:
    server = Recorder()
    memory_listen(name, lambda: server)
    _, client = memory_connect(name, Recorder)
    return client, server


def test_connecting_gives_the_transport_and_the_protocol_that_was_made() -> None:
    async def scenario() -> None:
        memory_listen("guild", Recorder)
        transport, protocol = memory_connect("guild", Recorder)
        assert transport.get_protocol() is protocol
        assert protocol.transport is transport
        assert "memory://guild open" in repr(transport)

    in_loop(scenario)


def test_each_connection_has_a_protocol_of_its_own() -> None:
    async def scenario() -> None:
        accepted: list[Recorder] = []

        def accept() -> Recorder:
            accepted.append(Recorder())
            return accepted[-1]

        memory_listen("guild", accept)
        clients = [memory_connect("guild", Recorder)[1] for _ in range(3)]
        for number, client in enumerate(clients):
            client.transport.write(b"%d" % number)
        for number, server in enumerate(accepted):
            await server.until_read(b"%d" % number)
        assert len({id(each) for each in accepted}) == len(accepted) == 3

    in_loop(scenario)


def test_both_sides_know_the_address() -> None:
    async def scenario() -> None:
        client, server = connected()
        await server.until_happened("made")
        for side in (client, server):
            assert side.transport.get_extra_info("peername") == "memory://guild"
        assert client.transport.get_extra_info("ssl_object", "none") == "none"

    in_loop(scenario)


def test_bytes_written_at_once_arrive_after_the_server_was_told_of_the_connection() -> None:
    class Hasty(Recorder):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.transport.write(b"hello")

    class Noting(Recorder):
        def data_received(self, data: bytes) -> None:
            self.note(data)

    async def scenario() -> None:
        server = Noting()
        memory_listen("guild", lambda: server)
        memory_connect("guild", Hasty)
        assert server.happened == []
        await server.until_happened(b"hello")
        assert server.happened == ["made", b"hello"]

    in_loop(scenario)


def test_nothing_is_delivered_within_a_write() -> None:
    async def scenario() -> None:
        client, server = connected()
        await server.until_happened("made")
        client.transport.write(b"abc")
        assert server.data == b""
        assert client.transport.get_write_buffer_size() == 3
        await server.until_read(b"abc")
        assert client.transport.get_write_buffer_size() == 0

    in_loop(scenario)


def test_writer_is_paused_above_the_high_limit_and_resumed_at_the_low_one() -> None:
    async def scenario() -> None:
        client, server = connected()
        await server.until_happened("made")
        server.transport.pause_reading()
        client.transport.set_write_buffer_limits(high=10, low=4)
        client.transport.write(bytes(10))
        assert client.happened == ["made"]
        client.transport.write(bytes(1))
        assert client.happened == ["made", "pause"]
        client.transport.set_write_buffer_limits(high=20, low=10)
        assert client.happened == ["made", "pause"]
        client.transport.set_write_buffer_limits(high=20, low=11)
        assert client.happened == ["made", "pause", "resume"]
        client.transport.set_write_buffer_limits(high=10)
        assert client.happened == ["made", "pause", "resume", "pause"]

    in_loop(scenario)


def test_what_a_closed_side_did_not_read_is_dropped() -> None:
    async def scenario() -> None:
        server = Recorder()
        memory_listen("guild", lambda: server)
        _, client = memory_connect("guild", lambda: Recorder(keep_open=True))
        await server.until_happened("made")
        server.transport.pause_reading()
        client.transport.set_write_buffer_limits(high=1)
        client.transport.write(b"unread")
        await settle()
        server.transport.close()
        await client.until_happened("eof")
        await settle()
        assert client.transport.get_write_buffer_size() == 0
        assert client.happened == ["made", "pause", "eof", "resume"]

    in_loop(scenario)


def test_memory_transport_takes_protocols_of_streams_only() -> None:
    async def scenario() -> None:
        client, _ = connected()
        with pytest.raises(TypeError, match=r"asyncio\.Protocol"):
            client.transport.set_protocol(asyncio.BaseProtocol())

    in_loop(scenario)


def test_connecting_to_a_name_that_nobody_listens_on_is_refused() -> None:
    async def scenario() -> None:
        memory_listen("other", Recorder)
        with pytest.raises(ConnectionRefusedError, match="memory://guild"):
            memory_connect("guild", Recorder)

    in_loop(scenario)


def test_listening_twice_on_a_name_is_refused() -> None:
    async def scenario() -> None:
        memory_listen("guild", Recorder)
        with pytest.raises(OSError, match="memory://guild") as raised:
            memory_listen("guild", Recorder)
        assert raised.value.errno == EADDRINUSE

    in_loop(scenario)


def test_closed_server_frees_its_name_and_keeps_its_connections() -> None:
    async def scenario() -> None:
        server = Recorder()
        listener = memory_listen("guild", lambda: server)
        _, client = memory_connect("guild", Recorder)
        assert listener.is_serving()
        listener.close()
        listener.close()
        listener.stop()
        listener.abandon()
        assert not listener.is_serving()
        with pytest.raises(ConnectionRefusedError):
            memory_connect("guild", Recorder)
        client.transport.write(b"still here")
        await server.until_read(b"still here")
        again = memory_listen("guild", Recorder)
        listener.close()
        assert again.is_serving()

    in_loop(scenario)


def test_names_are_those_of_one_event_loop() -> None:
    async def scenario() -> None:
        assert memory_listen("guild", Recorder).is_serving()

    in_loop(scenario)
    in_loop(scenario)


def test_names_do_not_keep_an_event_loop_alive() -> None:
    async def listen() -> weakref.ref[asyncio.AbstractEventLoop]:
        memory_listen("guild", Recorder)
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(listen())
    gc.collect()
    assert loop() is None


def test_server_that_makes_no_protocol_fails_the_connection() -> None:
    def fail() -> asyncio.Protocol:
        raise ZeroDivisionError

    async def scenario() -> None:
        memory_listen("guild", fail)
        with pytest.raises(ZeroDivisionError):
            memory_connect("guild", Recorder)

    in_loop(scenario)
