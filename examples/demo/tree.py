"""One trace drawn as a tree, from the spans that several processes recorded."""

from typing import Any

from rich.tree import Tree

Span = dict[str, Any]


def problems(spans: list[Span], processes: int) -> list[str]:
    """Why these spans are not one trace through so many processes, if they are not."""
    found = []
    ids = {span["span_id"] for span in spans}
    roots = [span for span in spans if span["parent_id"] is None]
    if len(roots) != 1 or len({span["trace_id"] for span in spans}) != 1:
        found.append(f"{len(roots)} roots, not one trace")
    if lost := [span["span_id"] for span in spans if span["parent_id"] not in {None, *ids}]:
        found.append(f"spans whose parent is missing: {', '.join(lost)}")
    if len({span["pid"] for span in spans}) != processes:
        found.append(f"the trace did not pass through {processes} processes")
    return found


def tree(spans: list[Span]) -> Tree:
    """Span, span id, process with its id, duration."""
    root = next(span for span in spans if span["parent_id"] is None)
    drawn = Tree(f"trace {root['trace_id']}")
    grow(drawn, root, spans)
    return drawn


def grow(branch: Tree, span: Span, spans: list[Span]) -> None:
    name = f"{span['name']} [dim]{span['span_id']}[/] {span['process']} {span['pid']}"
    twig = branch.add(f"{name} [cyan]{span['milliseconds']:.2f} ms[/]")
    for child in sorted(spans, key=lambda other: other["start_ns"]):
        if child["parent_id"] == span["span_id"]:
            grow(twig, child, spans)
