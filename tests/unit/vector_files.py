"""The test vectors, read as an implementer would read them: by schema.json alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tracewire.spec

FOLDER = Path(tracewire.spec.__file__).with_name("vectors")
AREAS = ("frames", "values", "encode", "streams", "messages", "relays", "bodies")
SIMPLE = {"null": None, "false": False, "true": True}

Json = Any


def load(area: str) -> list[Json]:
    """The vectors of one file."""
    vectors: list[Json] = json.loads((FOLDER / f"{area}.json").read_text())["vectors"]
    return vectors


def everything() -> Iterator[Json]:
    """Every vector of every file."""
    for area in (*AREAS, "wrong"):
        yield from load(area)


def data(written: Json) -> bytes:
    """Bytes as a vector writes them: hex, or parts of hex and of repeated bytes."""
    if isinstance(written, str):
        return bytes.fromhex(written)
    return b"".join(
        bytes.fromhex(part)
        if isinstance(part, str)
        else bytes.fromhex(part["repeat"]) * part["times"]
        for part in written
    )


def name(written: Json) -> int | str:
    """A target, a key or a state; text that is no Unicode comes by its code points or its bytes."""
    match written:
        case {"code_points": points}:
            return "".join(map(chr, points))
        case {"not_utf8": content}:
            return bytes.fromhex(content).decode(errors="surrogateescape")
    return written  # type: ignore[no-any-return]


def value(tagged: Json, context: Any) -> Any:
    """A tagged value in Python; ``context`` makes a trace context of its fields."""
    [(tag, content)] = [item for item in tagged.items() if item[0] != "times"]
    match tag:
        case "int":
            return int(content)
        case "bytes":
            return data(content)
        case "text":
            return content * tagged.get("times", 1)
        case "code_points" | "not_utf8":
            return name(tagged)
        case "simple":
            return SIMPLE[content]
        case "array":
            return [value(element, context) for element in content]
        case "map":
            return {value(key, context): value(item, context) for key, item in content}
        case _:
            return context(content)
