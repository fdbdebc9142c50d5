"""`tracewire conform`: what it prints, and what its exit status says."""

import json
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

import pytest

from tests.interop.test_conform_codec import LYING, question_of_one_section
from tests.unit.tool import run

pytestmark = pytest.mark.once

OURS = ("--", sys.executable, "-m", "tracewire.spec.testee")
SECTION = "3.3 Odd and even keys"
WRONG = ("--", *LYING, question_of_one_section(SECTION))


def test_a_testee_that_conforms_has_a_line_for_each_section_and_a_summary_last() -> None:
    done = run("conform", *OURS)
    *sections, summary = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.endswith(" passed") for line in sections)
    assert summary.startswith("tracewire-compiled, generation 2: ")
    assert summary.endswith("; conforms")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_case_that_fails_says_what_was_asked_expected_and_came() -> None:
    done = run("conform", *WRONG)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].endswith("does not conform: 1 not as expected")
    told = done.stdout[done.stdout.index("  X-11/") :]
    assert "expected" in told
    assert "came     nonsense" in told
    *lines, _ = done.stdout.splitlines()
    typed = [line for line in lines if line.startswith("    tracewire explain d9d4f7")]
    assert len(typed) == 1
    assert max(len(line) for line in lines if line not in typed) <= 80


def test_a_fault_of_several_cases_is_told_once() -> None:
    done = run("conform", "--strict", *WRONG)
    assert done.stdout.count("nonsense") == 1
    assert "as under X-11/" in done.stdout


def test_what_callers_are_asked_is_listed() -> None:
    done = run("conform", "--list", "--listen", "tcp://127.0.0.1:1")
    assert "  C-6/caller MUST\n    An invalid response fails its call" in done.stdout


def test_the_list_has_every_case_with_its_level_and_what_it_asks() -> None:
    done = run("conform", "--list", "--strict")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    levels = Counter(line.split()[1] for line in lines if line.startswith("  ") and line[2] != " ")
    assert set(levels) == {"MUST", "SHOULD"}
    assert levels.total() > 150
    live = run("conform", "--list", "--peer", "tcp://127.0.0.1:1").stdout
    assert (
        "  C-13/in-flight MUST\n    A request whose id is in flight is a connection error.\n"
        in live
    )


def test_sections_are_chosen_by_their_number() -> None:
    done = run("conform", "--section", "3", "--section", "5.1", *OURS)
    numbers = {line.split()[0] for line in done.stdout.splitlines()[:-1]}
    assert numbers == {"3.1", "3.2", "3.3", "3.5", "5.1"}


def test_objects_say_the_same_to_programs() -> None:
    done = run("conform", "--json", *WRONG)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert Counter(row["verdict"] for row in rows)["failed"] == 1
    (bad,) = (row for row in rows if not row["good"])
    assert (bad["rule"], bad["section"]) == ("X-11", SECTION)
    assert done.stderr.endswith("does not conform: 1 not as expected\n")


def test_junit_has_a_suite_for_each_section(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert run("conform", "--junit", str(report), *WRONG).returncode == 1
    suites = xml.parse(report).getroot()
    failures = {suite.get("name"): suite.get("failures") for suite in suites}
    assert failures.pop(SECTION) == "1"
    assert set(failures.values()) == {"0"}
    (failure,) = suites.iter("failure")
    assert "nonsense" in (failure.text or "")


def test_an_expected_failure_that_passes_is_a_failure(tmp_path: Path) -> None:
    rows = map(json.loads, run("conform", "--json", *WRONG).stdout.splitlines())
    failing = next(row["id"] for row in rows if row["verdict"] == "failed")
    expected = tmp_path / "expected"
    expected.write_text(f"# known\n{failing}  # it lies\n\n")
    lying = run("conform", "--expect", str(expected), *WRONG)
    assert (lying.returncode, "1 expected to fail; conforms" in lying.stdout) == (0, True)
    honest = run("conform", "--expect", str(expected), *OURS)
    assert honest.returncode == 1
    assert f"  {failing} MUST: passed, and is expected to fail" in honest.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which testee, after --, or which --peer"),
        (("--peer", "tcp://127.0.0.1:1", "--", "true"), "exclude each other"),
        (("--peer", "tcp://127.0.0.1:1", "--listen", "unix:///x"), "exclude each other"),
        (("--listen", "memory://x", "--", "true"), "the suite listens on tcp:// and unix://"),
        (("--listen", "tcp://192.0.2.1:1", "--", "true"), "cannot listen on tcp://192.0.2.1:1"),
        (("--peer", "http://here"), "is no scheme of an address"),
        (("--peer", "memory://here"), "the suite speaks to tcp:// and unix:// addresses"),
        (("--section", "12", "--list"), "there are no cases of '12', but of 2.1, 3.1"),
        (("--expect", "no-such-file", *OURS), "No such file or directory"),
        (("--", "./no-such-testee"), "./no-such-testee cannot be started: No such file"),
        (("--", "true"), "the testee ended when asked hello"),
        (("--peer", "tcp://127.0.0.1:1"), "cannot be reached"),
        (("--junit", "/no/such/folder", "--section", "4.1", *OURS), "No such file or directory"),
    ],
)
def test_wrong_usage_says_what_to_do_and_exits_2(arguments: tuple[str, ...], said: str) -> None:
    done = run("conform", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_an_unknown_id_in_the_expected_failures_is_named(tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    expected.write_text("F-1/reads-minds\n")
    done = run("conform", "--expect", str(expected), *OURS)
    assert done.returncode == 2
    assert "line 1: there is no case 'F-1/reads-minds'" in " ".join(done.stderr.split())
