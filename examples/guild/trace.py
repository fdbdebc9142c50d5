"""Shows a trace that the demo's fleet recorded: the second command of an on-call engineer.

python -m examples.guild.trace TRACE_ID
"""

import json
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.tree import Tree

STORE: Final = Path(__file__).parents[2] / "build" / "guild" / "spans.jsonl"
#: Spans of one name in one process that are shown one by one.
_SHOWN: Final = 2

Span = dict[str, Any]


def store(spans: list[Span]) -> None:
    """Keeps spans where `trace` finds them."""
    STORE.parent.mkdir(parents=True, exist_ok=True)
    STORE.write_text("".join(json.dumps(span) + "\n" for span in spans))


def draw(spans: list[Span]) -> Tree:
    """Name, process, time; and of many alike how many there are and what they stand for."""
    root = next(span for span in spans if span["parent_id"] is None)
    drawn = Tree(f"trace {root['trace_id']}")
    children: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span["start_ns"]):
        children.setdefault(span["parent_id"], []).append(span)
    _grow(drawn, children[None], children)
    return drawn


def _grow(branch: Tree, spans: list[Span], children: dict[str | None, list[Span]]) -> None:
    alike: dict[tuple[str, str], list[Span]] = {}
    for span in spans:
        alike.setdefault((span["name"], span["process"]), []).append(span)
    for (name, process), group in alike.items():
        for span in group[:_SHOWN]:
            said = f"{name}  [dim]{process}[/]  [cyan]{_time(span['milliseconds'])}[/]"
            twig = branch.add(said + (_weight(span["pair"]) if span["pair"] else ""))
            _grow(twig, children.get(span["span_id"], []), children)
        if more := group[_SHOWN:]:
            weight = sum(_number(span["pair"]) for span in more)
            branch.add(f"[dim]{len(more)} more in {process}, for {weight:,.0f} sessions[/]")


def _number(pair: list[int]) -> float:
    return pair[0] / pair[1] if pair else 1.0


def _weight(pair: list[int]) -> str:
    return f"  [dim]stands for {_number(pair):,.0f} sessions[/]"


def _time(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.2f} ms"


@click.command()
@click.argument("trace_id")
@click.option("--store", "path", type=click.Path(path_type=Path), default=STORE, hidden=True)
def main(trace_id: str, path: Path) -> None:
    """Draw the trace of that id, or of the only one that begins so."""
    if not path.exists():
        raise click.ClickException("no fleet has recorded spans yet: run `make demo`")
    spans = [json.loads(line) for line in path.read_text().splitlines()]
    ids = {span["trace_id"] for span in spans if span["trace_id"].startswith(trace_id.lower())}
    if len(ids) != 1:
        found = "no trace" if not ids else f"{len(ids)} traces"
        raise click.ClickException(f"{found} of {len(spans)} spans begins with {trace_id!r}")
    (found_id,) = ids
    Console().print(draw([span for span in spans if span["trace_id"] == found_id]))


if __name__ == "__main__":
    main()
