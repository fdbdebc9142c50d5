"""Searches the model of the rollout exhaustively, as specified and with each rule broken.

    python -m spec.model.check [--write docs/model.md]

It needs spin and a C compiler. As specified there must be no counterexample; with a rule broken
there must be one to the claim that the rule protects, or the model could not fail.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

MODEL: Final = Path(__file__).with_name("rollout.pml")
BUILD: Final = Path(__file__).parents[2] / "build" / "model"

DEPTH: Final = 1_000_000


class Way(NamedTuple):
    """How it is searched: options of spin, of the C compiler, and of the search itself."""

    spin: tuple[str, ...] = ()
    compiler: tuple[str, ...] = ("-DSAFETY", "-DBFS")  # the shortest counterexamples
    search: tuple[str, ...] = ()


#: For runs without an end. Statements are not merged, so that each of them counts as taken or not.
LIVE: Final = Way(("-o3",), ("-DNOFAIR",), ("-a",))

BARE_READER: Final = "a frame at a bare reader"
LOST: Final = "a message is lost"
MISREAD: Final = "a message is misread"
STUCK: Final = "the rollout is stuck"
THROUGH: Final = "a run to the end and back"


class Variant(NamedTuple):
    """``rule``: which one is broken, and ``broken``: how. ``wanted``: what must then be found."""

    rule: str
    broken: str
    wanted: str | None


VARIANTS: Final = {
    "SPECIFIED": Variant("", "nothing: the specified order", None),
    "ENDS": Variant("", "nothing: does each run come to its end?", None),
    "DONE": Variant("", "nothing: is there a run to the end and back?", THROUGH),
    "SENDERS_FIRST": Variant("R-2", "senders do not ask the census", BARE_READER),
    "ONE_SPEAKS": Variant("R-2", "one receiver speaks for its address", BARE_READER),
    "STALE_CENSUS": Variant("R-2", "who went back still counts", BARE_READER),
    "TOO_STRICT": Variant("R-2", "who reads both does not count", STUCK),
    "SHARED_EVIDENCE": Variant("G-4", "evidence outlives its connection", BARE_READER),
    "SENT_AGAIN": Variant("G-4", "what failed is sent again as it was made", BARE_READER),
    "MULTIPLEXED": Variant("G-4", "a frame from a broker is evidence", BARE_READER),
    "WRONG_ROLLBACK": Variant("R-3", "receivers go back before senders", BARE_READER),
    "NO_DRAIN": Variant("R-3", "the queue is not drained", BARE_READER),
    "UNSENT": Variant("R-3", "a frame is made and not yet in the queue", BARE_READER),
    "UNACKNOWLEDGED": Variant("R-3", "a frame may be given out again", BARE_READER),
    "UNCONFIGURED": Variant("R-3", "a sender starts as it was before", BARE_READER),
    "NARROWED_EARLY": Variant("M-1", "mode both is dropped before senders switch", LOST),
    "NARROW_WHEN_BACK": Variant("M-1", "mode both is not back before senders go back", LOST),
    "LOOKALIKE": Variant("M-5", "a bare message begins like a frame", MISREAD),
}


class Found(NamedTuple):
    """What a search came to.

    ``broken``: the claim that fails, if one does. ``story``: the steps on the way there.
    ``complete``: whether nothing was left out. ``idle``: steps that no run
    takes, of which ENDS tells.
    """

    variant: str
    states: int
    broken: str | None
    complete: bool
    story: list[str]
    idle: list[str]

    @property
    def is_right(self) -> bool:
        wanted = VARIANTS[self.variant].wanted
        return self.broken == wanted and (wanted is not None or (self.complete and not self.idle))


def search(variant: str) -> Found:
    """All states of a variant, or those up to its first counterexample."""
    folder = BUILD / variant
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    way = LIVE if variant == "ENDS" else Way()
    _make(folder, "spin", f"-D{variant}", *way.spin, "-a", str(MODEL))
    _make(folder, "cc", "-O1", "-w", "-DCOLLAPSE", *way.compiler, "-o", "pan", "pan.c")
    said = _run(folder, "./pan", f"-m{DEPTH}", *way.search)
    states = re.search(r"(\d+) states, stored", said)
    if states is None:
        raise RuntimeError(f"pan said nothing of states:\n{said}")
    complete = "Search not completed" not in said and "max search depth too small" not in said
    story = _story(folder, variant) if "errors: 0" not in said else []
    return Found(variant, int(states[1]), _broken(said, story), complete, story, _idle(said))


def _broken(said: str, story: list[str]) -> str | None:
    """The claim that fails: the model's last words, save where it only stands still."""
    if "errors: 0" in said:
        return None
    if ": invalid end state" in said or "acceptance cycle" in said:
        return STUCK
    last = story.pop() if story else ""
    return last.removeprefix("found: ")


def _story(folder: Path, variant: str) -> list[str]:
    """What the model prints on the way to its counterexample."""
    trail = folder / f"{MODEL.name}.trail"
    told = _run(folder, "spin", f"-D{variant}", "-T", "-k", str(trail), str(MODEL))
    lines = told.partition("spin: ")[0].splitlines()
    return [line.strip() for line in lines if line.strip()]


def _idle(said: str) -> list[str]:
    """Steps that no run takes, but for the ends of processes and what tells of a broken claim."""
    steps = re.findall(r"rollout\.pml:(\d+), state \d+, \"(.*)\"", said)
    return [f"line {line}: {step}" for line, step in steps if not _is_only_for_failures(step)]


def _is_only_for_failures(step: str) -> bool:
    return step in ("-end-", "assert(0)") or step.startswith("printf('found: ")


def _make(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _run(folder: Path, *command: str) -> str:
    """What a program prints, which ends with an error of its own at a counterexample."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


def page(found: list[Found]) -> str:
    """The table, and how each counterexample goes."""
    rows = ["| variant | rule | what is broken | states | found |", "|---|---|---|---|---|"]
    stories: list[str] = []
    for each in found:
        rule, broken, wanted = VARIANTS[each.variant]
        what = verdict(each)
        rows.append(f"| {each.variant} | {rule} | {broken} | {each.states:,} | {what} |")
        if wanted is not None:
            steps = [f"{number}. {line}" for number, line in enumerate(each.story, 1)]
            stories += ["", f"### {each.variant}", "", *steps, "", f"Found: {each.broken}."]
    return "\n".join([*rows, *stories])


def verdict(found: Found) -> str:
    what = found.broken or "nothing, in all states"
    if found.is_right:
        return what
    cut = "" if found.complete or found.broken else ", and not all was searched"
    idle = f", and never taken: {'; '.join(found.idle)}" if found.idle else ""
    return f"WRONG: {what}{cut}{idle}"


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
    found = []
    for variant in VARIANTS:
        found.append(search(variant))
        print(f"{variant:17} {found[-1].states:>10,} states  {verdict(found[-1])}", flush=True)
    if options.write:
        write(options.write, page(found))
    sys.exit(not all(each.is_right for each in found))


if __name__ == "__main__":
    main()
