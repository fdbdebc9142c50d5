"""Writes the figures of a run of the benchmarks into docs/benchmarks.md.

make bench ARGS=--benchmark-json=build/bench.json
.venv/bin/python tests/bench/figures.py build/bench.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def figures(run: dict[str, Any]) -> Iterator[str]:
    """The lines of the part that is written."""
    machine, commit = run["machine_info"], run["commit_info"]
    processor = machine["cpu"].get("brand_raw", machine["machine"])
    changes = " with changes" if commit["dirty"] else ""
    yield f"Commit {commit['id'][:12]}{changes}, {machine['python_implementation']} "
    yield f"{machine['python_version']}, {processor}, {run['datetime'][:10]}.\n\n"
    yield "| ours / theirs | ratio | at most | A/A | ours | theirs |\n"
    yield "|---|---|---|---|---|---|\n"
    for benchmark in run["benchmarks"]:
        found = benchmark["extra_info"]
        limit = "reported" if found["limit"] is None else f"{found['limit']:.3g}"
        yield (
            f"| {benchmark['name']} | {found['ratio']:.3f} | {limit} "
            f"| {found['same']:.3f} | {found['ours']:,.1f} {found['unit']} "
            f"| {found['theirs']:,.1f} {found['unit']} |\n"
        )


def main() -> None:
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    run = json.loads(Path(sys.argv[1]).read_text())
    PAGE.write_text(before + BEGIN + "".join(figures(run)) + END + after)


if __name__ == "__main__":
    main()
