"""What the demo prints at its end, at 80 columns."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracewire.spec.tool.peers.snapshot import Snapshot, tables

from .cost import table
from .fleet import BUSY, HOLDERS
from .trace import draw

WIDTH = 80


def problems(facts: dict[str, Any]) -> list[str]:
    return [text for part in ("story", "switch", "cost") for text in facts[part]["problems"]]


def show(console: Console, facts: dict[str, Any]) -> None:
    for part in (_story(facts["story"]), _switch(facts["switch"]), _cost(facts["cost"])):
        for each in part:
            console.print(each)
        console.print()
    found = problems(facts)
    for problem in found:
        console.print(Text(problem, "red"))
    if found:
        console.print(Text(f"{len(found)} problems: the demo failed", "bold red"))
    else:
        console.print("Everything that is said above happened in this run.")


def _story(story: dict[str, Any]) -> Iterator[Any]:
    slowest = story["slowest"]
    yield Text(f"1. {BUSY} is slow", "bold")
    yield (
        f"{story['posts']} posts brought {story['messages']:,} messages to sessions, each once. "
        "`tracewire top` says which action kept a guild busy:\n"
    )
    yield from tables(Snapshot(timings=story["timings"]), WIDTH)
    yield (
        f"\n{slowest['entity']} spent {slowest['slowest']:.2f} s on one {slowest['action']} and "
        f"did nothing else. Whoever made it waited {story['waited'] or 0:.2f} s. The trace of it:\n"
    )
    yield draw(story["spans"])
    weights = story["weights"]
    yield (
        f"\nOf {story['everyone']:,} recipients {weights['recipients']:,} are sent frames, and "
        f"{weights['chosen']} of these keep the trace. "
        f"{weights['recorded']} recorded a span: by their weights they stand for "
        f"{weights['says']:,.0f} sessions. The others are in {_old()}, which reads frames and "
        "records nothing."
    )


def _old() -> str:
    return next(holder.name for holder in HOLDERS if holder.reads == "framed")


def _switch(switch: dict[str, Any]) -> Iterator[Any]:
    yield Text(f"2. {switch['destination']} is switched to frames, and back", "bold")
    heard = switch["heard"]
    yield (
        "Before it had reported, the switch was refused, and so it is for sessions-bare. Then "
        f"{switch['posts']} posts flowed through both switches: {heard['bare']:,} bare messages "
        f"and {heard['framed']:,} frames arrived there, {switch['lost']} were lost or came twice.\n"
    )
    yield from tables(Snapshot(census=switch["census"]), WIDTH)


def _cost(cost: dict[str, Any]) -> Iterator[Any]:
    yield Text("3. What tracing costs", "bold")
    yield (
        f"Processor time of all processes, {cost['rounds']} rounds in turns. Off and off again "
        f"differ by {cost['spread'] - 1:.1%}: smaller differences mean nothing.\n"
    )
    head, *rows = table(cost)
    shown = Table(*head[:1], box=None, pad_edge=False)
    for heading in head[1:]:
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(*row)
    yield shown
    yield (
        "\nwithout context: who is not sampled still gets the ids\n"
        "without roots: who a fan-out does not choose asks its own sampler\n"
        "without peek: a text map and a span for each message, whatever it says"
    )
