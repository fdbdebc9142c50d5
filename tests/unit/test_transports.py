"""Transports: those in memory do what asyncio's do over a Unix socket. Each test runs over both."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.recorder import Recorder, in_loop, settle
from tracewire.protocol.transports.memory import MemoryListener, memory_connect, memory_listen

LARGE = bytes(range(256)) * 8_192  # 2 MiB: more than a socket's buffers hold

Scenario = Callable[[Recorder, Recorder], Awaitable[None]]
Run = Callable[..., None]


async def over_memory(client: Recorder, server: Recorder, path: str) -> MemoryListener:
    listener = memory_listen(path, lambda: server)
    memory_connect(path, lambda: client)
    return listener


async def over_unix(client: Recorder, server: Recorder, path: str) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    listener = await loop.create_unix_server(lambda: server, path)
    await loop.create_unix_connection(lambda: client, path)
    return listener


@pytest.fixture(params=[over_memory, over_unix], ids=["memory", "unix"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a scenario with a client and a server that are connected."""

    def run(scenario: Scenario, *, server: Recorder | None = None) -> None:
        async def main() -> None:
            client, accepted = Recorder(), server or Recorder()
            listener = await request.param(client, accepted, str(tmp_path / "s"))
            await accepted.until_happened("made")
            await scenario(client, accepted)
            for side in (client, accepted):
                if not side.lost:
                    side.transport.abort()
                    await side.until_lost()
            listener.close()

        in_loop(main)

    return run


def test_bytes_arrive_in_order_in_both_directions(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        changed = bytearray(b"two ")
        client.transport.write(b"one ")
        client.transport.write(changed)
        client.transport.write(b"")
        client.transport.writelines([b"three ", memoryview(b"four")])
        changed[:] = b"six "
        server.transport.write(LARGE)
        await server.until_read(b"one two three four")
        await client.until_read(LARGE)
        assert client.happened[0] == server.happened[0] == "made"

    run(scenario)


@pytest.mark.parametrize("data", ["text", 5, None])
def test_only_bytes_can_be_written(run: Run, data: Any) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        with pytest.raises(TypeError):
            client.transport.write(data)

    run(scenario)


def test_writing_nothing_delivers_nothing(run: Run) -> None:
    class Noting(Recorder):
        def data_received(self, data: bytes) -> None:
            self.note(data)

    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.write(b"")
        await settle()
        client.transport.write_eof()
        await server.until_lost()
        assert server.happened == ["made", "eof", "lost"]

    run(scenario, server=Noting())


def test_end_of_writing_closes_a_side_that_does_not_keep_open(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        assert client.transport.can_write_eof()
        client.transport.write(b"last")
        client.transport.write_eof()
        await client.until_lost()
        await server.until_lost()
        assert server.data == b"last"
        assert server.happened == ["made", "eof", "lost"]
        assert client.happened == ["made", "eof", "lost"]
        assert server.transport.is_closing()

    run(scenario)


def test_side_that_keeps_open_answers_after_the_end(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.write_eof()
        await server.until_happened("eof")
        await settle()
        assert not server.transport.is_closing()
        server.transport.write(LARGE)
        server.transport.write_eof()
        await client.until_read(LARGE)
        await client.until_happened("eof")
        await client.until_lost()
        assert not server.lost
        server.transport.close()
        await server.until_lost()
        assert server.happened.count("eof") == client.happened.count("eof") == 1

    run(scenario, server=Recorder(keep_open=True))


def test_writing_after_the_end_is_an_error(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.write_eof()
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            client.transport.write(b"more")

    run(scenario)


def test_close_delivers_what_was_written_and_both_sides_are_lost(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.write(LARGE)
        client.transport.close()
        client.transport.close()
        assert client.transport.is_closing()
        assert not client.transport.is_reading()
        assert not client.lost
        await server.until_read(LARGE)
        await server.until_lost()
        await client.until_lost()
        await settle()
        assert server.happened == ["made", "eof", "lost"]
        assert client.happened[-1] == "lost"
        assert client.happened.count("lost") == 1

    run(scenario)


def test_closed_side_reads_and_writes_no_more(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.close()
        client.transport.write(b"late")
        client.transport.write_eof()
        server.transport.write(b"unread")
        await client.until_lost()
        await server.until_lost()
        assert client.data == server.data == b""

    run(scenario)


def test_close_waits_for_no_reader_where_nothing_was_written(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.close()
        await client.until_lost()
        await settle()
        assert server.happened == ["made"]
        server.transport.resume_reading()
        await server.until_lost()
        assert server.happened == ["made", "eof", "lost"]

    run(scenario)


def test_abort_drops_what_was_not_delivered(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(LARGE)
        client.transport.abort()
        client.transport.abort()
        assert client.transport.is_closing()
        await client.until_lost()
        server.transport.resume_reading()
        await server.until_lost()
        assert client.happened == ["made", "pause", "lost"]
        assert server.happened == ["made", "eof", "lost"]
        assert len(server.data) < len(LARGE)

    run(scenario)


def test_paused_reading_holds_back_bytes_and_end(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        server.transport.pause_reading()
        assert not server.transport.is_reading()
        client.transport.write(b"abc")
        client.transport.write_eof()
        await settle()
        assert (server.data, server.happened) == (b"", ["made"])
        server.transport.resume_reading()
        assert server.transport.is_reading()
        await server.until_lost()
        assert (server.data, server.happened) == (b"abc", ["made", "eof", "lost"])

    run(scenario)


def test_reading_can_be_paused_while_bytes_arrive(run: Run) -> None:
    class Pausing(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.pause_reading()

    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.write(b"abc")
        client.transport.write_eof()
        await server.until_read(b"abc")
        await settle()
        assert server.happened == ["made"]
        server.transport.resume_reading()
        await server.until_lost()

    run(scenario, server=Pausing())


def test_writer_is_paused_by_a_stalled_reader_and_resumed(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(LARGE)
        client.transport.write(LARGE)
        assert client.happened == ["made", "pause"]
        assert client.transport.get_write_buffer_size() > len(LARGE)
        server.transport.resume_reading()
        await server.until_read(LARGE + LARGE)
        await client.until_happened("resume")
        assert client.transport.get_write_buffer_size() == 0
        assert client.happened == ["made", "pause", "resume"]

    run(scenario)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, (16_384, 65_536)),
        ({"high": 100}, (25, 100)),
        ({"low": 100}, (100, 400)),
        ({"high": 7, "low": 7}, (7, 7)),
        ({"high": 0}, (0, 0)),
    ],
)
def test_limits_of_the_write_buffer_are_set(
    run: Run, limits: dict[str, int], expected: tuple[int, int]
) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.set_write_buffer_limits(**limits)
        assert client.transport.get_write_buffer_limits() == expected

    run(scenario)


@pytest.mark.parametrize("limits", [{"high": 1, "low": 2}, {"low": -1}, {"high": -1}])
def test_limits_of_the_write_buffer_that_make_no_sense_are_refused(
    run: Run, limits: dict[str, int]
) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        with pytest.raises(ValueError, match="must be"):
            client.transport.set_write_buffer_limits(**limits)

    run(scenario)


def test_writing_to_a_side_that_is_gone_loses_the_connection(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.close()
        await client.until_lost()
        await server.until_happened("eof")
        server.transport.write(b"late")
        await server.until_lost()
        assert server.happened == ["made", "eof", BrokenPipeError]

    run(scenario, server=Recorder(keep_open=True))


def test_close_of_the_reader_ends_a_writer_that_waits(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(LARGE)
        await settle()
        server.transport.close()
        await server.until_lost()
        await client.until_lost()
        assert server.data == b""

    run(scenario)


def test_both_sides_may_close_at_once(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        client.transport.close()
        server.transport.close()
        await client.until_lost()
        await server.until_lost()
        assert client.happened == server.happened == ["made", "lost"]

    run(scenario)


def test_protocol_that_fails_loses_the_connection_and_is_reported(run: Run) -> None:
    class Failing(Recorder):
        def data_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    async def scenario(client: Recorder, server: Recorder) -> None:
        reports: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, report: reports.append(report))
        client.transport.write(b"abc")
        await server.until_lost()
        await client.until_lost()
        assert server.happened == ["made", ZeroDivisionError]
        assert client.happened == ["made", "eof", "lost"]
        assert [type(report["exception"]) for report in reports] == [ZeroDivisionError]
        assert reports[0]["protocol"] is server
        assert "data_received() call failed" in reports[0]["message"]

    run(scenario, server=Failing())


def test_protocol_can_be_replaced(run: Run) -> None:
    async def scenario(client: Recorder, server: Recorder) -> None:
        other = Recorder()
        server.transport.set_protocol(other)
        assert server.transport.get_protocol() is other
        client.transport.write(b"abc")
        await other.until_read(b"abc")
        assert server.data == b""
        server.transport.set_protocol(server)

    run(scenario)
