"""Writes the worked examples of the specification: ``python -m spec.generators.examples``.

They are made from its vectors.
"""

import json
from pathlib import Path
from typing import NamedTuple

from tracewire.spec.tool.frames.annotate import annotate

from .markers import write

VECTORS = Path(__file__).parents[1] / "vectors"
BYTES_A_LINE = 12


class Example(NamedTuple):
    """A vector, by its file and id, and what it shows."""

    area: str
    id: str
    title: str


EXAMPLES = (
    Example("frames", "F-7/request", "A base frame: a request without context"),
    Example("frames", "F-7/response", "Its response"),
    Example("values", "U-1/not-sampled", "A request that was decided not sampled"),
    Example("values", "U-1/flags-01", "A request of a sampled trace"),
    Example("messages", "M-2/extensions", "An envelope around a JSON message, with context"),
    Example("values", "U-4/alone-among-good-ones", "Every assigned key; the timeout is unusable"),
    Example("messages", "M-2/cut-short", "A frame that was cut short"),
)


def data_of(example: Example) -> bytes:
    """The bytes of a vector."""
    vectors = json.loads((VECTORS / f"{example.area}.json").read_text(encoding="utf-8"))["vectors"]
    return bytes.fromhex(next(vector["hex"] for vector in vectors if vector["id"] == example.id))


def lines_of(data: bytes) -> list[str]:
    """One line a field: offset, bytes, meaning. Long fields take further lines."""
    fields, fault = annotate(data)
    lines = []
    for field in fields:
        label = f"{'  ' * field.depth}{field.name}: {field.meaning}"
        for at in range(0, max(1, len(field.data)), BYTES_A_LINE):
            piece = field.data[at : at + BYTES_A_LINE].hex(" ").upper()
            lines.append(f"{field.offset + at:4}  {piece:{3 * BYTES_A_LINE}}  {label}".rstrip())
            label = ""
    if fault is not None:
        lines.append(f"      invalid: {fault}")
    return lines


def section() -> str:
    """All examples in Markdown."""
    parts = []
    for example in EXAMPLES:
        dump = "\n".join(f"    {line}" for line in lines_of(data_of(example)))
        parts.append(f"{example.title} (`{example.id}`):\n\n{dump}")
    return "\n\n".join(parts)


def main() -> None:
    write("worked examples", section())


if __name__ == "__main__":
    main()
