"""`tracewire call` in a process of its own, against a server in this one."""

import asyncio
import datetime
import decimal
import json
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tests.interop.calls import Gate
from tests.interop.places import Certificates, server_tls
from tests.unit.tool import COMMAND, run
from tracewire.codec import Status
from tracewire.protocol import Body, RpcError, Server, Service, current_call, serve

Done = subprocess.CompletedProcess[str]


async def call(server: Server, *arguments: str, stdin: bytes = b"", **options: Any) -> Done:
    """The finished command, called while the loop serves."""
    return await asyncio.to_thread(run, "call", server.url, *arguments, stdin=stdin, **options)


def said(done: Done) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"unix://{tmp_path}/served"


def serving(function: Any) -> Service:
    service = Service("a")
    service.method(function, name="b")
    return service


def as_it_came(body: Body) -> Body:
    return body


def size(body: Body) -> int:
    return len(body.data)


def about() -> dict[str, object]:
    call = current_call()
    return {"metadata": dict(call.metadata), "left": call.time_left()}


async def test_the_argument_is_the_body_and_the_result_is_printed(url: str) -> None:
    async with await serve(url, serving(as_it_came)) as server:
        done = await call(server, "a.b", '{"member": [42, -1.5, null, true, "é"]}')
    assert said(done) == (0, '{"member":[42,-1.5,null,true,"é"]}\n', "")


async def test_a_body_that_begins_with_a_dash_follows_two_of_them(url: str) -> None:
    async with await serve(url, serving(as_it_came)) as server:
        assert said(await call(server, "a.b", "--", "-1")) == (0, "-1\n", "")


async def test_a_dash_reads_the_body_from_standard_input(url: str) -> None:
    async with await serve(url, serving(as_it_came)) as server:
        assert said(await call(server, "a.b", "-", stdin=b'["in"]\n')) == (0, '["in"]\n', "")


@pytest.mark.parametrize("arguments", [[], ["-"], [""]], ids=["absent", "stdin", "empty"])
async def test_without_json_the_body_is_empty(url: str, arguments: list[str]) -> None:
    async with await serve(url, serving(size)) as server:
        assert said(await call(server, "a.b", *arguments, stdin=b"\n")) == (0, "0\n", "")


async def test_metadata_and_timeout_arrive_at_the_handler(url: str) -> None:
    pairs = ["--metadata", "tenant=a=b", "--metadata", "empty="]
    async with await serve(url, serving(about)) as server:
        done = await call(server, "a.b", "--timeout", "7", *pairs)
    told = json.loads(done.stdout)
    assert told["metadata"] == {"tenant": "a=b", "empty": ""}
    assert 0 < told["left"] <= 7


async def test_by_default_a_call_has_half_a_minute(url: str) -> None:
    async with await serve(url, serving(about)) as server:
        left = json.loads((await call(server, "a.b")).stdout)["left"]
    assert 7 < left <= 30


async def test_raw_prints_the_bytes_of_the_result_as_they_came(url: str) -> None:
    async with await serve(url, serving(lambda: Body(b"\x1b[31m\0", 0))) as server:
        assert said(await call(server, "a.b", "--raw")) == (0, "\x1b[31m\0", "")


@pytest.mark.parametrize(
    ("result", "printed"),
    [
        (b"\0\xff", '"AP8="'),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), '"2026-01-02T00:00:00Z"'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (2**70, str(2**70)),
        (float("nan"), "null"),
        ({b"a": 1, 2: {None: 3}}, '{"YQ==":1,"2":{"None":3}}'),
        (Body(b"text", 0), '"dGV4dA=="'),
        (Body(cbor2.dumps(cbor2.CBORTag(4000, ["\x1b"])), 60), "\"CBORTag(4000, ['\\\\x1b'])\""),
        ("\x1b[31m\u202e\u2028\x85", '"\\u001b[31m\\u202e\\u2028\\u0085"'),
        ({"\x1b": 1}, '{"\\u001b":1}'),
    ],
)
async def test_a_result_is_one_line_of_json_without_control(
    url: str, result: object, printed: str
) -> None:
    async with await serve(url, serving(lambda: result)) as server:
        assert said(await call(server, "a.b")) == (0, f"{printed}\n", "")


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.NOT_FOUND, Status.UNAUTHENTICATED])
async def test_a_call_that_fails_exits_64_above_its_status(url: str, status: Status) -> None:
    def fail() -> None:
        raise RpcError(status, "no\x1b[31m", {"why": ["\u202e", b"\xff"]})

    async with await serve(url, serving(fail)) as server:
        assert said(await call(server, "a.b")) == (
            64 + status,
            "",
            f"tracewire: a.b: {status.name}: no\\x1b[31m (executed: yes)\n"
            'tracewire: details: {"why": ["\\u202e", h\'ff\']}\n',
        )


async def test_a_method_that_is_not_served_is_quoted_without_control(url: str) -> None:
    async with await serve(url, Service()) as server:
        done = await call(server, "no\x1b[31m")
    assert (done.returncode, done.stdout) == (64 + Status.UNIMPLEMENTED, "")
    assert "\x1b" not in done.stderr
    assert "executed: no" in done.stderr


async def test_a_call_ends_at_its_timeout(url: str) -> None:
    gate = Gate()
    async with await serve(url, gate.service) as server:
        done = await call(server, "wait", "--timeout", "0.2")
        await gate.cancelled.get()
    assert done.returncode == 64 + Status.DEADLINE_EXCEEDED
    assert "DEADLINE_EXCEEDED" in done.stderr


async def test_an_interrupt_cancels_the_call_and_exits_130(url: str) -> None:
    gate = Gate()
    async with await serve(url, gate.service) as server:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "call", server.url, "wait", stderr=asyncio.subprocess.PIPE
        )
        await gate.began.get()
        process.send_signal(signal.SIGINT)
        await gate.cancelled.get()
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (130, b"")


async def test_a_server_that_accepts_and_is_silent_is_nobody() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        done = await asyncio.to_thread(run, "call", url, "a.b", "--timeout", "0.2")
    assert said(done) == (2, "", f"tracewire: {url}: cannot connect: no answer in 0.2 s\n")


def test_where_nobody_answers_the_reason_is_said(tmp_path: Path) -> None:
    missing = f"unix://{tmp_path}/missing"
    reason = "cannot connect: No such file or directory"
    assert said(run("call", missing, "a.b")) == (2, "", f"tracewire: {missing}: {reason}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that no other process has the port
        closed = f"tcp://127.0.0.2:{taken.getsockname()[1]}"
        reason = "cannot connect: nobody listens there"
        assert said(run("call", closed, "a.b")) == (2, "", f"tracewire: {closed}: {reason}\n")


async def test_tls_takes_the_certificates_of_both_sides(certificates: Certificates) -> None:
    tls = server_tls(certificates)
    tls.load_verify_locations(certificates.client.with_suffix(".pem"))
    tls.verify_mode = ssl.CERT_REQUIRED
    service = serving(lambda: current_call().trust)
    async with await serve("tls://127.0.0.1:0", service, tls=tls) as server:
        ca = ["--tls-ca", pem(certificates.server)]
        key = str(certificates.client.with_suffix(".key"))
        certified, without, distrusted = await asyncio.gather(
            call(server, "a.b", *ca, "--tls-cert", pem(certificates.client), "--tls-key", key),
            call(server, "a.b", *ca),
            call(server, "a.b"),
        )
    assert said(certified) == (0, '"parent"\n', "")
    assert without.returncode == 64 + Status.UNAVAILABLE
    assert (distrusted.returncode, distrusted.stdout) == (2, "")
    assert "cannot connect: [SSL: CERTIFICATE_VERIFY_FAILED]" in distrusted.stderr


def pem(path: Path) -> str:
    return str(path.with_suffix(".pem"))


NOBODY = "tcp://127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([NOBODY], "Missing argument 'METHOD'."),
        (["127.0.0.1:1", "a.b"], "'127.0.0.1:1' is no address: write tcp://host:port"),
        (["tcp://127.0.0.1", "a.b"], "'tcp://127.0.0.1' has no port"),
        (["tcp://\x1b[31m:1", "a.b"], "has a space or a control character"),
        ([NOBODY, "a.b", "word"], "Text has quotes of its own, as in '\"a\"'."),
        ([NOBODY, "a.b", "{"], "Invalid value for JSON: Input data was truncated.\n"),
        ([NOBODY, "a.b", "1", "2"], "Got unexpected extra argument (2)"),
        ([NOBODY, "a.b", "--timeout", "x"], "'x' is not a valid number of seconds, such as 2.5."),
        ([NOBODY, "a.b", "--timeout", "0"], "0.0 is not in the range x>0."),
        ([NOBODY, "a.b", "--timeout", "inf"], "inf is no finite number, such as 5."),
        ([NOBODY, "a.b", "--metadata", "a"], "'a' has no =: write KEY=VALUE."),
        ([NOBODY, "a.b", "--tls-ca", __file__], "--tls-key are for tls:// addresses."),
        (["tls://h:1", "a.b", "--tls-key", __file__], "--tls-key needs --tls-cert."),
        (["tls://h:1", "a.b", "--tls-cert", __file__], "name it by --tls-key."),
        (["tls://h:1", "a.b", "--tls-ca", "missing"], "File 'missing' does not exist."),
    ],
)
def test_wrong_usage_is_told_and_exits_2(arguments: list[str], reason: str) -> None:
    done = run("call", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["", "1"], "a method has a name"),
        (["x" * 256], "F-11 in target: "),
        (["a.b", "--metadata", "=x"], "X-6 in extension key: "),
        (["a.b", "--metadata", "tracewire.x=1"], "'tracewire.x' begins with 'tracewire.'"),
        (["a.b", "[" * 200 + "]" * 200], "it is nested more than 128 deep"),
        (["a.b", "["], "Invalid value for JSON: "),
    ],
)
async def test_what_no_frame_can_hold_is_wrong_usage(
    url: str, arguments: list[str], reason: str
) -> None:
    async with await serve(url, Service()) as server:
        done = await call(server, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_body_that_is_not_utf_8_is_wrong_usage() -> None:
    done = run("call", NOBODY, "a.b", "-", stdin=b'"\xff"')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: Invalid value for JSON: it is not UTF-8.\n")
