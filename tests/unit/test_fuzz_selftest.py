"""The fuzzer finds what is planted for it, so that no finding means something."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from fuzz.build import ROOT, Unavailable, check_tools
from fuzz.invariants import INVARIANTS
from tracewire.codec import reference

pytestmark = pytest.mark.once


@pytest.fixture
def tools() -> None:
    try:
        check_tools()
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.mark.usefixtures("tools")
def test_a_planted_overflow_of_one_byte_is_found_and_kept(tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME")}
    command = [sys.executable, "-m", "fuzz.run", "--selftest", "--executions", "3000000"]
    command += ["--work", str(tmp_path / "work"), "--regressions", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True)
    (found,) = tmp_path.glob("selftest.planted-crash-*")
    log = (tmp_path / "work" / "selftest.planted.log").read_text()
    assert run.returncode == 1, run.stderr
    assert found.name in run.stdout
    # The sanitizer names the byte behind the input by which eight bytes it shares.
    assert re.search("AddressSanitizer: (heap-buffer-overflow|use-after-poison)", log)
    assert "READ of size 1" in log
    assert found.read_bytes().startswith(bytes.fromhex("d9d4f7"))


Change = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("name", "function", "fault"),
    [
        ("only_frame_error", "strip", lambda data: bytes([data[1000]])),
        ("relays", "strip", lambda data: data + b"\0"),
        ("relays", "restamp", lambda data, trace: data),
        ("agreement", "encode", lambda frame: b""),
        ("rebuild", "encode", lambda frame: b""),
        ("encoders", "wrap", lambda *arguments: b""),
        ("bounded_memory", "decode", lambda data: bytearray(1 << 22)),
        ("any_split", "to_stream", lambda data: b"\0\0\0\1" + data),
    ],
)
def test_each_invariant_sees_a_codec_that_breaks_it(
    name: str, function: str, fault: Callable[..., object]
) -> None:
    broken = ModuleType("broken")
    vars(broken).update(vars(reference))
    setattr(broken, function, fault)
    invariant = next(known for known in INVARIANTS if known.name == name)
    frame = reference.wrap(b"{}", reference.NOT_SAMPLED, {"a": 1})
    inputs = [frame[:-1] + bytes([number]) for number in range(24)]
    assert any(_breaks(invariant.check, broken, data) for data in [*inputs, b"\4", b"\x0c\2"])


def _breaks(check: Callable[[ModuleType, bytes], None], codec: ModuleType, data: bytes) -> bool:
    try:
        check(codec, data)
    except (AssertionError, IndexError, AttributeError):
        return True
    return False
