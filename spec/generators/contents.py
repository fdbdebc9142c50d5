"""Writes the contents of the specification: ``python -m spec.generators.contents``."""

import re

from .markers import SPECIFICATION, write

HEADING = re.compile(r"^(##+) (.+)$", re.MULTILINE)


def slug(heading: str) -> str:
    """The name that renderers of Markdown give a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def section() -> str:
    """A line for each heading."""
    found = HEADING.findall(SPECIFICATION.read_text(encoding="utf-8"))
    return "\n".join(
        f"{'  ' * (len(level) - 2)}- [{heading}](#{slug(heading)})"
        for level, heading in found
        if heading != "Contents"
    )


def main() -> None:
    write("contents", section())


if __name__ == "__main__":
    main()
