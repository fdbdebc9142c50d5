"""The demo itself: its three parts, one after the other on one fleet."""

import asyncio
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import Progress

from examples.demo.processes import Failed

from . import cost, outcome, story, switch, trace
from .fleet import BUSY, Fleet, fleet

SESSIONS: Final = 100_000
ROUNDS: Final = 6
#: Sessions that each post of the third part goes to.
RECIPIENTS: Final = 400


async def play(running: Fleet, rounds: int, step: Callable[[str], object]) -> dict[str, Any]:
    step("a burst of posts")
    told = await story.tell(running)
    trace.store(running.spans())
    step("a switch to frames and back")
    switched = await switch.switch(running)
    return {
        "story": told,
        "switch": switched,
        "cost": await cost.measure(running, rounds, RECIPIENTS, step),
    }


class Screen(Console):
    """A console that leaves a closed pipe to whoever started the demo."""

    def on_broken_pipe(self) -> None:
        raise


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON and nothing else.")
@click.option("--stay", is_flag=True, help="Keep the fleet running until Ctrl-C, to look around.")
@click.option("--sessions", type=click.IntRange(10_000), default=SESSIONS, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=ROUNDS, show_default=True)
@click.pass_context
def demo(context: click.Context, as_json: bool, stay: bool, sessions: int, rounds: int) -> None:
    """A guild that is slow, a fleet that changes to frames, and what tracing costs it."""
    console = Screen(quiet=as_json)
    try:
        facts = asyncio.run(show(console, sessions, rounds, stay))
    except Failed as error:
        raise click.ClickException(str(error)) from None
    facts["ok"] = not outcome.problems(facts)
    if as_json:
        click.echo(json.dumps(facts))
    context.exit(not facts["ok"])


async def show(console: Console, sessions: int, rounds: int, stay: bool) -> dict[str, Any]:
    steps = 2 + rounds * len(cost.SETTINGS)
    with TemporaryDirectory(prefix="guild-") as folder:
        async with fleet(Path(folder), sessions) as running:
            with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
                task = bar.add_task("starting", total=steps)
                facts = await play(
                    running, rounds, lambda text: bar.update(task, description=text, advance=1)
                )
            outcome.show(console, facts)
            if stay:
                await look_around(console, running, facts)
    return facts


async def look_around(console: Console, running: Fleet, facts: dict[str, Any]) -> None:
    """Until Ctrl-C."""
    url = running.urls[BUSY, story.TELLING.name]
    console.print("\nThe fleet stays until Ctrl-C. In another terminal:")
    for words in (
        ("-m", "tracewire", "top", url),
        ("-m", "examples.guild.trace", facts["story"]["slowest"]["trace_id"]),
    ):
        console.print(f"  {shlex.join([Path(sys.executable).name, *words])}", soft_wrap=True)
    await asyncio.Event().wait()
