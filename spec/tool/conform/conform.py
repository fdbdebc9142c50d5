"""`tracewire conform`: the conformance suite, on a testee or on a live peer."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tracewire.codec.constants import MAX_FRAME
from tracewire.spec.suite.case import Case, Outcome
from tracewire.spec.tool.background import in_background
from tracewire.spec.tool.options import SecondsRange, WholeRange, max_frame_option

if TYPE_CHECKING:
    from tracewire.spec.suite.running import Tell
    from tracewire.spec.suite.wire import PeerLimits

EPILOG: Final = """\
\b
Examples:
  tracewire conform -- python -m tracewire.spec.testee
  tracewire conform --peer unix:///run/guild.sock
  tracewire conform --listen tcp://127.0.0.1:0 -- ./caller
  tracewire conform --section 3 --strict --junit report.xml -- ./testee
  tracewire conform --list --peer tcp://127.0.0.1:4711

\b
A testee is a small program around a codec: spec/testee.md of the package
says what it is asked. A live peer serves tracewire.echo, tracewire.sleep
and tracewire.fail, as `tracewire echo` does. A caller gets the address
where the suite listens as its last argument, and does what it is told
on its standard input; without CMD you are told what to do with yours.
Exit status: 0 it conforms, 1 it does not, 2 wrong usage, a testee that
cannot be started, or a peer that does not answer.
"""


@click.command(epilog=EPILOG)
@click.argument("command", nargs=-1, metavar="[-- CMD...]")
@click.option("--peer", "url", metavar="URL", help="A live peer, in place of a testee.")
@click.option("--listen", "at", metavar="URL", help="Listen there, and ask who calls.")
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
    at: str | None,
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

    if url and (command or at):
        other = "--listen" if at else "a testee's command"
        raise click.UsageError(f"{other} and --peer exclude each other.")
    if not (command or url or at or listing):
        said = "say which testee, after --, or which --peer, or where to --listen."
        raise click.UsageError(said)
    all_cases = _cases(url, at)
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
    if at:
        asking = _ask_caller(at, command, cases, patience, tell)
    elif url:
        asking = _ask_peer(url, cases, patience, limits, tell)
    else:
        asking = _ask_testee(command, cases, patience, tell)
    subject, outcomes = _run(asking)
    if not as_json:
        for line in report.by_section(outcomes, expected):
            print(line)
    if junit is not None:
        _write(junit, subject, outcomes, expected)
    said = report.summary(subject, outcomes, expected)
    click.echo(said, err=as_json)
    context.exit(0 if said.endswith("; conforms") else 1)


def _cases(url: str | None, at: str | None) -> list[Case]:
    if url or at:
        from tracewire.spec.suite.live_cases import caller_cases, live_cases

        return live_cases() if url else caller_cases()
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


#: Asks a subject; gives its name, and what came of the cases.
Run = Coroutine[Any, Any, tuple[str, list[Outcome]]]


async def _ask_testee(
    command: tuple[str, ...], cases: list[Case], patience: float, tell: "Tell"
) -> tuple[str, list[Outcome]]:
    from tracewire.spec.suite.running import run_on_testee

    return await run_on_testee(command, cases, patience, tell)


async def _ask_peer(
    url: str, cases: list[Case], patience: float, limits: "PeerLimits", tell: "Tell"
) -> tuple[str, list[Outcome]]:
    from tracewire.spec.suite.running import run_on_peer

    return url, await run_on_peer(url, cases, patience, limits, tell)


async def _ask_caller(
    url: str, command: tuple[str, ...], cases: list[Case], patience: float, tell: "Tell"
) -> tuple[str, list[Outcome]]:
    from tracewire.spec.suite.orders import People, Program
    from tracewire.spec.suite.running import run_on_caller

    lines = Program(command, patience) if command else People()
    return await run_on_caller(url, lines, cases, tell)


def _run(asking: Run) -> tuple[str, list[Outcome]]:
    """Exits where nobody can be asked."""
    from tracewire.spec.suite.process import CannotStart
    from tracewire.spec.suite.wire import CannotReach

    async def ask() -> tuple[str, list[Outcome]]:
        async with in_background():  # no timer of a case runs out while a line is written
            return await asking

    try:
        return asyncio.run(ask())
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
