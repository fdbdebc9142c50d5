"""`tracewire echo` in a process of its own, called by peers in this one."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.interop.calls import failure, said
from tests.interop.places import Certificates, client_tls
from tests.unit.tool import COMMAND, run
from tracewire.codec import Status
from tracewire.protocol import Executed, Peer, RpcError, connect

FREE_PORT = "tcp://127.0.0.1:0"


class Echo(NamedTuple):
    """``url``: where it listens, as its first line says."""

    process: Process
    url: str

    async def end(self, number: int = signal.SIGTERM) -> tuple[int | None, list[str]]:
        """Its exit status after a signal, and the lines that it printed since its first."""
        self.process.send_signal(number)
        output, errors = await self.process.communicate()
        assert errors == b""
        return self.process.returncode, output.decode().splitlines()


@asynccontextmanager
async def echoing(*arguments: str) -> AsyncIterator[Echo]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "echo", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        assert process.stdout is not None
        first = (await process.stdout.readline()).decode()
        assert first.startswith("listening on ")
        yield Echo(process, first.removeprefix("listening on ").rstrip("\n"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_a_port_of_0_is_printed_as_the_one_that_it_became() -> None:
    async with echoing(FREE_PORT) as echo:
        assert not echo.url.endswith(":0")
        async with connect(echo.url) as peer:
            assert await peer.call("tracewire.echo", {"a": [1]}) == {"a": [1]}


async def test_it_serves_the_methods_of_the_conformance_suite() -> None:
    async with echoing(FREE_PORT) as echo, connect(echo.url) as peer:
        assert await peer.call("tracewire.sleep", 0.001) is None
        failed = await failure(
            peer.call("tracewire.fail", {"status": 5, "message": "no", "details": [1]})
        )
        assert said(failed) == (Status.NOT_FOUND, Executed.YES)
        assert (failed.message, failed.details) == ("no", [1])
        assert (await failure(peer.call("other"))).status is Status.UNIMPLEMENTED


async def test_each_call_is_a_line_with_what_came_and_how_it_ended() -> None:
    metadata = {"tenant\x1b[31m": ["\u202e", 1]}
    async with echoing(FREE_PORT) as echo:
        async with connect(echo.url) as peer:
            await peer.call("tracewire.echo", "abc", metadata=metadata)
            await failure(peer.call("tracewire.fail", 5))
            await failure(peer.call("tracewire.sleep", 3600, timeout=0.1))
        status, (echoed, failed, slept) = await echo.end()
    shown = '{"tenant\\x1b[31m": ["\\u202e", 1]}'
    assert status == 0
    assert echoed == f"tracewire.echo: 4 bytes, undecided, metadata {shown}: OK"
    assert failed == "tracewire.fail: 1 byte, undecided: NOT_FOUND"
    assert slept.startswith("tracewire.sleep: 3 bytes, undecided, 0.")
    assert slept.endswith(" s left: cancelled")


async def test_quiet_prints_the_address_alone() -> None:
    async with echoing("--quiet", FREE_PORT) as echo:
        async with connect(echo.url) as peer:
            await peer.call("tracewire.echo", 1)
        assert await echo.end() == (0, [])


async def begun(peer: Peer, seconds: float) -> asyncio.Task[object]:
    """A call of tracewire.sleep that was read: one that followed it is answered."""
    sleep = asyncio.create_task(peer.call("tracewire.sleep", seconds))
    await peer.call("tracewire.echo")
    return sleep


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_once_open_calls_are_answered(
    number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "echo.sock"
    async with echoing(f"unix://{path}") as echo, connect(echo.url) as peer:
        sleep = await begun(peer, 0.2)
        status, lines = await echo.end(number)
        assert await sleep is None
    assert (status, lines[-1].rpartition(": ")[2]) == (0, "OK")
    assert not path.exists()


@pytest.mark.parametrize(
    ("second", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
async def test_a_second_signal_ends_it_at_once(second: signal.Signals, status: int) -> None:
    async with echoing(FREE_PORT) as echo, connect(echo.url) as peer:
        sleep = await begun(peer, 3600)
        echo.process.send_signal(signal.SIGTERM)
        await peer.wait_ending()  # so it has read the first
        assert (await echo.end(second))[0] == status
        assert (await failure(sleep)).status in (Status.CANCELLED, Status.UNAVAILABLE)


async def test_a_closed_pipe_ends_it_in_silence() -> None:
    read_end, write_end = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "echo", FREE_PORT, stdout=write_end, stderr=PIPE
    )
    os.close(write_end)
    with open(read_end) as output:
        url = (await asyncio.to_thread(output.readline)).split()[-1]
    async with connect(url) as peer:
        with suppress(RpcError):  # it may go before it answers
            await peer.call("tracewire.echo")
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, b"")


async def test_tls_demands_the_certificates_that_it_was_told_to(
    certificates: Certificates,
) -> None:
    server, client = certificates.server, certificates.client
    own = [f"--tls-cert={server}.pem", f"--tls-key={server}.key", f"--tls-ca={client}.pem"]
    certified = client_tls(certificates)
    certified.load_cert_chain(f"{client}.pem", f"{client}.key")
    async with echoing(*own, "tls://127.0.0.1:0") as echo:
        async with connect(echo.url, tls=certified) as peer:
            assert await peer.call("tracewire.echo", 1) == 1
        async with connect(echo.url, tls=client_tls(certificates)) as peer:
            assert (await failure(peer.call("tracewire.echo", 1))).status is Status.UNAVAILABLE


async def test_one_file_may_hold_certificate_and_key(
    certificates: Certificates, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    parts = [certificates.server.with_suffix(suffix).read_text() for suffix in (".key", ".pem")]
    both.write_text("".join(parts))
    async with (
        echoing("--tls-cert", str(both), "tls://127.0.0.1:0") as echo,
        connect(echo.url, tls=client_tls(certificates)) as peer,
    ):
        assert await peer.call("tracewire.echo", 1) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Missing argument 'URL'."),
        (["tcp://127.0.0.1"], "'tcp://127.0.0.1' has no port"),
        (["memory://echo"], "a memory:// address is for the peers of one process."),
        (["nats://127.0.0.1:4222/echo"], "is a message transport and is not served here"),
        (["unix://\x1b[31m"], "has a space or a control character"),
        (["tls://127.0.0.1:0"], "a tls:// address needs --tls-cert."),
        (["--tls-cert", __file__, "tls://127.0.0.1:0"], "name it by --tls-key."),
        (["--tls-cert", __file__, FREE_PORT], "--tls-key are for tls:// addresses."),
    ],
)
def test_wrong_usage_is_told_and_exits_2(arguments: list[str], reason: str) -> None:
    done = run("echo", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "\x1b" not in done.stderr


def test_an_address_that_cannot_be_used_exits_2(tmp_path: Path) -> None:
    missing = f"unix://{tmp_path}/missing/echo.sock"
    done = run("echo", missing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tracewire: {missing}: cannot listen: No such file or directory\n"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("echo", f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Address already in use\n")
