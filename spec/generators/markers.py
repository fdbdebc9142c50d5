"""The parts of the specification that a generator writes, between two markers of a name."""

from pathlib import Path

SPECIFICATION = Path(__file__).parents[1] / "tracewire.md"


def between(text: str, name: str, content: str) -> str:
    """The text with what stands between the markers of a name replaced."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{SPECIFICATION.name} lacks the markers of {name!r}")
    return before + start + "\n" + content.strip() + "\n\n" + end + after


def write(name: str, content: str) -> None:
    """Replaces one generated part of the specification."""
    text = SPECIFICATION.read_text(encoding="utf-8")
    SPECIFICATION.write_text(between(text, name, content), encoding="utf-8")
