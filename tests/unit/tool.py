"""Running the tool as a user does, in a process of its own, and what it is to agree with."""

import os
import subprocess
import sys
from collections.abc import Mapping

from tracewire.codec import FrameError, decode

COMMAND = [sys.executable, "-m", "tracewire"]

#: Examples of issue and documentation: a valid notification, and one that lacks its payload.
VALID = "d9d4f7840001656775696c6440"
CUT = "d9d4f7840001656775696c64"


def run(
    *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished command; what it prints must be UTF-8."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1", **(env or {})},
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def read_terminal(ours: int) -> bytes:
    """What was printed on the other side of a pseudo-terminal, nothing at its end."""
    try:
        return os.read(ours, 65536)
    except OSError:  # Linux says that the other side is gone
        return b""


def decoded(data: bytes) -> tuple[str, int | None] | None:
    """The rule and offset that decode names, None for a valid frame."""
    try:
        decode(data)
    except FrameError as error:
        return error.rule, error.offset
    return None
