"""`tracewire bench`: what is measured, how it is put together, and when the check fails.

What times come out is for the machine to say; the arithmetic is tested on given ones.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.unit.tool import run
from tracewire.codec import IMPLEMENTATION, NOT_SAMPLED, TraceContext, decode
from tracewire.spec.tool.bench.alternatives import WITH, WITHOUT, alternatives
from tracewire.spec.tool.bench.overhead import TRACE, own_messages
from tracewire.spec.tool.bench.timing import Statement
from tracewire.spec.tool.commands import group

CONTEXTS = ["undecided", "not sampled", "sampled", "+ tracestate, baggage"]
METHOD, BODY = "guild.join", b"x" * 64


class GivenTimes:
    """In place of the stopwatch: 100 ns for everything, 125 for a sampled context.

    What is measured a second time, as a noise pair is, takes 1 % more, a sampled one 2 %.
    """

    measured: list[Statement]
    turns = 0

    def __init__(self, statement: Statement) -> None:
        trace = statement.names["trace"] if "peek_trace" in statement.names else None
        self.nanoseconds = 125.0 if trace == TRACE else 100.0
        if any(earlier is statement for earlier in self.measured):
            self.nanoseconds *= 1.02 if trace == TRACE else 1.01
        self.measured.append(statement)

    def take_turn(self) -> None:
        type(self).turns += 1


@pytest.fixture
def given_times(monkeypatch: pytest.MonkeyPatch) -> type[GivenTimes]:
    class Fresh(GivenTimes):
        measured: list[Statement] = []

    monkeypatch.setattr("tracewire.spec.tool.bench.overhead.Stopwatch", Fresh)
    return Fresh


def bench(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(group, ["bench", *arguments])
    return result.exit_code, result.stdout


def test_every_state_of_a_trace_is_measured_beside_the_alternatives() -> None:
    done = run("bench", "--rounds", "1", "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    messages = facts["messages"]
    own = [message for message in messages if message["system"] == "Tracewire"]
    assert [message["context"] for message in own] == CONTEXTS
    base = own[0]["bytes"]
    assert [message["bytes"] - base for message in own[:3]] == [0, 3, 33]
    others = {message["system"] for message in messages} - {"Tracewire"}
    assert others == {"msgspec MessagePack", "cbor2", "JSON + OpenTelemetry"}
    assert facts["implementation"] == IMPLEMENTATION
    assert (facts["body_bytes"], facts["rounds"], facts["check"]) == (64, 1, None)
    for message in messages:
        assert message["encode_ns"] > 0
        assert message["decode_ns"] > 0
        assert (message["peek_ns"] is None) == (message["system"] != "Tracewire")


def test_a_message_of_ones_own_is_measured(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"{}")
    done = run("bench", "--rounds", "1", "--payload", str(body), "--method", "a.b")
    assert done.returncode == 0
    assert 'A request of method "a.b" with a body of 2 bytes.' in done.stdout
    piped = run("bench", "--rounds", "1", "--payload", "-", "--json", stdin=b"four")
    assert json.loads(piped.stdout)["body_bytes"] == 4


def test_the_reference_is_measured_with_a_warning() -> None:
    done = run("bench", "--rounds", "1", env={"TRACEWIRE_PURE_PYTHON": "1"})
    assert ", reference codec, " in done.stdout
    assert "Warning: this is the codec in pure Python" in done.stdout


def test_overhead_is_over_the_base_and_share_is_of_the_whole(given_times: object) -> None:
    status, printed = bench("--json")
    assert status == 0
    facts = json.loads(printed)
    parts = {each["context"]: (each["share"], each["overhead"]) for each in facts["messages"]}
    assert parts["undecided"] == parts["not sampled"] == (0.0, 0.0)
    assert parts["sampled"] == (20.0, 25.0)
    assert facts["noise"] == 2.0


def test_the_table_shows_bytes_times_and_what_context_adds(given_times: object) -> None:
    _, printed = bench()
    rows = {line.split("  ")[1]: line.split() for line in printed.splitlines() if "  " in line}
    assert rows["undecided"] == ["undecided", "83", "100", "100", "100"]
    sampled = ["sampled", "116", "(+33)", "125", "125", "125", "20.0", "%", "25.0", "%"]
    assert rows["sampled"] == sampled
    assert "Noise: a message against itself (A/A) differs by up to 2.0 %." in printed
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize(
    ("allowed", "status", "word"), [("25", 0, "passed"), ("24.9", 1, "FAILED")]
)
def test_the_check_fails_over_the_limit_and_prints_the_noise(
    given_times: object, allowed: str, status: int, word: str
) -> None:
    exit_code, printed = bench("--check", "--max-overhead", allowed)
    assert exit_code == status
    assert printed.splitlines()[-2:] == [
        f"Check {word}: a sampled context adds 25.0 % to encode + decode.",
        f"Allowed are {allowed} %; the noise is 2.0 %.",
    ]
    _, printed = bench("--check", "--max-overhead", allowed, "--json")
    assert json.loads(printed)["check"] == {
        "max_overhead": float(allowed),
        "overhead": 25.0,
        "conclusive": True,
        "passed": status == 0,
    }


@pytest.mark.parametrize(("allowed", "word"), [("1.9", "INCONCLUSIVE"), ("2.1", "FAILED")])
def test_a_limit_within_the_noise_is_no_verdict(
    given_times: object, allowed: str, word: str
) -> None:
    exit_code, printed = bench("--check", "--max-overhead", allowed)
    assert exit_code == 1
    verdict, advice = printed.splitlines()[-2:]
    assert verdict.startswith(f"Check {word}: ")
    assert ("take more --rounds" in advice) == (word == "INCONCLUSIVE")
    _, printed = bench("--check", "--max-overhead", allowed, "--json")
    check = json.loads(printed)["check"]
    assert (check["conclusive"], check["passed"]) == (word == "FAILED", False)


def test_every_time_is_sampled_once_a_round_whatever_comes_out(
    given_times: type[GivenTimes],
) -> None:
    for allowed in ("25", "24"):
        given_times.turns = 0
        given_times.measured.clear()
        bench("--rounds", "3", "--check", "--max-overhead", allowed)
        assert given_times.turns == 3 * len(given_times.measured) > 0


def test_an_alternative_that_is_not_installed_is_named(
    given_times: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cbor2", None)
    _, printed = bench()
    assert "Not installed: cbor2." in printed
    assert "msgspec MessagePack" in printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--check"], "--check and --max-overhead PCT go together"),
        (["--max-overhead", "5"], "--check and --max-overhead PCT go together"),
        (["--check", "--max-overhead", "-1"], "-1"),
        (["--check", "--max-overhead", "nan"], "nan is no finite number, such as 5."),
        (["--check", "--max-overhead", "inf"], "inf is no finite number, such as 5."),
        (["--check", "--max-overhead", "1e999"], "inf is no finite number, such as 5."),
        (["--check", "--max-overhead", "5%"], "'5%' is not a valid number, such as 5."),
        (["--rounds", "0"], "0 is not in the range"),
        (["--rounds", "x"], "'x' is not a valid whole number, such as 25."),
        (["--payload", "/dev/zero"], "Invalid value for --payload: over 4,194,304 bytes."),
        (["--payload", "/"], "Is a directory"),
        (["--payload", "missing"], "No such file"),
        (["--method", ""], "Invalid value for --method: F-11"),
        (["--method", "m" * 256], "Invalid value for --method: F-11"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(arguments: list[str], complaint: str) -> None:
    done = run("bench", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def read(statement: Statement) -> dict[str, Any]:
    """The names after the code of a statement ran."""
    names = dict(statement.names)
    exec(statement.code, names)
    return names


def test_the_messages_hold_what_they_are_measured_for() -> None:
    traces = []
    for message in own_messages(METHOD, BODY):
        frame = read(message.decode)["frame"]
        assert (frame.id, frame.method, frame.payload) == (7, METHOD, BODY)
        assert message.size == len(message.encode.value())
        assert message.peek is not None
        assert message.peek.value() is (frame.trace and frame.trace.sampled)
        traces.append(frame.trace)
    assert traces[:3] == [None, NOT_SAMPLED, TRACE]
    last = decode(message.encode.value())
    assert isinstance(last.trace, TraceContext)
    assert last.trace.state
    assert last.extensions[5]


def test_the_alternatives_hold_the_same_message_and_context() -> None:
    for system, messages in alternatives(METHOD, BODY, TRACE):
        without, with_context = messages
        assert (without.context, with_context.context) == (WITHOUT, WITH)
        for message in messages:
            assert message.system == system
            data = message.decode.names["data"]
            assert isinstance(data, bytes)
            assert METHOD.encode() in data
            assert (TRACE.to_traceparent().encode() in data) == (message is with_context)
            read(message.decode)
