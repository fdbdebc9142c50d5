"""The conformance suite on testees: both codecs conform, and one wrong answer fails where it is."""

import sys
from pathlib import Path

import pytest

from tracewire.spec.specification import read_rules, read_vectors
from tracewire.spec.suite.case import FAILED, PASSED, UNSUPPORTED, Case
from tracewire.spec.suite.codec_cases import OPERATIONS, codec_cases
from tracewire.spec.suite.process import CannotStart
from tracewire.spec.suite.running import run_on_testee

pytestmark = pytest.mark.once

OURS = (sys.executable, "-m", "tracewire.spec.testee")
LYING = (sys.executable, str(Path(__file__).parent / "peers" / "lying_testee.py"))
#: A testee that is a shell's line, which reads a request for each of its answers.
SAYING = "for said in {}; do read -r _ && echo $said; done"
SECTION_OF = {rule.id: rule.section for rule in read_rules()}
CASES = list(codec_cases())
SECTIONS = sorted({case.section for case in CASES})


async def outcomes(command: tuple[str, ...], cases: list[Case]) -> dict[str, str]:
    _, came = await run_on_testee(command, cases, 5.0, lambda _: None)
    return {outcome.case.id: outcome.verdict for outcome in came}


@pytest.mark.parametrize("pure", ["", "1"])
async def test_both_codecs_conform_strictly(pure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEWIRE_PURE_PYTHON", pure)
    name, came = await run_on_testee(OURS, CASES, 5.0, lambda _: None)
    assert name == f"tracewire-{'reference' if pure else 'compiled'}, generation 2"
    assert [outcome.text for outcome in came if outcome.verdict != PASSED] == []


def test_every_rule_about_bytes_has_a_case() -> None:
    with_vectors = {rule for v in read_vectors() for rule in v.get("obeys", ())}
    assert with_vectors - {case.rule for case in CASES} == UNASKED | UNDER_ANOTHER_ID


#: Rules of senders of bare messages, of files and message transports; E-6 is named X-2 and X-3.
UNASKED = {"M-5", "S-5", "S-6", "S-7", "S-8", "E-6"}
#: Rules of what hellos, goaways and errors hold, which live peers are asked for.
UNASKED |= {"C-8", "C-21", "C-22", "C-37", "C-38", "C-51", "C-65"}
#: Rules of refusals, whose vectors are asked with those of the rule that is named.
UNDER_ANOTHER_ID = {"E-12", "E-14", "M-7", "S-10"}


def test_ids_of_cases_are_unique_and_begin_with_their_rule() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert all(case.id.startswith(f"{case.rule}/") for case in CASES)


def question_of_one_section(section: str) -> str:
    """A request whose vector is about rules of this section alone."""
    about: dict[str, set[str]] = {}
    for vector in read_vectors():
        for operation in OPERATIONS:
            if vector["area"] == operation.area and (asked := operation.question(vector)):
                rules = {vector["breaks"]} if "breaks" in vector else {*vector["obeys"]}
                about.setdefault(" ".join(asked[0]), set()).update(rules)
    return next(
        line for line, rules in about.items() if {SECTION_OF[rule] for rule in rules} == {section}
    )


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split()[0])
async def test_one_wrong_answer_fails_in_its_section_and_nowhere_else(section: str) -> None:
    came = await outcomes((*LYING, question_of_one_section(section)), CASES)
    failed = {id for id, verdict in came.items() if verdict == FAILED}
    assert failed
    assert {case.section for case in CASES if case.id in failed} == {section}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("nothing", "to hello it said 'nothing'"),
        ("'testee 2 2 new'", "it speaks version 2"),
        ("unsupported", "does not support hello"),
    ],
)
async def test_what_does_not_say_that_it_is_a_testee_is_none(said: str, reason: str) -> None:
    with pytest.raises(CannotStart, match=reason):
        await outcomes(("sh", "-c", SAYING.format(said)), CASES)


async def test_a_program_that_is_not_there_cannot_be_started() -> None:
    with pytest.raises(CannotStart, match="cannot be started: No such file"):
        await outcomes(("./no-such-testee",), CASES)


async def test_a_testee_that_supports_nothing_says_so_of_each_case() -> None:
    unsupported = (
        "printf 'testee 1 2 lazy\\n'; read -r _; while read -r _; do echo unsupported; done"
    )
    came = await outcomes(("sh", "-c", unsupported), CASES)
    assert set(came.values()) == {UNSUPPORTED}


#: Ends at the first request to strip a frame, and answers all others.
ENDS_AT_STRIP = """
import sys
from tracewire.spec.testee import respond
for line in sys.stdin:
    if line.startswith("strip"):
        sys.exit()
    print(respond(line), flush=True)
"""


async def test_a_testee_that_ends_is_started_anew() -> None:
    cases = [case for case in CASES if case.rule in ("L-1", "L-4")]
    _, came = await run_on_testee((sys.executable, "-c", ENDS_AT_STRIP), cases, 5.0, lambda _: None)
    by_verdict = {o.case.id: o.verdict for o in came}
    assert by_verdict["L-1/relays"] == PASSED
    assert by_verdict["L-4/relays"] == FAILED
    assert "the testee ended when asked strip" in next(o for o in came if o.verdict == FAILED).text


async def test_a_testee_that_always_ends_is_not_started_for_ever() -> None:
    _, came = await run_on_testee(
        ("sh", "-c", SAYING.format("'testee 1 2 short'")), CASES, 5.0, lambda _: None
    )
    assert {outcome.verdict for outcome in came} == {FAILED}
    assert came[-1].text == "not asked: the testee was started 5 times, and ended"


async def test_a_testee_that_hangs_is_not_waited_for_each_time() -> None:
    hangs = "read -r _; echo testee 1 2 slow; read -r _; exec sleep 60"
    _, came = await run_on_testee(("sh", "-c", hangs), CASES, 0.1, lambda _: None)
    assert "no answer within 0.1 s" in came[0].text
    assert {outcome.verdict for outcome in came} == {FAILED}
    assert came[-1].text.startswith("not asked: ")


async def test_a_fault_says_what_to_type_to_see_the_bytes() -> None:
    asked = question_of_one_section("3.3 Odd and even keys")
    _, came = await run_on_testee((*LYING, asked), CASES, 5.0, lambda _: None)
    frame = next(word for word in asked.split() if word.startswith("d9d4f7"))
    faults = {fault.splitlines()[-1] for outcome in came for fault in outcome.faults}
    assert faults == {f"tracewire explain {frame}"}


async def test_plain_values_and_what_was_shed_are_asked() -> None:
    verbs = {case.id.partition("/")[2] for case in CASES if case.rule == "E-3"}
    assert verbs == {"writes-plain", "counts"}
