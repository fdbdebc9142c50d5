"""What the demo prints at its end."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from . import matrix, tree

LEGEND = """\
bare        plain JSON: the sender or the receiver knows no frames
no context  a frame of an old peer, which has no context to give
ignored     an old peer read the frame and passed over the context
kept        the receiver continued the trace, or its decision not to sample
Bytes: one message; then what context adds if not sampled, and if sampled.
"""


def problems(cells: list[matrix.Cell], facts: dict[str, Any]) -> Iterator[str]:
    for cell in cells:
        for problem in cell.problems:
            yield f"{cell.sender.name} to {cell.receiver.name}: {problem}"
    yield from facts["capture"]["problems"]
    yield from facts["trace"]["problems"]


def show(console: Console, cells: list[matrix.Cell], facts: dict[str, Any], capture: Path) -> None:
    console.print(matrix.table(cells))
    console.print(LEGEND)
    spans = facts["trace"]["spans"]
    if not facts["trace"]["problems"]:
        console.print("One trace through three processes: span, its id, process, duration")
        console.print(tree.tree(spans))
        console.print("From there it went to framed, which has no spans.\n")
    captured = facts["capture"]
    console.print(
        f"The relay captured {captured['frames']} frames, {captured['valid']} of them valid, "
        f"and {captured['bare_messages']} bare messages.\n"
    )
    found = list(problems(cells, facts))
    for problem in found:
        console.print(Text(problem, "red"))
    if found:
        console.print(Text(f"{len(found)} problems: the demo failed", "bold red"))
        return
    console.print("Every message arrived as the specification says. Look further:")
    for line in commands(cells, capture):
        console.print(Text(f"  {line}"), soft_wrap=True)


def commands(cells: list[matrix.Cell], capture: Path) -> Iterator[str]:
    """What to try next, on what was captured."""
    frame = capture / "sampled.frame"
    frame.write_bytes(next(cell.sent["sampled"] for cell in cells if cell.outcome == "kept"))
    yield tool("explain", str(frame))
    yield tool("validate", "--input", "stream", str(capture / "framed.stream"))


def tool(*arguments: str) -> str:
    """A command line of the tool, with short paths where they lie below this folder."""
    here = f"{Path.cwd()}{os.sep}"
    words = (sys.executable, "-m", "tracewire", *arguments)
    return shlex.join([word.removeprefix(here) for word in words])
