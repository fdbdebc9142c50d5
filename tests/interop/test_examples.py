"""Each example does what it says, run as a newcomer runs it."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tracewire import TraceContext

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Of the request, in gateway.py.
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def lines_of(name: str) -> list[str]:
    """What an example prints, that ends well and by itself."""
    command = [sys.executable, str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_adopt_reads_old_and_new_messages_and_drops_a_broken_one() -> None:
    trace = TraceContext.from_traceparent(f"00-{TRACE_ID}-00f067aa0ba902b7-01")
    assert lines_of("adopt.py") == [
        '{"join": 42} None',
        "dropped a message: F-1 at offset 52 in extension value: "
        "the input ends before the item does",
        f'{{"join": 42}} {trace!r}',
    ]


def test_gateway_answers_requests_with_the_outcome_of_calls() -> None:
    found, missing, late = (line for line in lines_of("gateway.py") if line.startswith("POST"))
    assert found == 'POST /members/42: 200 {"joined":42}'
    assert missing.startswith('POST /members/0: 404 {"detail":"NOT_FOUND: there is no member 0')
    assert late.startswith('POST /members/60000: 504 {"detail":"DEADLINE_EXCEEDED: ')


def test_gateway_continues_the_trace_of_a_request_through_the_call() -> None:
    spans = [line.strip() for line in lines_of("gateway.py") if line.startswith("  ")]
    assert Counter(spans) == {
        f"{TRACE_ID} SERVER POST /members/{{member}}": 3,
        f"{TRACE_ID} CLIENT guild.join": 3,
        f"{TRACE_ID} SERVER guild.join": 3,
    }


def test_workers_share_the_jobs_and_cancel_the_one_that_is_over_its_budget() -> None:
    lines = lines_of("workers.py")
    stopped = [line for line in lines if line.startswith("a worker is done; it stopped ")]
    assert sorted(line.rpartition(" ")[2] for line in stopped) == ["['film']", "[]"]
    assert sorted(line for line in lines if line not in stopped) == [
        "clip is rendered",
        "film failed with DEADLINE_EXCEEDED",
        "still is rendered",
        "tune is rendered",
    ]
