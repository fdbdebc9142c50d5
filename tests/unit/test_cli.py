"""The tool as a whole: help, versions, how it ends."""

import os
import signal
import subprocess
import sys

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.tool import COMMAND, run
from tracewire import __version__
from tracewire.codec import IMPLEMENTATION, to_stream
from tracewire.spec.cli import group

FRAME = frame_bytes()


def test_the_version_names_the_implementation() -> None:
    assert run("--version").stdout == f"tracewire {__version__} ({IMPLEMENTATION})\n"
    pure = run("--version", env={"TRACEWIRE_PURE_PYTHON": "1"})
    assert pure.stdout == f"tracewire {__version__} (reference)\n"


@pytest.mark.parametrize("command", [None, *group.commands])
def test_help_fits_80_columns_and_shows_examples(command: str | None) -> None:
    done = run(*filter(None, [command]), "--help", env={"COLUMNS": "80"})
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert f"tracewire {command or 'COMMAND'} " in done.stdout


def test_the_script_and_the_module_are_the_same_tool() -> None:
    code = (
        "import sys; from tracewire.spec.cli import main; sys.argv[1:] = ['rules', 'F-1']; main()"
    )
    script = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert script.stdout == run("rules", "F-1").stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["validat"]])
def test_an_unknown_command_or_option_exits_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[0] in done.stderr


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_the_tool_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import tracewire.spec.cli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "tracewire: the tool needs more: pip install 'tracewire[tool]'\n"


@pytest.mark.parametrize("arguments", [["rules"], ["validate", "--verbose", "--input", "stream"]])
def test_a_closed_pipe_ends_the_tool_in_silence(arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=to_stream(FRAME) * 10_000,
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_output_that_cannot_be_written_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "rules"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "tracewire: cannot write the output: No space left on device\n"


def test_a_closed_output_is_said() -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m tracewire rules >&-',
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "tracewire: cannot write the output: it is closed\n",
    )


def test_an_interrupt_exits_130_without_a_traceback() -> None:
    command = [sys.executable, "-u", *COMMAND[1:], "validate", "--verbose", "--input", "stream"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(to_stream(FRAME))
        process.stdin.flush()
        assert b"valid" in process.stdout.readline()  # so it runs, and waits for more
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        assert process.wait() == 130
    assert errors.strip() == b""


def test_a_narrow_encoding_stops_no_output() -> None:
    frame = frame_bytes(target="caf\u00e9")
    done = run("explain", frame.hex(), env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert 'method "caf\\xe9"' in done.stdout
