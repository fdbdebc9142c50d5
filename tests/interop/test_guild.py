"""The guild demo does what it says, and notices where something did not happen."""

import json
import os
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from examples.guild import trace
from examples.guild.cost import POSTS, problems
from examples.guild.play import RECIPIENTS

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SESSIONS = 20_000
ROUNDS = 1
#: Of 400 recipients of a post in the third part these are in processes that are sent frames, and
#: so many of them keep the trace.
FRAMED = RECIPIENTS * 6 // 10


def start(*options: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "examples.guild.run", "--sessions", str(SESSIONS)]
    return subprocess.Popen(
        [*command, "--rounds", str(ROUNDS), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def facts() -> Any:
    """Of a run after which no process is left: each of them holds the same stderr."""
    demo = start("--json")
    output, errors = demo.communicate(timeout=120)
    facts = json.loads(output)
    assert (demo.returncode, errors, facts["ok"]) == (0, "", True), facts
    return facts


def test_every_post_is_delivered_once_to_each_session(facts: Any) -> None:
    assert facts["story"]["posts"] == 68
    assert facts["story"]["lost"] == 0
    assert facts["story"]["messages"] > 4 * SESSIONS


def test_timings_name_the_action_that_kept_the_guild_busy(facts: Any) -> None:
    slowest = facts["story"]["slowest"]
    assert (slowest["entity"], slowest["action"]) == ("guild-7", "guild.everyone")
    assert {row["entity"] for row in facts["story"]["timings"]} == {"guild-7", "guild-8"}


def test_its_exemplar_leads_from_the_api_through_the_guild_to_sessions(facts: Any) -> None:
    spans = facts["story"]["spans"]
    by_id = {span["span_id"]: span for span in spans}
    path = [next(span for span in spans if span["process"] == "sessions-a")]
    while path[-1]["parent_id"]:
        path.append(by_id[path[-1]["parent_id"]])
    assert [(span["process"], span["name"]) for span in path] == [
        ("sessions-a", "deliver"),
        ("guild-7", "guild.everyone"),
        ("api", "guild.everyone"),
        ("api", "POST everyone"),
    ]
    assert facts["story"]["waited"] * 1000 >= path[-1]["milliseconds"]


def test_weights_of_a_fan_out_stand_for_the_sessions_of_those_that_recorded(facts: Any) -> None:
    weights = facts["story"]["weights"]
    recipients, chosen = weights["recipients"], weights["chosen"]
    assert (recipients, chosen) == (SESSIONS * 6 // 10, SESSIONS * 6 // 10 // 1_000)
    assert weights["says"] == pytest.approx(weights["recorded"] * recipients / chosen)
    assert 0 < weights["recorded"] <= chosen


def test_a_switch_to_frames_and_back_loses_nothing_and_waits_for_the_census(facts: Any) -> None:
    switch = facts["switch"]
    assert switch["lost"] == 0
    assert all(switch["heard"].values())
    assert sum(switch["heard"].values()) == 2 * 40 * SESSIONS // 200 * 3 // 10
    assert "has not reported" in switch["too_early"]
    assert "has not reported" in switch["for_bare"]
    ready = {row["destination"]: row["ready"] for row in switch["census"]}
    assert ready == {
        "sessions-a": True,
        "sessions-b": True,
        "sessions-bare": False,
        "sessions-old": False,
    }


def test_spans_roots_and_extracts_are_as_many_as_each_setting_makes(facts: Any) -> None:
    rows = {row["setting"]: row for row in facts["cost"]["rows"]}
    messages = POSTS * RECIPIENTS
    reading = messages * 4 // 10  # in the process that is traced and sent frames
    assert {row["messages"] for row in rows.values()} == {messages}
    for name in ("off", "off again", "0 %", "0 % without context", "0 % without roots"):
        assert (rows[name]["spans"], rows[name]["roots"], rows[name]["extracts"]) == (0, 0, 0)
    for rate, sampled in (("0 %", 0), ("1 %", 1), ("100 %", POSTS)):
        assert rows[rate]["roots"] == rows[f"{rate} without peek"]["roots"] == sampled
        assert rows[rate]["extracts"] == 0
        assert rows[f"{rate} without peek"]["extracts"] == reading
        # The API's span, both of the call, and of sessions those that keep the trace.
        assert 3 * sampled <= rows[rate]["spans"] <= 3 * sampled + 11 * sampled
    # Whom the fan-out does not choose asks its own sampler: one in a hundred is a root, or each.
    assert rows["1 % without roots"]["roots"] == pytest.approx(1 + reading / 100, abs=2)
    assert rows["100 % without roots"]["roots"] > POSTS + reading * 0.9


def test_a_setting_that_records_more_than_it_should_is_a_problem(facts: Any) -> None:
    rows = [dict(row) for row in facts["cost"]["rows"]]
    assert problems(rows, ROUNDS) == []
    for row in rows:
        row["roots"] += 1
    assert "0 %: 1 roots, not none" in problems(rows, ROUNDS)
    assert "100 %: 101 roots, not 100" in problems(rows, ROUNDS)


def test_a_message_that_is_lost_fails_the_demo_which_reads_well_where_there_is_no_terminal() -> (
    None
):
    demo = start(GUILD_LOSES="sessions-old")
    output, errors = demo.communicate(timeout=120)
    assert (demo.returncode, errors) == (1, "")
    assert "was not delivered once to each session" in output
    assert "the demo failed" in output
    assert max(map(len, output.splitlines())) <= 80
    assert "\x1b" not in output


def test_the_second_command_draws_the_trace_of_the_first_ones_exemplar(
    facts: Any, tmp_path: Path
) -> None:
    stored = tmp_path / "spans.jsonl"
    stored.write_text("".join(json.dumps(span) + "\n" for span in facts["story"]["spans"]))
    command = [sys.executable, "-m", "examples.guild.trace", "--store", str(stored)]
    wanted = facts["story"]["slowest"]["trace_id"]
    shown = subprocess.run([*command, wanted[:12]], cwd=ROOT, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == f"trace {wanted}"
    assert [line.split()[1] for line in lines[1:4]] == [
        "POST",
        "guild.everyone",
        "guild.everyone",
    ]
    missing = subprocess.run([*command, "f" * 32], cwd=ROOT, capture_output=True, text=True)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no trace of" in missing.stderr


def test_spans_of_many_alike_are_drawn_as_one_line() -> None:
    root: dict[str, Any] = {
        "trace_id": "a",
        "span_id": "1",
        "parent_id": None,
        "name": "post",
        "process": "api",
    }
    alike = [{**root, "span_id": str(n), "parent_id": "1", "name": "deliver"} for n in range(2, 9)]
    spans = [{**span, "start_ns": 0, "milliseconds": 1.0, "pair": []} for span in (root, *alike)]
    drawn = trace.draw(spans)
    leaves = list(chain.from_iterable(branch.children for branch in drawn.children))
    assert [str(leaf.label) for leaf in leaves][-1] == "[dim]5 more in api, for 5 sessions[/]"


def test_an_interrupt_ends_every_process_without_a_traceback() -> None:
    demo = start("--stay")
    assert demo.stdout is not None
    while "Ctrl-C" not in demo.stdout.readline():
        assert demo.poll() is None, "it ended"
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
    _, errors = demo.communicate(timeout=60)  # to the end of the last process
    assert (demo.returncode, errors) == (130, "")
