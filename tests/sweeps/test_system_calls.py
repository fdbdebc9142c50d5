"""Each system call may fail: who asked is told, the server serves on, and nothing is left."""

from pathlib import Path

import pytest

from tests.sweeps.system_calls import run

pytestmark = pytest.mark.once


@pytest.mark.parametrize("scheme", ["tcp", "tls", "unix"])
def test_each_call_fails(scheme: str, tmp_path: Path) -> None:
    ran = run(tmp_path, [scheme, "--stride", "5"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"failures of {scheme}, 0 with something wrong" in ran.stdout


def test_a_descriptor_that_is_not_closed_is_found(tmp_path: Path) -> None:
    ran = run(tmp_path, ["tcp", "--stride", "5", "--only", "socket", "--planted"])
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "socket:" in ran.stdout
