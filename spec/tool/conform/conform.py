"""`tracewire conform`: the conformance suite, on a testee or on a live peer."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tracewire.codec.constants import MAX_FRAME
from tracewire.spec.suite.case import Case, Outcome
from tracewire.spec.tool.options import SecondsRange, WholeRange, max_frame_option

if TYPE_CHECKING:
    from tracewire.spec.suite.wire import PeerLimits

EPILOG: Final = """\
\b
Examples:
  tracewire conform -- python -m tracewire.spec.testee
  tracewire conform --peer unix:///run/guild.sock
  tracewire conform --section 3 --strict --junit report.xml -- ./testee
  tracewire conform --list --peer tcp://127.0.0.1:4711

\b
A testee is a small program around a codec: spec/testee.md of the package
says what it is asked. A live peer serves tracewire.echo, tracewire.sleep
and tracewire.fail, as `tracewire echo` does.
Exit status: 0 it conforms, 1 it does not, 2 wrong usage, a testee that
cannot be started, or a peer that does not answer.
"""


@click.command(epilog=EPILOG)
@click.argument("command", nargs=-1, metavar="[-- CMD...]")
@click.option("--peer", "url", metavar="URL", help="A live peer, in place of a testee.")
@click.option("--list", "listing", is_flag=True, help="Show the cases and ask nothing.")
@click.option(
    "--section", "sections", multiple=True, metavar="N", help="Only of these sections, such as 3.2."
)
@click.option("--strict", is_flag=True, help="What SHOULD be counts as well.")
@click.option("--json", "as_json", is_flag=True, help="An object on a line for every case.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit's XML.")
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Cases that fail, an id on a line. One of them that passes is a failure.",
)
@click.option(
    "--patience",
    type=SecondsRange(min=0.1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long an answer may take.",
)
@click.option(
    "--in-flight",
    type=WholeRange(1, 10_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Calls that the peer takes at once on a connection.",
)
@click.option(
    "--record-seconds",
    type=SecondsRange(min=0.1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long the peer waits for a record to end.",
)
@max_frame_option
@click.pass_context
def conform(
    context: click.Context,
    /,
    command: tuple[str, ...],
    url: str | None,
    listing: bool,
    sections: tuple[str, ...],
    strict: bool,
    as_json: bool,
    junit: Path | None,
    expect: Path | None,
    patience: float,
    in_flight: int,
    record_seconds: float,
    max_frame: int = MAX_FRAME,
) -> None:
    """Ask an implementation for what the specification says."""
    from tracewire.spec.suite.wire import PeerLimits

    from . import report  # only here: peers take as long to load as all the rest

    if command and url:
        raise click.UsageError("a testee's command and --peer exclude each other.")
    if not (command or url or listing):
        raise click.UsageError("say which testee, after --, or which --peer.")
    all_cases = _cases(url)
    cases = _chosen(all_cases, sections, strict)
    if listing:
        for line in report.listing(cases):
            print(line)
        return
    expected = _expected(expect, all_cases)

    def tell(outcome: Outcome) -> None:
        if as_json:
            print(report.as_json(outcome, expected), flush=True)

    limits = PeerLimits(in_flight, record_seconds, max_frame)
    subject, outcomes = _run(command, url, cases, patience, limits, tell)
    if not as_json:
        for line in report.by_section(outcomes, expected):
            print(line)
    if junit is not None:
        _write(junit, subject, outcomes, expected)
    said = report.summary(subject, outcomes, expected)
    click.echo(said, err=as_json)
    context.exit(0 if said.endswith("; conforms") else 1)


def _cases(url: str | None) -> list[Case]:
    if url:
        from tracewire.spec.suite.live_cases import live_cases

        return live_cases()
    from tracewire.spec.suite.codec_cases import codec_cases

    return list(codec_cases())


def _chosen(cases: list[Case], sections: tuple[str, ...], strict: bool) -> list[Case]:
    chosen = [case for case in cases if strict or case.level == "MUST"]
    if not sections:
        return chosen
    known = {case.section for case in cases}
    for section in sections:
        if not any(_is_in(each, section) for each in known):
            listed = ", ".join(sorted({each.split()[0] for each in known}))
            raise click.BadParameter(
                f"there are no cases of {section!r}, but of {listed}.", param_hint="--section"
            )
    return [case for case in chosen if any(_is_in(case.section, each) for each in sections)]


def _is_in(section: str, wanted: str) -> bool:
    number = section.split()[0]
    return number == wanted or number.startswith(f"{wanted}.")


def _expected(path: Path | None, cases: list[Case]) -> frozenset[str]:
    from .expected import read_expected

    if path is None:
        return frozenset()
    try:
        return read_expected(path, cases)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{error}.", param_hint="--expect") from None


def _run(
    command: tuple[str, ...],
    url: str | None,
    cases: list[Case],
    patience: float,
    limits: "PeerLimits",
    tell: Callable[[Outcome], object],
) -> tuple[str, list[Outcome]]:
    """What was asked, and what came of it."""
    from tracewire.spec.suite.process import CannotStart
    from tracewire.spec.suite.running import run_on_peer, run_on_testee
    from tracewire.spec.suite.wire import CannotReach

    try:
        if url:
            return url, asyncio.run(run_on_peer(url, cases, patience, limits, tell))
        return asyncio.run(run_on_testee(command, cases, patience, tell))
    except (CannotStart, CannotReach) as error:
        click.echo(f"tracewire: {error}", err=True)
        sys.exit(2)
    except ValueError as error:  # of the address
        raise click.UsageError(f"{error}.") from None


def _write(path: Path, subject: str, outcomes: list[Outcome], expected: frozenset[str]) -> None:
    from .report import write_junit

    try:
        write_junit(path, subject, outcomes, expected)
    except OSError as error:
        click.echo(f"tracewire: {path}: {error.strerror}", err=True)
        sys.exit(2)
