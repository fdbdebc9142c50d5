"""What type checkers make of calls: ``returns=T`` gives a T, and a Caller is whatever can call."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

PREFIX = """
from typing import Any, assert_type
import msgspec
from tracewire.protocol import Caller, Peer, Reconnecting, connect, serve

class Room(msgspec.Struct):
    name: str

"""
RIGHT = """
async def returned(peer: Peer, kept: Reconnecting, caller: Caller) -> None:
    assert_type(await peer.call("m", returns=int), int)
    assert_type(await peer.call("m", returns=list[int]), list[int])
    assert_type(await peer.call("m", returns=dict[str, int]), dict[str, int])
    assert_type(await peer.call("m", returns=Room), Room)
    assert_type(await peer.call("m"), Any)
    assert_type(await kept.call("m", returns=list[Room]), list[Room])
    assert_type(await kept.call("m"), Any)
    assert_type(await caller.call("m", 1, timeout=1.0, metadata={"a": 1}, returns=Room), Room)
    assert_type(await caller.call("m"), Any)

async def use(caller: Caller) -> int:
    await caller.notify("m", 1, metadata={"a": 1})
    return await caller.call("m", 1, returns=int)

async def both(peer: Peer, kept: Reconnecting) -> int:
    return await use(peer) + await use(kept)

async def entered() -> None:
    async with connect("memory://a") as peer, connect("memory://a").kept() as kept:
        assert_type(peer, Peer)
        assert_type(kept, Reconnecting)
        await both(peer, kept)
"""
#: Each is one error.
WRONG = """
async def returned(peer: Peer, kept: Reconnecting, caller: Caller) -> None:
    assert_type(await peer.call("m", returns=int), str)
    assert_type(await kept.call("m", returns=list[int]), list[str])
    assert_type(await caller.call("m", returns=int), str)

class Half:
    async def notify(self, method: str) -> None: ...

def use(caller: Caller) -> None: ...
use(Half())
connect("memory://a", mode="frame")
connect("memory://a", call_interceptors=use)
"""
ERRORS = 6


def checked(command: list[str], source: str, folder: Path) -> tuple[int, list[str]]:
    """The exit code of a type checker, and the lines that name errors."""
    path = folder / "snippet.py"
    path.write_text(PREFIX + source)
    done = subprocess.run(
        [sys.executable, "-m", *command, str(path)],
        cwd=folder,
        env={**os.environ, "MYPY_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if " error: " in line or " error:" in line]
    return done.returncode, lines


CHECKERS = {
    "mypy": ["mypy", "--strict"],
    "pyright": ["basedpyright", "--level", "error", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_right_is_taken_and_what_is_wrong_is_not(checker: str, tmp_path: Path) -> None:
    assert checked(CHECKERS[checker], RIGHT, tmp_path) == (0, [])
    code, errors = checked(CHECKERS[checker], WRONG, tmp_path)
    assert (code, len(errors)) == (1, ERRORS), errors
