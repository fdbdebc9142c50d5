"""The traffic that the relay captured, compared with what was sent and judged by the tool."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tracewire.codec import is_frame, to_stream


def check(folder: Path, sent: list[bytes]) -> dict[str, Any]:
    """``sent``: every record, in the order of delivery. The facts about the two files."""
    framed = [record for record in sent if is_frame(record)]
    bare = [record for record in sent if not is_frame(record)]
    verdicts, valid = validate(folder / "framed.stream")
    facts = {"frames": verdicts, "valid": valid, "bare_messages": len(bare)}
    problems = []
    for name, records in (("framed.stream", framed), ("bare.stream", bare)):
        if (folder / name).read_bytes() != b"".join(map(to_stream, records)):
            problems.append(f"{name} is not what was sent, byte by byte")
    if not valid == verdicts == len(framed):
        problems.append(f"validate: {valid} of {verdicts} valid, {len(framed)} sent")
    return {**facts, "problems": problems}


def validate(file: Path) -> tuple[int, int]:
    """How many frames the tool judged, and how many it found valid."""
    command = [sys.executable, "-m", "tracewire", "validate", "--input", "stream", "--json"]
    # In a process group of its own, as every child of the demo: see processes.py.
    done = subprocess.run(
        [*command, str(file)], stdout=subprocess.PIPE, text=True, check=False, process_group=0
    )
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    return len(verdicts), sum(verdict["valid"] for verdict in verdicts)
