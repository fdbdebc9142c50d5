"""What the tool prints: all of it arrives, or the exit status is not 0."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.tool import COMMAND, run
from tracewire.protocol import Timings, connect, serve, top_service

PAGE = 4_096  # bytes of the smallest pipe
FRAMES = frame_bytes() * 500
TESTEE = ["--section", "3", "--", sys.executable, "-m", "tracewire.spec.testee"]

#: Commands that print more than a small pipe holds.
LONG: dict[str, list[str]] = {
    "lines": ["validate", "--verbose"],
    "objects": ["validate", "--json"],
    "a table": ["rules"],
    "rules as objects": ["rules", "--json"],
    "cases": ["conform", "--list"],
    "outcomes as objects": ["conform", "--json", *TESTEE],
}
SHORT: dict[str, list[str]] = {
    "fields": ["explain", frame_bytes().hex()],
    "figures": ["bench", "--rounds", "1"],
    "outcomes": ["conform", *TESTEE],
    "help": ["validate", "--help"],
    "the version": ["--version"],
}


@contextmanager
def small_pipe(*, blocking: bool) -> Iterator[tuple[int, int]]:
    """The reading end, and the writing one of a pipe of one page."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PAGE)
    os.set_blocking(writing, blocking)
    try:
        yield reading, writing
    finally:
        os.close(reading)


def start(command: list[str], stdout: int, **options: Any) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([*COMMAND, *command], stdin=PIPE, stdout=stdout, **options)
    os.close(stdout)
    return process


@pytest.mark.parametrize(("name", "unbuffered"), [*((name, "") for name in LONG), ("objects", "1")])
def test_a_pipe_that_does_not_block_gets_all_of_it(name: str, unbuffered: str) -> None:
    whole = run(*LONG[name], stdin=FRAMES).stdout.encode()
    assert len(whole) > 3 * PAGE
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": unbuffered}
    with small_pipe(blocking=False) as (reading, writing):
        with start(LONG[name], writing, env=environment, stderr=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            process.stdin.write(FRAMES)
            process.stdin.close()
            got = b"".join(iter(lambda: os.read(reading, 512), b""))
        assert process.returncode == 0
    assert without_times(got) == without_times(whole)


def without_times(text: bytes) -> list[bytes]:
    return [line.partition(b'"seconds"')[0] for line in text.splitlines()]


@pytest.mark.parametrize("name", [*LONG, *SHORT])
def test_a_full_disk_is_told(name: str) -> None:
    command = LONG.get(name) or SHORT[name]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *command], input=FRAMES, stdout=full, stderr=PIPE, check=False
        )
    assert done.returncode == 2
    last = b"tracewire: cannot write the output: No space left on device\n"
    assert done.stderr.endswith(last)
    assert b"Traceback" not in done.stderr


async def test_a_full_disk_is_told_of_peers(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/peer"
    async with await serve(url, top_service(Timings())):
        for command in (["top", "--once", url], ["top", url], ["call", url, "tracewire.top"]):
            assert await status_of(*command, stdout="/dev/full") == 2
    assert await status_of("echo", url, stdout="/dev/full") == 2


async def status_of(*command: str, stdout: str, stderr: str = "/dev/null") -> int:
    with open(stdout, "w") as output, open(stderr, "w") as errors:
        done = await asyncio.to_thread(
            subprocess.run, [*COMMAND, *command], stdout=output, stderr=errors, check=False
        )
    return done.returncode


async def test_an_error_that_cannot_be_written_keeps_its_status(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/peer"
    async with await serve(url, top_service(Timings())):
        command = ["call", url, "missing"]
        assert await status_of(*command, stdout="/dev/null", stderr="/dev/full") == 64 + 12


@pytest.mark.parametrize("redirect", [">/dev/null 2>/dev/full", ">/dev/null 2>&-"])
def test_a_summary_that_cannot_be_written_is_not_good(redirect: str) -> None:
    words = " ".join([*COMMAND, *LONG["outcomes as objects"]])
    assert subprocess.run(f"{words} {redirect}", shell=True, check=False).returncode == 2


def test_errors_that_nobody_wants_are_no_failure() -> None:
    words = " ".join([*COMMAND, "rules"])
    assert subprocess.run(f"{words} >/dev/null 2>&-", shell=True, check=False).returncode == 0


def test_a_report_that_cannot_be_written_is_told() -> None:
    done = run("conform", "--junit", "/dev/full", *TESTEE)
    assert done.returncode == 2
    assert done.stderr == "tracewire: /dev/full: No space left on device\n"


def test_a_reader_that_ends_ends_outcomes_in_silence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start(LONG["outcomes as objects"], writing, stderr=PIPE) as process:
        _, errors = process.communicate()
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, b"")


def test_input_that_comes_late_through_a_pipe_that_does_not_block_is_read_whole() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    command = [*COMMAND, "validate", "--input", "seq"]
    with subprocess.Popen(command, stdin=reading, stdout=PIPE) as process:
        os.close(reading)
        assert process.stdout is not None
        for part in (FRAMES[:10], FRAMES[10:5_000], FRAMES[5_000:]):
            os.write(writing, part)
        os.close(writing)
        assert process.stdout.read() == b"stdin: 500 frames (seq), 500 valid\n"
    assert process.returncode == 0


# Readers that do not read, of commands that run until a signal.


@asynccontextmanager
async def unread(*command: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The command, with a small pipe for its output and its errors; and the pipe's other end."""
    with small_pipe(blocking=True) as (reading, writing):
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *command, stdout=writing, stderr=writing
        )
        os.close(writing)
        try:
            yield process, reading
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def line(reading: int) -> str:
    """The next line, read byte by byte, so that the rest stays where it is."""
    got = b""
    while not got.endswith(b"\n"):
        got += await asyncio.to_thread(os.read, reading, 1)
    return got.decode().rstrip("\n")


async def calls(url: str, number: int) -> None:
    async with connect(url) as peer:
        for _ in range(number):
            await peer.call("tracewire.echo", 1, metadata={"note": "x" * 50}, timeout=60)


async def test_echo_serves_on_when_nobody_reads_and_a_signal_ends_it(tmp_path: Path) -> None:
    async with unread("echo", f"unix://{tmp_path}/echo") as (process, reading):
        url = (await line(reading)).split()[-1]
        await calls(url, 3 * PAGE // 50)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 2  # not 0: lines were not written


async def test_echo_writes_the_lines_that_wait_to_a_reader_that_comes_late(tmp_path: Path) -> None:
    async with unread("echo", f"unix://{tmp_path}/echo") as (process, reading):
        url = (await line(reading)).split()[-1]
        await calls(url, 500)
        process.send_signal(signal.SIGTERM)
        got = await asyncio.to_thread(
            lambda: b"".join(iter(lambda: os.read(reading, PAGE), b"")).splitlines()
        )
        assert await process.wait() == 0
    assert len(got) == 500
    assert all(each.endswith(b": OK") for each in got)


async def test_a_signal_ends_top_when_nobody_reads(tmp_path: Path) -> None:
    timings = Timings()
    for number in range(100):
        timings.record(f"guild-{number}", "guild.join", 1.0)
    arguments = ["--json", "--rows", "100", "--every", "0.1"]
    async with (
        await serve(f"unix://{tmp_path}/top", top_service(timings)) as server,
        unread("top", *arguments, server.url) as (process, reading),
    ):
        await line(reading)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 2
