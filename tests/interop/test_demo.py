"""The demo does what it says: every delivery arrives as promised, and a broken one is noticed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
GENERATIONS = {"bare": 0, "framed": 1, "tracing-a": 2, "tracing-b": 2}
#: Outcome by generation of sender and receiver, as section 6 of the specification has it.
OUTCOMES = {
    (0, 0): "bare",
    (0, 1): "bare",
    (0, 2): "bare",
    (1, 0): "bare",
    (1, 1): "no context",
    (1, 2): "no context",
    (2, 0): "bare",
    (2, 1): "ignored",
    (2, 2): "kept",
}


def start(folder: Path, *options: str, corrupt: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "examples.demo.run", "--capture", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DEMO_CORRUPT": corrupt, "COLUMNS": "80"},
        start_new_session=True,
    )


def run(folder: Path, *options: str, corrupt: str = "") -> tuple[int, str]:
    """Exit code and output of a run after which no process is left.

    Every child holds the same stderr: the end of the stream is the end of the last one.
    """
    demo = start(folder, *options, corrupt=corrupt)
    output, errors = demo.communicate(timeout=120)
    assert errors == ""
    return demo.returncode, output


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("capture")


@pytest.fixture(scope="module")
def facts(capture: Path) -> Any:
    code, output = run(capture, "--json")
    facts = json.loads(output)
    assert (code, facts["ok"]) == (0, True)
    return facts


def test_every_sender_reaches_every_receiver_with_the_context_that_it_can_take(facts: Any) -> None:
    outcomes = {(cell["sender"], cell["receiver"]): cell["outcome"] for cell in facts["cells"]}
    assert outcomes == {
        (sender, receiver): OUTCOMES[GENERATIONS[sender], GENERATIONS[receiver]]
        for sender in GENERATIONS
        for receiver in GENERATIONS
    }


def test_context_costs_33_bytes_and_a_decision_against_it_3(facts: Any) -> None:
    framed = [cell for cell in facts["cells"] if cell["outcome"] in ("kept", "ignored")]
    assert len(framed) == 6
    for cell in framed:
        base = cell["bytes_without_context"]
        assert cell["bytes"] == {"undecided": base, "not sampled": base + 3, "sampled": base + 33}


def test_one_trace_passes_through_three_processes(facts: Any) -> None:
    spans = facts["trace"]["spans"]
    assert len({span["pid"] for span in spans}) == 3
    assert len({span["trace_id"] for span in spans}) == 1
    by_id = {span["span_id"]: span for span in spans}
    path = [next(span for span in spans if span["name"] == "send to framed")]
    while path[-1]["parent_id"]:
        path.append(by_id[path[-1]["parent_id"]])
    assert [span["process"] for span in path] == [
        "tracing-b",
        "tracing-b",
        "tracing-a",
        "tracing-a",
        "demo",
    ]
    assert all(span["milliseconds"] > 0 for span in path)


def test_the_tool_judges_every_captured_frame(facts: Any, capture: Path) -> None:
    captured = facts["capture"]
    assert captured == {"frames": 24, "valid": 24, "bare_messages": 7, "problems": []}


def test_output_reads_well_where_there_is_no_terminal(tmp_path: Path) -> None:
    code, output = run(tmp_path)
    assert code == 0
    report, _, commands = output.partition("Look further:\n")
    assert max(map(len, report.splitlines())) <= 80
    assert "\x1b" not in output
    for line in commands.splitlines():
        done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize(("receiver", "index"), [("bare", 30), ("framed", 4), ("tracing-b", -1)])
def test_damage_on_the_way_to_a_peer_fails_its_cells_and_no_others(
    receiver: str, index: int, tmp_path: Path
) -> None:
    code, output = run(tmp_path, "--json", corrupt=f"{receiver}:{index}")
    facts = json.loads(output)
    assert (code, facts["ok"]) == (1, False)
    failed = {(cell["sender"], cell["receiver"]) for cell in facts["cells"] if cell["problems"]}
    assert failed == {(sender, receiver) for sender in GENERATIONS}
    assert facts["capture"]["problems"]


def test_no_process_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "bare.stream"
    os.mkfifo(fifo)
    demo = start(tmp_path)
    with fifo.open("rb") as captured:
        assert captured.read(1), "the relay has passed nothing on"
        demo.kill()
    demo.communicate(timeout=60)  # to the end of the last process, as in run
    assert demo.returncode == -9


def test_an_interrupt_ends_every_process_without_a_traceback(tmp_path: Path) -> None:
    fifo = tmp_path / "bare.stream"
    os.mkfifo(fifo)
    demo = start(tmp_path)
    with fifo.open("rb"):  # which waits until the relay captures: the demo is under way
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
        output, errors = demo.communicate(timeout=60)
    assert (demo.returncode, output, errors) == (130, "", "")


def test_a_closed_pipe_ends_the_demo_in_silence(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.close()
        assert (demo.stderr.read(), demo.wait()) == ("", 128 + signal.SIGPIPE)
