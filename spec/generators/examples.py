"""Writes the worked examples of the specification: ``python -m spec.generators.examples``.

They are made from its vectors, and from what `built.py` builds.
"""

import json
from pathlib import Path
from typing import NamedTuple

from tracewire.spec.tool.frames.annotate import annotate

from .built import MESSAGES, RECORDS
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
    Example(
        "encode",
        "E-2/empty-members",
        "A request whose tracestate was given as `,a=1,,b=2,`: three empty members were shed",
    ),
)


def data_of(example: Example) -> bytes:
    """The bytes of a vector."""
    vectors = json.loads((VECTORS / f"{example.area}.json").read_text(encoding="utf-8"))["vectors"]
    vector = next(vector for vector in vectors if vector["id"] == example.id)
    return bytes.fromhex(vector["expect"]["hex"] if "arguments" in vector else vector["hex"])


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


def prefix_of(data: bytes) -> str:
    """The line of a record's length, which offsets do not count."""
    length = len(data).to_bytes(4, "big").hex(" ").upper()
    return f"{'':4}  {length:{3 * BYTES_A_LINE}}  prefix: {len(data)} bytes"


def shown(title: str, lines: list[str]) -> str:
    dump = "\n".join(f"    {line}" for line in lines)
    return f"{title}:\n\n{dump}"


def section() -> str:
    """All examples in Markdown."""
    parts = [shown(f"{each.title} (`{each.id}`)", lines_of(data_of(each))) for each in EXAMPLES]
    parts += [shown(title, lines_of(data)) for title, data in MESSAGES]
    parts += [shown(title, [prefix_of(data), *lines_of(data)]) for title, data in RECORDS]
    return "\n\n".join(parts)


def main() -> None:
    write("worked examples", section())


if __name__ == "__main__":
    main()
