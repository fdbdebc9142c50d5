"""Where fuzzing starts: the bytes of every test vector, and the inputs that once failed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "spec" / "vectors"
REGRESSIONS = ROOT / "fuzz" / "regressions"


def seeds() -> list[bytes]:
    """Every frame, message and stream that stands in a vector, once."""
    files = sorted(VECTORS.glob("*.json"))
    return sorted({data for path in files for data in _found(json.loads(path.read_text()))})


def regressions() -> list[Path]:
    """Files that each hold an input on which an invariant failed once."""
    return sorted(path for path in REGRESSIONS.iterdir() if not path.name.startswith("."))


def _found(node: object) -> Iterator[bytes]:
    if isinstance(node, dict):
        if isinstance(node.get("hex"), (str, list)):
            yield _bytes(node["hex"])
        if isinstance(node.get("chunks"), list):
            yield b"".join(map(_bytes, node["chunks"]))
        for below in node.values():
            yield from _found(below)
    elif isinstance(node, list):
        for below in node:
            yield from _found(below)


def _bytes(written: str | list[Any]) -> bytes:
    """The bytes in the vectors' notation: hex, or parts of which one may be a repeated byte."""
    if isinstance(written, str):
        return bytes.fromhex(written)
    parts = [
        _bytes(part) if isinstance(part, str) else bytes.fromhex(part["repeat"]) * part["times"]
        for part in written
    ]
    return b"".join(parts)
