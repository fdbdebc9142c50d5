"""What is told of a run: lines for people, JSON for programs, JUnit for CI."""

import json
import xml.etree.ElementTree as xml
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import indent, wrap
from typing import Final

from tracewire.spec.suite.case import FAILED, PASSED, TYPED, UNSUPPORTED, Case, Outcome
from tracewire.spec.tool.safe import escape

from .expected import is_good

WIDTH: Final = 80
#: Columns before the text of a case.
_INDENT: Final = "    "


def listing(cases: list[Case]) -> Iterator[str]:
    """Sections, and of each case its id, level and what it asks."""
    for section, some in groupby(cases, key=lambda case: case.section):
        yield section
        for case in some:
            yield f"  {case.id} {case.level}"
            yield from wrap(case.asks, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def by_section(outcomes: list[Outcome], expected: frozenset[str]) -> Iterator[str]:
    """A line for each section, and under it what is not good. A fault is told once."""
    told: dict[str, str] = {}
    for section, some in groupby(outcomes, key=lambda outcome: outcome.case.section):
        group = list(some)
        yield f"{section[:44]:<46}{_counted(group)}"
        for outcome in group:
            if not is_good(outcome, expected):
                yield from _told(outcome, told)


def _told(outcome: Outcome, told: dict[str, str]) -> Iterator[str]:
    """``told``: by fault, the case that it was told of."""
    case = outcome.case
    yield f"  {case.id} {case.level}: {_verdict(outcome)}"
    yield from wrap(case.asks, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    for fault in outcome.faults:
        first = told.setdefault(fault, case.id)
        if first != case.id:
            yield f"{_INDENT}{escape(fault.partition(':')[0])}: as under {first}"
            continue
        for line in fault.splitlines():
            if line.startswith(TYPED):  # to be copied: in one piece
                yield f"{_INDENT}{escape(line)}"
            else:
                yield from wrap(
                    escape(line), WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT
                )


def _verdict(outcome: Outcome) -> str:
    return "passed, and is expected to fail" if outcome.verdict == PASSED else outcome.verdict


def _counted(outcomes: list[Outcome]) -> str:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return ", ".join(f"{counts[v]} {v}" for v in (PASSED, FAILED, UNSUPPORTED) if counts[v])


def summary(subject: str, outcomes: list[Outcome], expected: frozenset[str]) -> str:
    """The last line."""
    bad = sum(not is_good(outcome, expected) for outcome in outcomes)
    listed = sum(outcome.case.id in expected for outcome in outcomes)
    said = f"{subject}: {len(outcomes)} cases, {_counted(outcomes)}"
    said += f"; {listed} expected to fail" if listed else ""
    return f"{said}; {'conforms' if not bad else f'does not conform: {bad} not as expected'}"


def as_json(outcome: Outcome, expected: frozenset[str]) -> str:
    """One object on a line."""
    case = outcome.case
    return json.dumps(
        {
            "id": case.id,
            "rule": case.rule,
            "level": case.level,
            "section": case.section,
            "asks": case.asks,
            "verdict": outcome.verdict,
            "good": is_good(outcome, expected),
            "text": outcome.text,
            "seconds": round(outcome.seconds, 4),
        }
    )


def write_junit(
    path: Path, subject: str, outcomes: list[Outcome], expected: frozenset[str]
) -> None:
    """JUnit's XML, a suite for each section. OSError if it cannot be written."""
    suites = xml.Element("testsuites", name=f"tracewire conform {subject}")
    for section, some in groupby(outcomes, key=lambda outcome: outcome.case.section):
        suite = xml.SubElement(suites, "testsuite", name=section)
        group = list(some)
        for outcome in group:
            _add_case(suite, outcome, expected)
        suite.set("tests", str(len(group)))
        suite.set("failures", str(sum(not is_good(outcome, expected) for outcome in group)))
        suite.set("skipped", str(sum(outcome.verdict == UNSUPPORTED for outcome in group)))
    xml.indent(suites)
    xml.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: xml.Element, outcome: Outcome, expected: frozenset[str]) -> None:
    case = outcome.case
    seconds = f"{outcome.seconds:.4f}"
    element = xml.SubElement(suite, "testcase", classname=case.rule, name=case.id, time=seconds)
    if outcome.verdict == UNSUPPORTED:
        xml.SubElement(element, "skipped", message=escape(outcome.text))
    elif not is_good(outcome, expected):
        failure = xml.SubElement(element, "failure", message=case.asks)
        failure.text = indent(escape(outcome.text or _verdict(outcome)), "")
