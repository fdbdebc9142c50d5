"""`tracewire top` in a process of its own, against a server in this one."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.unit.tool import COMMAND, read_terminal, run
from tracewire.codec import Status
from tracewire.protocol import (
    Census,
    RpcError,
    Server,
    Service,
    Timings,
    connect,
    current_call,
    serve,
    top_service,
)
from tracewire.protocol.peers.service import ReservedService

TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
CENSUS_HEADER = "ready  may drop both  instances  destination  missing"


async def top_of(server: Server, *arguments: str) -> CompletedProcess[str]:
    """The finished command, called while the loop serves."""
    return await asyncio.to_thread(run, "top", *arguments, server.url)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"unix://{tmp_path}/top"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timings() -> Timings:
    """Of the running minute 30 seconds have passed."""
    clock = Clock()
    timings = Timings(clock=clock)
    timings.record("guild-1", "guild.join", 6.0)
    clock.now = 90.0
    for seconds, trace_id in [(27.0, 0), (0.0123, TRACE)]:
        timings.record("guild-1", "guild.join", seconds, trace_id)
    for number in range(3):
        timings.record(f"guild-{number}", "typing", 0.00004)
    return timings


def answering(answer: object) -> Service:
    """A service whose tracewire.top answers this."""
    service = ReservedService("tracewire")
    service.method(lambda asked: answer, name="top")
    return service


def census() -> Census:
    census = Census()
    census.expect("guilds", ["a", "b"])
    census.report("guilds", "a", "both")
    return census


# One reading.


async def test_once_prints_a_table_with_each_action_on_one_line(url: str, timings: Timings) -> None:
    async with await serve(url, top_service(timings)) as server:
        done = await top_of(server, "--once", "--rows", "2")
    assert (done.returncode, done.stderr) == (0, "")
    head, *table = done.stdout.splitlines()
    assert head.startswith(f"{url}  20")
    assert table == [
        " now  last  count    max  action      entity   trace",
        f" 90%   10%      3   27 s  guild.join  guild-1  {TRACE:032x} 12.3 ms",
        "0.0%            1  40 µs  typing      guild-0",
    ]


async def test_the_census_follows_the_timings(url: str, timings: Timings) -> None:
    async with await serve(url, top_service(timings, census())) as server:
        done = await top_of(server, "--once", "--rows", "1")
    assert done.stdout.splitlines()[3:] == [
        "",
        CENSUS_HEADER,
        "no     no             1          guilds       b: has not reported",
    ]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (top_service(), "the peer keeps neither timings nor a census\n"),
        (top_service(Timings()), "no timings yet\n"),
        (top_service(Timings(), Census()), "no timings yet\n\nno destinations yet\n"),
    ],
)
async def test_where_there_is_nothing_yet_it_says_so(url: str, service: Service, said: str) -> None:
    async with await serve(url, service) as server:
        done = await top_of(server, "--once")
    assert (done.returncode, done.stdout.partition("\n")[2]) == (0, said)


async def test_json_prints_an_object_on_a_line(url: str, timings: Timings) -> None:
    async with await serve(url, top_service(timings, census())) as server:
        done = await top_of(server, "--once", "--json", "--rows", "1")
    now, last, destination = map(json.loads, done.stdout.splitlines())
    assert now.pop("time") == last.pop("time") == destination.pop("time")
    assert now.pop("url") == last.pop("url") == destination.pop("url") == url
    told = [{"kind": "timing", **row} for row in timings.snapshot()[:2]]
    assert [now, last] == told
    assert (now["trace_id"], now["share"]) == (f"{TRACE:032x}", pytest.approx(0.9, abs=0.001))
    assert destination["kind"] == "census"
    assert destination["missing"] == [["b", "has not reported"]]


# Peers of other versions.


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.pop(name, None)


def with_more(row: dict[str, Any]) -> None:
    if "action" in row:
        row.update(destination=["a row of the timings has none today"])
    row.update(kind=[1], time=2, url=3, median=0.2, queues={"a": {}})


def with_longer_pairs(row: dict[str, Any]) -> None:
    for each in row.get("missing", ()):
        each.append({"since": 1})


#: What another version does to each row, and what is shown of the timings and the census.
VERSIONS: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "fields that are not known": (with_more, "90% 10% 3 27 s guild.join", "no no 1 guilds b: has"),
    "longer pairs": (with_longer_pairs, "90% 10% 3 27 s", "no no 1 guilds b: has not reported"),
    "without slowest": (without("slowest"), "90% 10% 3 ? guild.join", "no no 1"),
    "without share": (without("share"), "? ? 3 27 s guild.join", "no no 1"),
    "without count": (without("count"), "90% 10% ? 27 s guild.join", "no no 1"),
    "without minute": (without("minute"), "? ? 3 27 s guild.join", "no no 1"),
    "without trace_seconds": (without("trace_seconds"), f"guild-1 {TRACE:032x} ?", "no no 1"),
    "without trace_id": (without("trace_id"), "guild.join guild-1 0.0% 1", "no no 1"),
    "without entity": (without("entity"), "27 s guild.join ?", "no no 1"),
    "without action": (without("action"), "27 s ? guild-1", "no no 1"),
    "without destination": (without("destination"), "90%", "no no 1 ? b: has not reported"),
    "without ready": (without("ready"), "90%", "? no 1 guilds"),
    "without may_drop_both": (without("may_drop_both"), "90%", "no ? 1 guilds"),
    "without instances": (without("instances"), "90%", "no no ? guilds"),
    "without missing": (without("missing"), "90%", "no no 1 guilds ?"),
    "empty rows": (dict.clear, "? ? ? ? ? ?", "? ? ? ? ?"),
}


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_both_versions_know_is_shown(url: str, timings: Timings, version: str) -> None:
    change, of_timings, of_census = VERSIONS[version]
    answer: dict[str, Any] = {"timings": timings.snapshot(), "census": census().snapshot()}
    for row in (*answer["timings"], *answer["census"]):
        change(row)
    async with await serve(url, answering({**answer, "queues": [{"name": "q"}]})) as server:
        done = await top_of(server, "--once")
        objects = await top_of(server, "--once", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown_timings, _, shown_census = done.stdout.partition(CENSUS_HEADER)
    assert of_timings in " ".join(shown_timings.split())
    assert of_census in " ".join(shown_census.split())
    printed = [json.loads(line) for line in objects.stdout.splitlines()]
    kinds = ["timing"] * len(answer["timings"]) + ["census"]
    assert [each.pop("kind") for each in printed] == kinds
    assert {each.pop("url") for each in printed} == {url}  # the tool's, whatever rows have
    assert len({each.pop("time")[:10] for each in printed}) == 1
    as_sent = [*answer["timings"], *answer["census"]]
    assert printed == [
        {k: row[k] for k in row if k not in ("kind", "time", "url")} for row in as_sent
    ]


async def test_a_newer_tool_may_ask_with_fields_that_the_peer_does_not_know(
    url: str, timings: Timings
) -> None:
    asked = {"rows": 1, "minutes": 1, "queues": True, "since": [1]}
    async with await serve(url, top_service(timings)), connect(url) as peer:
        answer = await peer.call("tracewire.top", asked)
    assert [row["action"] for row in answer["timings"]] == ["guild.join"]


async def test_remote_text_is_escaped(url: str) -> None:
    timings, census = Timings(), Census()
    timings.record("\x1b[31m[red]\n", "\u202e", 1.0)
    census.expect("\x1b]0;", ["\x07"])
    async with await serve(url, top_service(timings, census)) as server:
        printed = await top_of(server, "--once")
        objects = await top_of(server, "--once", "--json")
    for text in ("\\x1b[31m[red]\\n", "\\u202e", "\\x1b]0;", "\\x07: has not reported"):
        assert text in printed.stdout
    for done in (printed, objects):
        assert all(line.isprintable() for line in done.stdout.split("\n"))


# What cannot be shown.


async def test_who_is_not_trusted_is_told_so(timings: Timings) -> None:
    async with await serve("tcp://127.0.0.1:0", top_service(timings)) as server:
        done = await top_of(server, "--once")
    assert (done.returncode, done.stdout) == (71, "")
    assert done.stderr.startswith("tracewire: tracewire.top: PERMISSION_DENIED: ")


async def test_a_peer_that_does_not_serve_the_method_is_an_error_of_its_status(url: str) -> None:
    async with await serve(url, Service()) as server:
        done = await top_of(server)
    assert (done.returncode, done.stdout) == (76, "")
    assert "UNIMPLEMENTED" in done.stderr


@pytest.mark.parametrize("answer", ["text", {"timings": [{"entity": 1}]}, {"census": [1]}])
async def test_an_answer_of_another_shape_is_unreadable(url: str, answer: Any) -> None:
    async with await serve(url, answering(answer)) as server:
        done = await top_of(server, "--once")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tracewire: {url}: its answer cannot be read: ")


def test_an_address_where_nobody_answers_is_an_error(url: str) -> None:
    done = run("top", url)
    assert done.returncode == 2
    assert done.stderr == f"tracewire: {url}: cannot connect: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments",
    [["nowhere"], ["--rows", "0", "unix:///x"], ["--rows", "501", "unix:///x"], []],
)
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    done = run("top", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


# Reading after reading.


@asynccontextmanager
async def running_top(*arguments: str, **options: Any) -> AsyncIterator[Process]:
    command = [*COMMAND, "top", "--every", "0.1", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_asks_again_until_a_signal(
    number: signal.Signals, url: str, timings: Timings
) -> None:
    async with (
        await serve(url, top_service(timings)),
        running_top("--json", "--rows", "1", url, stdout=PIPE) as process,
    ):
        assert process.stdout is not None
        while json.loads(await process.stdout.readline())["count"] != 2:
            pass
        timings.record("guild-1", "guild.join", 1.0)
        while json.loads(await process.stdout.readline())["count"] != 3:
            pass
        process.send_signal(number)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_it_outlives_a_restart_of_its_peer_and_says_so_once(
    url: str, timings: Timings
) -> None:
    async with running_top("--json", url, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with await serve(url, top_service(timings)):
            await process.stdout.readline()
        assert await process.stderr.readline() == told(url, "the connection ended; trying again")
        async with await serve(url, top_service(timings)):
            assert await process.stderr.readline() == told(url, "it answers again")
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


def told(url: str, said: str) -> bytes:
    return f"tracewire: {url}: {said}\n".encode()


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED])
async def test_a_failure_that_may_pass_is_asked_again(url: str, status: Status) -> None:
    answers: list[object] = [{}, RpcError(status, "busy"), {"timings": [{"count": 7}]}]
    async with (
        await serve(url, answering_in_turn(answers)),
        running_top("--json", url, stdout=PIPE) as process,
    ):
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["count"] == 7


async def test_an_error_that_stays_ends_it(url: str) -> None:
    answers: list[object] = [{}, RpcError(Status.PERMISSION_DENIED, "no more")]
    async with (
        await serve(url, answering_in_turn(answers)),
        running_top("--json", url, stdout=PIPE) as process,
    ):
        _, errors = await process.communicate()
    assert process.returncode == 71
    assert errors.startswith(b"tracewire: tracewire.top: PERMISSION_DENIED: no more")


def answering_in_turn(answers: list[object]) -> Service:
    """A service whose tracewire.top gives or raises these, the last one for ever."""
    service = ReservedService("tracewire")

    @service.method
    def top(asked: object) -> object:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, RpcError):
            raise answer
        return answer

    return service


async def test_metadata_goes_along(url: str) -> None:
    service = ReservedService("tracewire")

    @service.method
    def top(asked: object) -> object:
        token = current_call().metadata["token"]
        return {"timings": [{"entity": token, "count": 1}]}

    async with await serve(url, service) as server:
        done = await top_of(server, "--once", "--json", "--metadata", "token=a=b")
    assert json.loads(done.stdout)["entity"] == "a=b"


async def test_on_a_terminal_of_80_columns_each_trace_stands_whole_below_its_action(
    url: str, timings: Timings
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    for number in range(20):
        timings.record(f"guild-{number}", "guild.presence_update", 1.0 + number, TRACE + number)
    async with (
        await serve(url, top_service(timings, census())),
        running_top(url, stdout=theirs, env={**environment, "TERM": "xterm"}) as process,
    ):
        os.close(theirs)
        shown = b""
        while b"has not reported" not in shown:
            shown += await asyncio.to_thread(read_terminal, ours)
        process.send_signal(signal.SIGINT)
        while data := await asyncio.to_thread(read_terminal, ours):
            shown += data
        assert await process.wait() == 0
    os.close(ours)
    text = shown.decode()
    first = text.index("guild-1: guild.join")
    assert f"{TRACE:032x} 12.3 ms" in text[first:].splitlines()[1]
    assert url in text
    assert "guild-19: guild.presence_update" in text
    assert "guild-2: guild.presence_update" not in text  # more than there are lines
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again
