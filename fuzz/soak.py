"""The long runs that precede a release: ``python -m fuzz.soak`` makes them and writes docs/soak.md.

Parts that are named are run alone, and the rest of the page stays. What a part printed is kept in
build/soak under the digest of the sources that it tried, so that a soak that was stopped goes on
where it was. A part that fails ends the soak, and is not written.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from fuzz.build import ROOT, codec_digest, peers_digest

PAGE = ROOT / "docs" / "soak.md"
RECORDS = ROOT / "build" / "soak"
HEAD = """# Soak

`python -m fuzz.soak` wrote this page. Each table is what the command above it printed, with sources
of this digest, which `fuzz/build.py` makes.
"""


class Part(NamedTuple):
    """``digest``: of the sources that it tries."""

    title: str
    command: str
    digest: Callable[[], str]


#: After a small change of the codec, in place of the first part: run where it is named.
BRIEF = "brief-fuzzing"
PARTS = {
    "fuzzing": Part("Fuzzing", "fuzz.run --executions 20000000", codec_digest),
    BRIEF: Part("Fuzzing after a small change", "fuzz.run --executions 2000000", codec_digest),
    "own-blocks": Part(
        "Fuzzing, every object where its end is seen",
        "fuzz.run --executions 1000000 --own-blocks",
        codec_digest,
    ),
    "differential": Part(
        "Differential property", "tests.property.soak --examples 1000000", codec_digest
    ),
    "simulation": Part(
        "Pairs of connections over a simulated wire",
        "tests.property.simulate --runs 10000",
        peers_digest,
    ),
    "sweeps": Part(
        "Sweeps: what is left after each disturbance", "tests.sweeps.soak", peers_digest
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, help="these alone")
    for name in parser.parse_args().parts or [each for each in PARTS if each != BRIEF]:
        page = PAGE.read_text() if PAGE.exists() else HEAD
        PAGE.write_text(replaced(page, PARTS[name].title, section(name)))


def section(name: str) -> str:
    """What the page says of this part, from its record if there is one."""
    part = PARTS[name]
    digest = part.digest()
    record = RECORDS / digest / f"{name}.md"
    if not record.exists():
        printed = _run(part.command.split()).rstrip().splitlines()
        on = f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}"
        lines = [f"Sources `{digest}`. {on}.", "", f"    $ python -m {part.command}"]
        lines += [f"    {line}" for line in printed]
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("\n".join(lines) + "\n")
    return record.read_text()


def replaced(page: str, title: str, text: str) -> str:
    """The page with this section anew, its sections in the order of the parts."""
    sections = dict(each.split("\n\n", 1) for each in page.split("\n## ")[1:])
    sections[title] = text
    order = [part.title for part in PARTS.values() if part.title in sections]
    return HEAD + "".join(f"\n## {each}\n\n{sections[each].rstrip()}\n" for each in order)


def _run(module: list[str]) -> str:
    """What the run printed, which is shown as it comes; ends the soak where it fails."""
    printed = []
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    if run.returncode:
        sys.exit(run.returncode)
    return "".join(printed)


if __name__ == "__main__":
    main()
