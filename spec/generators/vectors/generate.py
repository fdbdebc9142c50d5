"""Writes the files of test vectors: ``python -m spec.generators.vectors.generate``."""

import json
from pathlib import Path

from . import (
    bodies,
    encode,
    extensions,
    frames,
    heads,
    messages,
    order,
    relays,
    shed,
    streams,
    values,
    wrong,
)

FOLDER = Path(__file__).parents[2] / "vectors"
VERSION = "0.1"

#: The modules whose cases make up each file, in the order of the file.
AREAS = {
    "frames": (frames, heads, extensions, order),
    "values": (values,),
    "encode": (encode, shed),
    "streams": (streams,),
    "messages": (messages,),
    "relays": (relays,),
    "bodies": (bodies,),
    "wrong": (wrong,),
}


def files() -> dict[str, str]:
    """The text of each file by its name, one vector a line."""
    made = {}
    for area, modules in AREAS.items():
        vectors = [vector for module in modules for vector in module.cases()]
        lines = ",\n".join(json.dumps(vector) for vector in vectors)
        start = f'{{\n"area": "{area}",\n"version": "{VERSION}",\n"vectors": [\n'
        made[f"{area}.json"] = f"{start}{lines}\n]\n}}\n"
    return made


def main() -> None:
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
