"""The tool as a whole: help, versions, how it ends."""

import os
import pty
import shlex
import signal
import subprocess
import sys

import pytest

from tests.unit.checks import frame_bytes
from tests.unit.tool import COMMAND, read_terminal, run
from tracewire import __version__
from tracewire.codec import IMPLEMENTATION, to_stream
from tracewire.spec.tool.commands import group

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


@pytest.mark.parametrize("command", ["validate", "explain"])
def test_help_shows_a_limit_and_its_default(command: str) -> None:
    assert "[default: 4194304; 1<=x<=4294967295]" in run(command, "--help").stdout


def test_the_script_and_the_module_are_the_same_tool() -> None:
    code = (
        "import sys; from tracewire.spec.tool.cli import main\n"
        "sys.argv[1:] = ['rules', 'F-1']; main()"
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
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import tracewire.spec.tool.cli as c; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    hint = 'the tool needs more: in a clone of the repository, pip install ".[tool]"'
    assert done.stderr == f"tracewire: {hint}\n"


@pytest.mark.parametrize(
    "arguments",
    [["rules"], ["validate", "--verbose", "--input", "stream"], ["--help"], ["--version"]],
)
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


def test_without_a_command_the_help_is_an_error() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run("--help").stdout


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["rules", "nonsense"], ["validate", "missing"], ["rules"]]
)
def test_errors_that_cannot_be_written_change_no_exit_status(arguments: list[str]) -> None:
    command = shlex.join([*COMMAND, *arguments])
    done = subprocess.run(f"{command} >/dev/full 2>/dev/full", shell=True, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", "--payload", "\x1b[31mX"],
        ["rules", "S-6", "\x1b[31mX"],
        ["rules", "--\x1b[31mX"],
        ["validate", "--max-frame", "\x1b[31mX"],
        ["\x1b[31mX"],
    ],
)
def test_wrong_usage_is_quoted_without_control(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\\x1b[31mX" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["explain", "zz" * 50_000], ": no such file, and not hexadecimal digits"),
        (["validate", "x" * 100_000], ": File name too long"),
        (["rules", "S-6", "x" * 100_000], "Got unexpected extra argument (xx"),
        (["bench", "--payload", "x" * 100_000], ": File name too long"),
    ],
)
def test_a_huge_argument_buries_no_reason(arguments: list[str], reason: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "(100,0" in done.stderr
    assert len(done.stderr) < 500


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


def test_an_interrupt_while_the_tool_is_loaded_is_none_to_it() -> None:
    code = (
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from tracewire.spec.tool.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize("columns", ["20", "40", "60", "80"])
@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        (["explain", "d9d4f7850200604b7b226a6f696e223a34327da101f4"], ["sampled,", "envelope"]),
        (["bench", "--rounds", "1"], ["overhead", "214 (+131)", "+ tracestate, baggage"]),
    ],
)
def test_a_narrow_terminal_crops_nothing(
    columns: str, arguments: list[str], whole: list[str]
) -> None:
    shown = on_a_terminal(*arguments, columns=columns)
    assert [words for words in whole if words not in shown] == []
    assert "…" not in shown.replace("7b226a6f696e22…", "")


def on_a_terminal(*arguments: str, columns: str) -> str:
    """All that the command prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": columns}
    subprocess.run([*COMMAND, *arguments], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    shown = b""
    while piece := read_terminal(ours):
        shown += piece
    os.close(ours)
    return shown.decode()


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
