"""What CI runs: all parts or those that are named, their times, and the names of those that failed.

`make` is a script here that says what it was asked for; the part `bad` fails.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKES = {
    "make": """
if [[ "$*" == *parts ]]; then printf '%s\\n' gate good bad; exit; fi
echo "begin $*, skips ${TRACEWIRE_NO_SKIPS-allowed}" >>"$CALLS"
echo "this is $*"
status=0
[[ "$*" != *bad* ]] || status=2
echo "end $*" >>"$CALLS"
exit "$status"
""",
    "dpkg-query": "echo installed",
    "apt-get": "exit 9",
}
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.once


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Where our make writes what it was asked for."""
    return tmp_path / "calls"


@pytest.fixture
def run(tmp_path: Path, calls: Path) -> Run:
    """Runs a script of .ci in a place where make and the tools of Debian are ours."""
    for name, script in FAKES.items():
        fake = tmp_path / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(f"#!/usr/bin/env bash\n{script}\n")
        fake.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "TRACEWIRE_NO_SKIPS": "",
    }

    def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / ".ci" / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


# .ci/run


def test_without_names_all_parts_run_and_skips_are_failures(run: Run, calls: Path) -> None:
    assert run("run").returncode == 0
    assert calls.read_text() == "begin test ONLY=, skips 1\nend test ONLY=\n"


def test_parts_that_are_named_run_alone(run: Run, calls: Path) -> None:
    assert run("run", "good", "gate").returncode == 0
    assert calls.read_text().startswith("begin test ONLY=good gate, ")


def test_a_part_that_fails_fails_the_run(run: Run) -> None:
    assert run("run", "bad").returncode == 1


def test_the_parts_are_listed_a_line_each(run: Run, calls: Path) -> None:
    ran = run("run", "--list")
    assert (ran.returncode, ran.stdout) == (0, "gate\ngood\nbad\n")
    assert not calls.exists()


@pytest.mark.parametrize("name", ["goo", "goods", "", "gate good", ".*", "--verbose"])
def test_an_unknown_name_is_an_error_that_says_the_names(run: Run, calls: Path, name: str) -> None:
    ran = run("run", "good", name)
    assert ran.returncode == 2
    assert ran.stderr == f"There is no part {name!r}. The parts are: gate good bad\n"
    assert not calls.exists()


def test_the_parts_are_targets_of_the_makefile() -> None:
    listed = subprocess.run(
        [ROOT / ".ci/run", "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert f"test-python{sys.version_info.major}.{sys.version_info.minor}" in listed
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for name in listed if not name.startswith("test-python")} <= targets


# .ci/parts


def seconds(line: str) -> str:
    """A line of the table, the time left out."""
    return re.sub(r" +[0-9]+", " N", line)


def test_each_part_says_what_it_has_to_say_and_how_long_it_took(run: Run) -> None:
    ran = run("parts", "2", "gate", "good other")
    lines = ran.stdout.splitlines()
    assert {"this is gate", "this is good", "this is other"} <= set(lines)
    table = lines[lines.index("part                 seconds") + 1 :]
    assert [seconds(line) for line in table] == ["gate N", "good N", "other N", "all N"]
    assert ran.returncode == 0


@pytest.mark.parametrize(("alone", "together"), [("bad gate", "good"), ("gate", "bad good")])
def test_one_failure_hides_no_other_part_and_is_named_last(
    run: Run, calls: Path, alone: str, together: str
) -> None:
    ran = run("parts", "2", alone, together)
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == "Failed: bad"
    assert "bad N FAILED" in map(seconds, ran.stdout.splitlines())
    assert sorted(re.findall("end (.*)", calls.read_text())) == ["bad", "gate", "good"]


def test_what_measures_runs_before_the_others_and_one_by_one(run: Run, calls: Path) -> None:
    run("parts", "2", "gate bench", "good other")
    begun = [line.split(",")[0] for line in calls.read_text().splitlines()]
    assert begun[:4] == ["begin gate", "end gate", "begin bench", "end bench"]


def test_no_more_parts_run_at_a_time_than_was_said(run: Run, calls: Path) -> None:
    run("parts", "1", "", "good other third")
    begun = [line.split(",")[0] for line in calls.read_text().splitlines()]
    expected = [
        f"{what} {name}" for name in ("good", "other", "third") for what in ("begin", "end")
    ]
    assert begun == expected
