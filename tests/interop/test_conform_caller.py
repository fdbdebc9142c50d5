"""The conformance suite on callers: ours conforms, and one fault fails where it is."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from tests.interop.mutants import NODE, OURS, copied, planted
from tests.unit.tool import run
from tracewire.spec.suite.case import PASSED, UNSUPPORTED
from tracewire.spec.suite.live_cases import caller_cases
from tracewire.spec.suite.orders import Program
from tracewire.spec.suite.process import CannotStart
from tracewire.spec.suite.running import run_on_caller

pytestmark = pytest.mark.once

CALLER = (sys.executable, "-m", "tracewire.spec.caller")
CASES = caller_cases()
BUGS = {bug.name: bug for bug in planted() if bug.of == "caller" and bug.file}
#: One for each section that callers are asked of.
SEEN = {
    "ids-used-again": {"C-11/caller"},
    "connector-says-no-hello": {"C-9/caller"},
    "invalid-response-ignored": {"C-6/caller"},
    "even-key-accepted": {"G-10/caller"},
    "unknown-kinds-end-it": {"G-13/caller"},
    "cancel-twice": {"C-16/caller"},
    "timeout-of-twice": {"C-24/caller"},
    "end-not-executed": {"C-19/caller"},
    "frames-in-mode-both": {"G-3/caller", "G-4/caller"},
    "executed-unread": {"C-22/caller"},
    "bare-like-a-frame": {"M-5/caller"},
}
#: Follows the first four orders alone.
FOUR_ORDERS = """
import asyncio, sys
from tracewire.spec import caller

class Four(caller.OrderedCaller):
    async def _take(self, number, words):
        if words[0] in ("call", "notify", "cancel", "drain"):
            await super()._take(number, words)
        else:
            caller.say(number, "unsupported")

caller.OrderedCaller = Four
asyncio.run(caller.main(sys.argv[-1]))
"""


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
async def test_our_caller_conforms(scheme: str, tmp_path: Path) -> None:
    url = "tcp://127.0.0.1:0" if scheme == "tcp" else f"unix://{tmp_path}/suite.sock"
    said, came = await run_on_caller(url, Program(CALLER, 5.0), CASES, lambda _: None)
    assert [(o.case.id, o.text) for o in came if o.verdict != PASSED] == []
    assert said.startswith(f"{scheme}://")


async def test_a_caller_that_follows_four_orders_is_started_for_each_case(tmp_path: Path) -> None:
    program = Program((sys.executable, "-c", FOUR_ORDERS), 5.0)
    ids = ("C-6/caller", "C-16/caller", "C-12/caller", "G-3/caller")
    cases = [case for case in CASES if case.id in ids]
    _, came = await run_on_caller(f"unix://{tmp_path}/s", program, cases, lambda _: None)
    verdicts = {outcome.case.id: outcome.verdict for outcome in came}
    assert verdicts["C-6/caller"] == verdicts["C-16/caller"] == PASSED
    assert verdicts["C-12/caller"] == verdicts["G-3/caller"] == UNSUPPORTED


@pytest.mark.parametrize("name", SEEN)
async def test_a_bug_is_seen(name: str, tmp_path: Path) -> None:
    folder = copied(BUGS[name], tmp_path)
    program = Program(("env", f"PYTHONPATH={folder}", *CALLER), 2.0)
    cases = [case for case in CASES if case.id in SEEN[name]]
    _, came = await run_on_caller(f"unix://{tmp_path}/s", program, cases, lambda _: None)
    assert {outcome.case.id for outcome in came if outcome.verdict != PASSED} & SEEN[name]


def test_every_bug_has_its_place() -> None:
    homes = {"codec": NODE, "peer": NODE, "caller": OURS}
    bugs = [bug for bug in planted() if bug.file]
    missing = [b.name for b in bugs if b.old not in (homes[b.of] / b.file).read_text()]
    assert missing == []
    assert len(bugs) > 200


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.stdin.read()", "no caller connected within 0.3 s"),
        ("raise SystemExit", "the caller ended before it connected"),
    ],
)
async def test_who_does_not_connect_is_no_caller(program: str, said: str, tmp_path: Path) -> None:
    patience = 0.3 if "within" in said else 5.0
    lines = Program((sys.executable, "-c", program), patience)
    with pytest.raises(CannotStart, match=said):
        await run_on_caller(f"unix://{tmp_path}/s", lines, CASES, lambda _: None)


async def test_answers_that_are_none_fail_the_case(tmp_path: Path) -> None:
    lying = FOUR_ORDERS.replace('caller.say(number, "unsupported")', 'caller.say(number, "yes")')
    program = Program((sys.executable, "-c", lying), 5.0)
    cases = [case for case in CASES if case.id == "C-12/caller"]
    _, (outcome,) = await run_on_caller(f"unix://{tmp_path}/s", program, cases, lambda _: None)
    assert "was answered by 'yes'" in outcome.text


def test_people_are_shown_what_to_do_and_type_what_came(tmp_path: Path) -> None:
    """Somebody who passes on each order to our caller, and types its answers."""
    url = f"unix://{tmp_path}/suite.sock"
    suite = subprocess.Popen(
        [sys.executable, "-m", "tracewire", "conform", "--listen", url, "--section", "4.1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert suite.stdin is not None and suite.stdout is not None
    first = suite.stdout.readline()
    assert url in first
    caller = subprocess.Popen(
        [*CALLER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert caller.stdin is not None and caller.stdout is not None
    typing = Thread(target=type_all, args=(caller.stdout, suite.stdin))
    typing.start()
    last = ""
    for line in suite.stdout:
        last = line
        if line.startswith("  order: "):
            caller.stdin.write(line.removeprefix("  order: "))
    caller.stdin.close()
    typing.join()
    assert (caller.wait(), suite.wait()) == (0, 0)
    caller.stdout.close()
    suite.stdout.close()
    assert last == f"{url}: 2 cases, 2 passed; conforms\n"


def type_all(said: IO[str], to: IO[str]) -> None:
    with suppress(BrokenPipeError):  # what is said at the end nobody reads
        for line in said:
            to.write(line)
    with suppress(BrokenPipeError):
        to.close()


def test_nobody_at_the_terminal_is_not_waited_for(tmp_path: Path) -> None:
    done = run("conform", "--listen", f"unix://{tmp_path}/s", "--section", "4.1")
    assert done.returncode == 2
    assert "the caller ended before it connected" in done.stderr
