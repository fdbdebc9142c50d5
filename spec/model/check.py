"""Searches the model of the rollout exhaustively, as specified and with each rule broken.

    python -m spec.model.check [--write docs/model.md]

It needs spin and a C compiler. As specified there must be no counterexample; with a rule broken
there must be one, or the model could not fail.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODEL: Final = Path(__file__).with_name("rollout.pml")
BUILD: Final = Path(__file__).parents[2] / "build" / "model"
DEPTH: Final = 1_000_000

#: By macro: what is broken, and the assertion that must then fail; none as specified.
VARIANTS: Final = {
    "SPECIFIED": ("nothing: the specified order", ""),
    "SENDERS_FIRST": ("R-2: senders switch without asking", "reads_both"),
    "ONE_SPEAKS": ("R-2: one instance speaks for its address", "reads_both"),
    "SHARED_EVIDENCE": ("G-4: evidence of another connection is used", "reads_both"),
    "WRONG_ROLLBACK": ("R-3: receivers go back before senders", "reads_both"),
    "NO_DRAIN": ("R-3: the queue is not drained", "reads_both"),
    "LOSES_ON_CRASH": ("a crash loses what was taken", "violated 0"),
    "DONE": ("nothing: can it be gone through to its end?", "rollbacks==2"),
}


@dataclass(frozen=True)
class Found:
    """``states``: how many were searched. ``violated``: the assertion that failed, if one did.
    ``complete``: whether nothing was left out. ``story``: how the counterexample goes."""

    variant: str
    states: int
    violated: str
    complete: bool
    story: list[str]

    @property
    def is_right(self) -> bool:
        wanted = VARIANTS[self.variant][1]
        if not wanted:
            return self.complete and not self.violated
        return wanted in self.violated


def search(variant: str) -> Found:
    """All states of a variant, the shortest ways first."""
    folder = BUILD / variant
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run(folder, "spin", f"-D{variant}", "-a", str(MODEL))
    _run(folder, "cc", "-O2", "-w", "-DSAFETY", "-DBFS", "-DVECTORSZ=2048", "-o", "pan", "pan.c")
    said = _run(folder, "./pan", f"-m{DEPTH}")
    violated = re.search(r"assertion (violated .*) \(at depth", said)
    states = re.search(r"(\d+) states, stored", said)
    if states is None:
        raise RuntimeError(f"pan said nothing of states:\n{said}")
    incomplete = "Search not completed" in said or "max search depth too small" in said
    return Found(
        variant,
        int(states[1]),
        violated[1] if violated else "",
        not incomplete,
        _story(folder, variant) if violated else [],
    )


def _story(folder: Path, variant: str) -> list[str]:
    """What the model prints on the way to its counterexample."""
    trail = folder / f"{MODEL.name}.trail"
    told = _run(folder, "spin", f"-D{variant}", "-T", "-k", str(trail), str(MODEL))
    lines = [line.strip() for line in told.splitlines()]
    return [line for line in lines if re.match(r"(receiver|sender|\d+ messages) ?", line)]


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


def page(found: list[Found]) -> str:
    """The table, and how each counterexample goes."""
    rows = ["| variant | broken | states | found |", "|---|---|---|---|"]
    stories = []
    for each in found:
        broken, wanted = VARIANTS[each.variant]
        what = "a counterexample" if each.violated else "none in all states"
        if each.variant == "DONE":
            what = "a run to its end"
        if not each.is_right:
            what = f"WRONG: {what}"
        rows.append(f"| {each.variant} | {broken} | {each.states:,} | {what} |")
        if each.violated and wanted:
            steps = [f"{number}. {line}" for number, line in enumerate(each.story, 1)]
            stories.append("\n".join([f"### {each.variant}", "", *steps]))
    return "\n".join([*rows, "", *("\n\n".join(stories).splitlines())])


def write(path: Path, content: str) -> None:
    """Puts it between the page's markers."""
    before, begin, rest = path.read_text().partition("<!-- model -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (begin and end):
        sys.exit(f"{path} lacks the markers <!-- model --> and <!-- end -->")
    path.write_text(f"{before}{begin}\n{content}\n\n{end}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the page with the table")
    options = parser.parse_args()
    found = [search(variant) for variant in VARIANTS]
    content = page(found)
    print(content)
    if options.write:
        write(options.write, content)
    sys.exit(not all(each.is_right for each in found))


if __name__ == "__main__":
    main()
