"""A fleet of six processes is upgraded under load, one at a time, and goes all the way back.

python -m tests.interop.upgrade --write docs/rolling-upgrade.md
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = tuple("abcdef")
FIRST: Final = "bare"
#: Receivers first, then senders; back, senders first and receivers last.
ORDER: Final = ("both", "framed", "tracing", "framed", "both", "bare")
KILLED: Final = ("tracing", "c")  # in whose upgrade to which version another is killed
VICTIM: Final = "e"
SECONDS: Final = 20


class Failed(Exception):
    """A node did not do what it was told."""


@dataclass
class Counts:
    """At both ends. ``unknown``: sent by the node that was killed; whether they were answered
    nobody knows. ``problems``: what must not be."""

    sent: int = 0
    acked: int = 0
    failed: int = 0
    got: int = 0
    unknown: int = 0
    restarts: int = 0
    problems: list[str] = field(default_factory=list)


class Fleet:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.restarts = 0

    async def start(self, name: str, version: str) -> None:
        command = sys.executable, "-m", "tests.interop.node"
        self.running[name] = await asyncio.create_subprocess_exec(
            *command, name, version, str(self.folder), ",".join(NAMES), stdout=PIPE, cwd=ROOT
        )
        await self.said(name, "ready")

    async def said(self, name: str, word: str) -> None:
        stdout = self.running[name].stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(SECONDS):
                while (line := await stdout.readline()).decode().strip() != word:
                    if not line:
                        raise Failed(f"{name} ended before it was {word}")
        except TimeoutError:
            raise Failed(f"{name} was not {word} in {SECONDS} s") from None

    async def end(self, name: str, number: int) -> None:
        child = self.running.pop(name)
        child.send_signal(number)
        try:
            async with asyncio.timeout(SECONDS):
                code = await child.wait()
        except TimeoutError:
            child.kill()
            raise Failed(f"{name} did not end in {SECONDS} s") from None
        if code not in (0, -signal.SIGKILL):
            raise Failed(f"{name} ended with {code}")

    async def replace(self, name: str, version: str, number: int = signal.SIGTERM) -> None:
        """By a process of that version, which is at work when this returns."""
        await self.end(name, number)
        await self.start(name, version)
        await self.said(name, "busy")
        self.restarts += 1


async def upgrade(folder: Path, step: Callable[[str], object]) -> Counts:
    """All of it. What the nodes' logs say."""
    fleet = Fleet(folder)
    versions = dict.fromkeys(NAMES, FIRST)
    try:
        for name in NAMES:
            await fleet.start(name, FIRST)
        for number, version in enumerate(ORDER):
            for name in NAMES:
                step(f"{name} becomes {version}")
                await fleet.replace(name, version)
                versions[name] = version
                if (version, name) == KILLED and number == ORDER.index("tracing"):
                    step(f"{VICTIM} is killed")
                    await fleet.replace(VICTIM, versions[VICTIM], signal.SIGKILL)
    finally:
        await asyncio.gather(*(fleet.end(name, signal.SIGTERM) for name in [*fleet.running]))
    return count(folder, fleet.restarts)


def count(folder: Path, restarts: int) -> Counts:
    """What was sent, answered and got, from the logs of both ends."""
    done: dict[str, list[str]] = {
        word: [] for word in ("sent", "acked", "failed", "got", "misread")
    }
    for name in NAMES:
        for line in (folder / f"{name}.log").read_text().splitlines():
            word, _, rest = line.partition(" ")
            done[word].append(rest)
    got = Counter(done["got"])
    known = {*done["acked"], *done["failed"]}
    unknown = [id for id in done["sent"] if id not in known]
    counts = Counts(
        sent=len(done["sent"]),
        acked=len(done["acked"]),
        failed=len(done["failed"]),
        got=len(done["got"]),
        unknown=len(unknown),
        restarts=restarts,
    )
    counts.problems = [
        *(f"{id} was answered, and not got" for id in done["acked"] if not got[id]),
        *(f"{id} was got {times} times" for id, times in got.items() if times > 1),
        *(f"{id} was got, and not sent" for id in got.keys() - {*done["sent"]}),
        *(f"misread: {what}" for what in done["misread"]),
        *(f"{id} is unknown, and {VICTIM} did not send it" for id in unknown if id[0] != VICTIM),
    ]
    return counts


def table(counts: Counts) -> list[tuple[str, str]]:
    return [
        ("processes", f"{len(NAMES)}"),
        ("restarts, one of them by SIGKILL", f"{counts.restarts}"),
        ("messages sent", f"{counts.sent:,}"),
        ("answered, and got once", f"{counts.acked:,}"),
        ("reported failed by their sender", f"{counts.failed:,}"),
        ("of the process that was killed, not known", f"{counts.unknown:,}"),
        ("got by receivers", f"{counts.got:,}"),
        ("lost, got twice, or misread", f"{len(counts.problems):,}"),
    ]


@click.command()
@click.option("--write", "path", type=click.Path(path_type=Path), help="The page with the counts.")
@click.pass_context
def main(context: click.Context, path: Path | None) -> None:
    """Upgrade the fleet and go back, and print the counts."""
    with TemporaryDirectory(prefix="upgrade-") as folder:
        counts = asyncio.run(upgrade(Path(folder), lambda text: None))
    rows = table(counts)
    for what, number in rows:
        click.echo(f"{what:<44}{number:>10}")
    for problem in counts.problems[:20]:
        click.echo(problem, err=True)
    if path is not None:
        before, begin, rest = path.read_text().partition("<!-- counts -->\n")
        _, end, after = rest.partition("<!-- end -->")
        lines = "\n".join(f"| {what} | {number} |" for what, number in rows)
        path.write_text(f"{before}{begin}\n| | |\n|---|---|\n{lines}\n\n{end}{after}")
    context.exit(bool(counts.problems))


if __name__ == "__main__":
    main()
