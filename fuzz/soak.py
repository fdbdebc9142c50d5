"""The long runs that precede a release: ``python -m fuzz.soak`` makes them and writes docs/soak.md.

What a run printed is kept in build/soak under the digest of the codec's sources, so that a soak
that was stopped goes on where it was. A run that fails ends the soak, and nothing is written.
"""

import platform
import subprocess
import sys

from fuzz.build import ROOT, codec_digest

PAGE = ROOT / "docs" / "soak.md"
RECORDS = ROOT / "build" / "soak"
RUNS = (
    ("Fuzzing", "fuzz.run --executions 20000000"),
    ("Fuzzing, every object where its end is seen", "fuzz.run --executions 1000000 --own-blocks"),
    ("Differential property", "tests.property.soak --examples 1000000"),
)


def main() -> None:
    directory = RECORDS / codec_digest()
    directory.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Soak\n",
        "`python -m fuzz.soak` wrote this page. Each table is what the command above it printed.",
        f"Codec: sources with digest `{directory.name}`, by `fuzz/build.py`.",
        f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}.",
    ]
    for number, (title, command) in enumerate(RUNS):
        record = directory / f"{number}.txt"
        if not record.exists():
            printed = _run(command.split())
            record.write_text(printed)
        text = record.read_text().rstrip()
        parts.append(f"\n## {title}\n\n    $ python -m {command}")
        parts += [f"    {line}" for line in text.splitlines()]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(parts) + "\n")


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
