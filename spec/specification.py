"""The installed specification as data: its rules, and the vectors that prove them."""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

HEADING: Final = re.compile(r"#{2,} ([\d.]+ .+)")
REQUIREMENT: Final = re.compile(r"- \*\*([A-Z]+-\d+)\*\* (.+)")


@dataclass(frozen=True)
class Rule:
    """One requirement. ``obeyed_by``, ``broken_by``: ids of vectors."""

    id: str
    section: str
    text: str
    obeyed_by: list[str]
    broken_by: list[str]


def read_rules() -> Iterator[Rule]:
    """Every rule of the installed specification, in its order."""
    folder = files("tracewire.spec")
    obeyed: defaultdict[str, list[str]] = defaultdict(list)
    broken: defaultdict[str, list[str]] = defaultdict(list)
    for vector in read_vectors():
        for rule in vector.get("obeys", ()):
            obeyed[rule].append(vector["id"])
        if "breaks" in vector:
            broken[vector["breaks"]].append(vector["id"])
    section = ""
    for line in folder.joinpath("tracewire.md").read_text(encoding="utf-8").splitlines():
        if heading := HEADING.fullmatch(line):
            section = heading[1]
        elif rule := REQUIREMENT.fullmatch(line):
            id, text = rule.groups()
            yield Rule(id, section, text, obeyed[id], broken[id])


def read_vectors() -> Iterator[dict[str, Any]]:
    """Every installed test vector, with the ``area`` that it is of."""
    folder = files("tracewire.spec") / "vectors"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json") and file.name != "schema.json":
            content = json.loads(file.read_text(encoding="utf-8"))
            for vector in content["vectors"]:
                yield {"area": content["area"], **vector}


def read_keys() -> dict[str, int]:
    """The assigned extension keys by their names, as the registry has them."""
    registry = files("tracewire.spec").joinpath("registry.toml").read_text(encoding="utf-8")
    keys = tomllib.loads(registry)["keys"]
    return {name: number for name, number in keys.items() if name != "ranges"}
