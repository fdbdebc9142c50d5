"""The demo itself: what is sent, in which order, and what is printed."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from opentelemetry.trace import SpanKind
from rich.console import Console
from rich.progress import Progress

from tracewire.codec import IMPLEMENTATION, decode

from . import capture, matrix, outcome, tree
from .fleet import PEERS, Fleet, fleet
from .processes import Failed
from .telemetry import tracer, wrap_in
from .transport import send

CAPTURE = Path(__file__).parents[2] / "build" / "demo"
ROUTE = ("tracing-a", "tracing-b", "framed")
FOLDER = click.Path(path_type=Path, resolve_path=True)
STEPS = len(PEERS) ** 2 + 4  # the last one is never said to be over
Spans = list[dict[str, Any]]


async def play(folder: Path, step: Callable[[str], object]) -> tuple[list[matrix.Cell], Any]:
    """All send to all, then one message goes along ROUTE. The cells and the other facts."""
    step("starting the relay and four peers")
    spans: Spans = []
    async with fleet(folder) as running:
        cells = list(matrix.cells())
        for cell in cells:
            step(f"{cell.sender.name} sends to {cell.receiver.name}")
            await matrix.fill(cell, running)
        sent = [record for cell in cells for record in cell.sent.values()]
        step("one message goes through three processes")
        routed, problems = await travel(running, spans)
    trace_id = spans[0]["trace_id"]
    for process in running.processes.values():
        spans += [span for span in process.spans if span["trace_id"] == trace_id]
    step("the tool validates what the relay captured")
    facts = {
        "implementation": IMPLEMENTATION,
        "capture": capture.check(folder, sent + routed),
        "trace": {"spans": spans, "problems": problems or tree.problems(spans, len(ROUTE))},
    }
    return cells, facts


async def travel(running: Fleet, spans: Spans) -> tuple[list[bytes], list[str]]:
    """Sends one message along ROUTE in a span of this process. What was sent, what went wrong."""

    def keep(span: dict[str, Any]) -> None:
        spans.append({**span, "process": "demo", "pid": os.getpid()})

    first, *onward = ROUTE
    with tracer(keep).start_as_current_span(f"send to {first}", kind=SpanKind.PRODUCER) as span:
        sent = [wrap_in(span, json.dumps({"route": onward}).encode())]
        await send(running.addresses[first], sent[0])
    for name, following in zip(ROUTE, (*onward, None), strict=True):
        process = running.processes[name]
        delivery = await process.report("received", "dropped")
        if delivery.get("body") != decode(sent[-1]).payload.hex():
            return sent, [f"{name} did not get the message that goes through three processes"]
        if following:
            sent.append(bytes.fromhex((await process.report("sent"))["record"]))
    return sent, []


class Screen(Console):
    """A console that leaves a closed pipe to whoever started the demo."""

    def on_broken_pipe(self) -> None:
        raise


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON and nothing else.")
@click.option("--capture", "folder", type=FOLDER, default=CAPTURE, help="Where captures go.")
@click.pass_context
def demo(context: click.Context, as_json: bool, folder: Path) -> None:
    """Old and new peers pass messages to each other, and every delivery is checked."""
    console = Screen(quiet=as_json)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("starting", total=STEPS)
            cells, facts = asyncio.run(
                play(folder, lambda text: bar.update(task, description=text, advance=1))
            )
    except Failed as error:
        raise click.ClickException(str(error)) from None
    facts["cells"] = [cell.facts() for cell in cells]
    facts["ok"] = not any(outcome.problems(cells, facts))
    if as_json:
        click.echo(json.dumps(facts))
    outcome.show(console, cells, facts, folder)
    context.exit(not facts["ok"])
