"""Peers in other languages, written from the specification alone, conform and can be called."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop import matrix
from tests.interop.calls import failure
from tracewire.codec import Status
from tracewire.protocol import Body, Executed, connect
from tracewire.spec.suite import wire
from tracewire.spec.suite.case import FAILED, PASSED, UNSUPPORTED
from tracewire.spec.suite.codec_cases import codec_cases
from tracewire.spec.suite.live_cases import live_cases
from tracewire.spec.suite.running import run_on_peer, run_on_testee

pytestmark = pytest.mark.once

NODE = str(matrix.PEERS / "node")
GO = str(matrix.ROOT / "build" / "go" / "peer")
TESTEES = {
    "node": ("node", f"{NODE}/testee.js"),
    "go": (GO, "testee"),
    "elixir": matrix.elixir("Testee"),
    "erlang": ("erl", "-noshell", "-pa", str(matrix.ERLANG), "-eval", 'framed:main(["testee"])'),
}
GENERATION = {"node": 2, "go": 2, "elixir": 2, "erlang": 1}
LIVE = {
    "node": ("node", f"{NODE}/peer.js"),
    "go": (GO, "framed"),
    "elixir": matrix.elixir("Peer", "framed"),
}


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    programs = ("node", "npm", "go", "erl", "erlc", "elixir", "elixirc")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    matrix.compile_erlang()
    matrix.compile_elixir()
    matrix.build_go()
    matrix.install_node()


@asynccontextmanager
async def live(name: str, url: str) -> AsyncIterator[str]:
    """A peer that listens there, with small limits; its address."""
    environment = {**os.environ, "RECORD_SECONDS": "0.5", "IN_FLIGHT": "20"}
    child = await asyncio.create_subprocess_exec(
        *LIVE[name], url, stdin=PIPE, stdout=PIPE, env=environment
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        said, address = (await child.stdout.readline()).decode().split()
        assert said == "listening"
        yield address
    finally:
        child.stdin.close()
        await child.wait()


@pytest.mark.parametrize("name", TESTEES)
async def test_testees_conform_strictly(name: str) -> None:
    said, came = await run_on_testee(TESTEES[name], list(codec_cases()), 10.0, lambda _: None)
    assert said == f"{name}, generation {GENERATION[name]}"
    assert [outcome.text for outcome in came if outcome.verdict == FAILED] == []
    unsupported = {outcome.case.id for outcome in came if outcome.verdict == UNSUPPORTED}
    if GENERATION[name] == 2:
        assert unsupported == set()
    else:
        assert len(came) - len(unsupported) > 50


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
@pytest.mark.parametrize("name", LIVE)
async def test_live_peers_conform(name: str, scheme: str, tmp_path: Path) -> None:
    limits = wire.PeerLimits(in_flight=20, record_seconds=0.5)
    async with live(name, address(scheme, tmp_path)) as url:
        came = await run_on_peer(url, live_cases(), 3.0, limits, lambda _: None)
    assert [(o.case.id, o.text) for o in came if o.verdict != PASSED] == []


def address(scheme: str, folder: Path) -> str:
    return f"unix://{folder}/peer.sock" if scheme == "unix" else "tcp://127.0.0.1:0"


@pytest.mark.parametrize("name", LIVE)
async def test_our_peers_call_them(name: str, tmp_path: Path) -> None:
    async with live(name, address("unix", tmp_path)) as url, connect(url) as peer:
        assert await peer.call("tracewire.echo", Body(b"\xff\x00")) == Body(b"\xff\x00")
        assert await peer.call("tracewire.sleep", 0) is None
        failed = await failure(peer.call("tracewire.fail", {"status": 9, "message": "no"}))
        assert (failed.status, failed.message) == (Status.FAILED_PRECONDITION, "no")
        late = await failure(peer.call("tracewire.sleep", 5, timeout=0.1))
        assert (late.status, late.executed) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        sleeping = asyncio.ensure_future(peer.call("tracewire.sleep", 0.2))
        await asyncio.sleep(0)  # it is sent
        leaving: Any = asyncio.ensure_future(peer.drain())
        assert await sleeping is None
        await leaving


async def test_the_caller_in_elixir_calls_us(tmp_path: Path) -> None:
    """Each order is answered by a line, in their order: status, executed, body."""
    url = address("unix", tmp_path)
    serving = (sys.executable, "-m", "tracewire", "echo", "--quiet", url)
    server = await asyncio.create_subprocess_exec(*serving, stdout=PIPE)
    assert server.stdout is not None
    await server.stdout.readline()
    orders = {
        "call tracewire.echo - ff00": "0 - ff00",
        "call tracewire.fail - 09": "9 yes a200600202",
        "call tracewire.sleep 100000 05": "4 maybe ",
        "call tracewire.sleep - 05": "1 maybe -",
        "call tracewire.sleep - f93400": "0 - -",  # a quarter of a second
        "call tracewire.echo 0 01": "4 no -",
        "notify tracewire.echo 01": "0 - -",
        "cancel 4": "0 - -",
        "drain": "0 - -",
        "call tracewire.echo - 01": "14 no -",
    }
    caller = await asyncio.create_subprocess_exec(
        *matrix.elixir("Caller", url), stdin=PIPE, stdout=PIPE
    )
    said, _ = await caller.communicate("".join(f"{order}\n" for order in orders).encode())
    server.terminate()
    await server.wait()
    lines = said.decode().splitlines()
    lines[2] = re.sub("-$|a2.*", "", lines[2])  # either side may be the first to end it
    assert lines == list(orders.values())


def test_no_peer_of_another_imports_tracewire() -> None:
    suffixes = {".erl", ".ex", ".js", ".go"}
    sources = [path for path in matrix.PEERS.rglob("*") if path.suffix in suffixes]
    foreign = [matrix.PEERS / name for name in ("old_framed.py", "bare_json.py", "grease.py")]
    for path in (*sources, *foreign):
        if "node_modules" not in path.parts:
            assert "import tracewire" not in path.read_text(), path
            assert "from tracewire" not in path.read_text(), path
    assert len(sources) > 5
