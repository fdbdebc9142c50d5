"""What tracing costs the fleet: processor time of all its processes, at 0 %, 1 % and 100 % sampled,
with and without each of the three remedies that made tracing survive at scale.

    python -m examples.guild.cost --rounds 40 --write docs/guild.md
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from .fleet import IDLE, Fleet, fleet
from .setting import Remedy, Setting

OFF: Final = Setting("off", traced=False)
AGAIN: Final = Setting("off again", traced=False)
RATES: Final = {"0 %": 0, "1 %": 100, "100 %": 1}
REMEDIES: Final[tuple[Remedy | None, ...]] = (None, "context", "roots", "peek")
SETTINGS: Final = (
    OFF,
    AGAIN,
    *(
        Setting(rate if without is None else f"{rate} without {without}", every, without=without)
        for (rate, every), without in product(RATES.items(), REMEDIES)
    ),
)
#: Operations of a round, for each setting: one of them is sampled at 1 %.
POSTS: Final = 100
_COUNTED: Final = ("spans", "roots", "extracts")


@dataclass
class Cost:
    """Of one setting: processor seconds a message in each round, and counts over all rounds."""

    setting: Setting
    seconds: list[float] = field(default_factory=list)
    messages: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))

    def beside(self, other: "Cost") -> float:
        """The median of how many times the other's it took, round by round."""
        return median(mine / its for mine, its in zip(self.seconds, other.seconds, strict=True))

    def facts(self, off: "Cost") -> dict[str, Any]:
        return {
            "setting": self.setting.name,
            "microseconds": 1e6 * median(self.seconds),
            "ratio": self.beside(off),
            "messages": self.messages,
            **self.counts,
        }


async def measure(
    fleet: Fleet, rounds: int, recipients: int, step: Callable[[str], object]
) -> dict[str, Any]:
    """All settings in turn, in each round in another order. Ratios are to no tracing."""
    costs = {setting.name: Cost(setting) for setting in SETTINGS}
    for number in range(rounds):
        for setting in random.sample(SETTINGS, len(SETTINGS)):
            step(f"round {number + 1} of {rounds}: {setting.name}")
            await _take(fleet, costs[setting.name], recipients)
    off, again = costs[OFF.name], costs[AGAIN.name]
    pairs = zip(off.seconds, again.seconds, strict=True)
    differences = [max(one, two) / min(one, two) for one, two in pairs]
    spread = quantiles(differences, n=4)[2] if rounds > 1 else differences[0]
    rows = [cost.facts(off) for cost in costs.values()]
    return {"rounds": rounds, "spread": spread, "rows": rows, "problems": problems(rows, rounds)}


async def _take(fleet: Fleet, cost: Cost, recipients: int) -> None:
    """One round of one setting."""
    setting = cost.setting
    await fleet.set(setting)
    before = await fleet.ask_all()
    answers = await fleet.post(setting, [(IDLE, "message", recipients)] * POSTS, at_once=4)
    after = await fleet.ask_all()
    messages = sum(answer["delivered"] for answer in answers)

    def grown(what: str) -> Any:
        return sum(after[name].get(what, 0) - before[name].get(what, 0) for name in after)

    cost.seconds.append(grown("seconds") / messages)
    cost.messages += messages
    for what in _COUNTED:
        cost.counts[what] += grown(what)


def problems(rows: list[dict[str, Any]], rounds: int) -> list[str]:
    """What each setting must have recorded and did not."""
    found = []
    by_name = {row["setting"]: row for row in rows}
    for name in ("off", "off again", "0 %"):
        for what in _COUNTED:
            if by_name[name][what]:
                found.append(f"{name}: {by_name[name][what]} {what}, not none")
    for name, sampled in (("1 %", rounds), ("100 %", rounds * POSTS)):
        if by_name[name]["roots"] != sampled:
            found.append(f"{name}: {by_name[name]['roots']} roots, not {sampled}")
    return found


def table(facts: dict[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    """Rows of text, the headings first."""
    rows = [("sampled", "us a message", "ratio to off", "spans", "roots", "extracts")]
    for row in facts["rows"]:
        counts = [f"{row[what]:,}" for what in _COUNTED]
        rows.append((row["setting"], f"{row['microseconds']:.2f}", f"{row['ratio']:.3f}", *counts))
    return rows


def write(facts: dict[str, Any], path: Path) -> None:
    """Puts the table between the page's markers."""
    head, *rows = table(facts)
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    said = f"{facts['rounds']} rounds; off and off again differ by {facts['spread'] - 1:.1%}."
    text = path.read_text()
    before, begin, rest = text.partition("<!-- cost -->")
    _, end, after = rest.partition("<!-- end -->")
    if not (begin and end):
        raise click.ClickException(f"{path} lacks the markers <!-- cost --> and <!-- end -->")
    path.write_text(f"{before}{begin}\n{said}\n\n" + "\n".join(lines) + f"\n\n{end}{after}")


@click.command()
@click.option("--rounds", default=40, show_default=True)
@click.option("--recipients", default=400, show_default=True, help="Sessions that a post goes to.")
@click.option("--write", "path", type=click.Path(path_type=Path), help="The page with the table.")
@click.pass_context
def main(context: click.Context, rounds: int, recipients: int, path: Path | None) -> None:
    """Measure what tracing costs the fleet, and print it."""

    async def run() -> dict[str, Any]:
        with TemporaryDirectory(prefix="guild-") as folder:
            async with fleet(Path(folder), 10_000) as running:
                return await measure(running, rounds, recipients, lambda text: None)

    facts = asyncio.run(run())
    for row in table(facts):
        click.echo("{:<22}{:>13}{:>14}{:>10}{:>10}{:>10}".format(*row))
    click.echo(f"off and off again differ by {facts['spread'] - 1:.1%}")
    for problem in facts["problems"]:
        click.echo(problem, err=True)
    if path is not None:
        write(facts, path)
    context.exit(bool(facts["problems"]))


if __name__ == "__main__":
    main()
