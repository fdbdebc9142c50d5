"""Every block of code in README.md runs as it stands there."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.judged import JUDGED
from tracewire.spec.specification import read_rules
from tracewire.spec.tool.frames.rules import ABOUT_BYTES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Commands with a test of their own: test_guild, test_demo, the suite, test_packaging, test_cli_*.
ELSEWHERE = {
    "make demo",
    "make demo-peers",
    "make test",
    "pip install .",
    'pip install ".[tool]"',
    "tracewire echo tcp://127.0.0.1:4711",
    "tracewire call tcp://127.0.0.1:4711 tracewire.echo '{\"member\": 42}'",
}
PYTHONS_OWN = {"python3 -m venv .venv", ". .venv/bin/activate"}


def blocks(language: str) -> list[str]:
    return [content for name, content in BLOCKS if name == language]


def run(command: str) -> str:
    """Output and errors of a shell command that finds this environment's tools first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def output_of(command: str) -> str:
    """What a block of text shows below the command."""
    (shown,) = (text for text in blocks("text") if text.startswith(f"$ {command}\n"))
    return shown.partition("\n")[2]


def console_examples() -> list[tuple[str, str]]:
    """Each command after a `$`, and the output below it."""
    text = "".join(blocks("console"))
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)


def test_the_python_examples_print_what_they_show() -> None:
    examples = doctest.DocTestParser().get_doctest("".join(blocks("pycon")), {}, "README", None, 0)
    assert examples.examples
    failures: list[str] = []
    doctest.DocTestRunner().run(examples, out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize(("command", "output"), console_examples())
def test_a_shell_example_prints_what_it_shows(command: str, output: str) -> None:
    assert run(command) == output


def sizes(bench: str) -> list[tuple[str, str]]:
    """What each row of the bench is about and how many bytes it has; times are never the same."""
    return re.findall(r"^  (\S.*?\S) +(\d+(?: \(\+\d+\))?) +[\d,]+ +[\d,]+", bench, re.MULTILINE)


def test_the_bench_shows_these_sizes() -> None:
    shown = output_of("tracewire bench")
    assert len(sizes(shown)) == 10
    assert sizes(run("tracewire bench --rounds 1")) == sizes(shown)


def run_calls(folder: Path, code: str) -> str:
    """What calls.py prints with this code; in a folder, so that no other run has its socket."""
    assert "/tmp/" in code
    file = folder / "calls.py"
    file.write_text(code.replace("/tmp/", f"{folder}/"))
    return run(f"python {file}")


def test_server_and_client_have_twelve_lines_and_work_as_they_stand(tmp_path: Path) -> None:
    calls, _ = blocks("python")
    assert len(list(filter(None, calls.splitlines()))) <= 12
    assert run_calls(tmp_path, calls) == "{'joined': 42}\n"


def test_with_the_sdk_a_call_is_printed_as_the_trace_that_is_shown(tmp_path: Path) -> None:
    calls, telemetry = blocks("python")
    shown, printed = output_of("python calls.py"), run_calls(tmp_path, telemetry + calls)
    trace_id = re.compile("[0-9a-f]{32}")
    assert len(set(trace_id.findall(printed))) == 1
    assert trace_id.sub("ID", printed) == trace_id.sub("ID", shown)


def test_no_block_is_left_untested() -> None:
    assert {language for language, _ in BLOCKS} <= {"pycon", "console", "python", "sh", "text"}
    lines = "".join(blocks("sh")).splitlines()
    assert {line.partition("  ")[0] for line in lines} <= ELSEWHERE | PYTHONS_OWN


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^):#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_as_many_rules_are_promised_as_there_are() -> None:
    rules = list(read_rules())
    assert f" {len(rules)} numbered rules" in README
    about_bytes = [r for r in rules if r.id[0] in ABOUT_BYTES and r.id not in JUDGED]
    assert [rule.id for rule in about_bytes if not (rule.obeyed_by and rule.broken_by)] == []
