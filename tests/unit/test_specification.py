"""The specification, the registry, the vectors and the code say the same."""

import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import tracewire.spec
from tests.unit.vector_files import AREAS, FOLDER, everything
from tracewire.codec import constants
from tracewire.codec.constants import Kind, Status
from tracewire.codec.errors import SENTENCES

HOME = Path(tracewire.spec.__file__).parent
TEXT = (HOME / "tracewire.md").read_text()
REGISTRY: dict[str, Any] = tomllib.loads((HOME / "registry.toml").read_text())
RULES = re.findall(r"^- \*\*([A-Z]-\d+)\*\* ", TEXT, re.MULTILINE)
WITH_VECTORS = [rule for rule in RULES if rule[0] in "FXUELMS"]

#: Constants of the codec by their names in the registry.
LIMITS = {
    "kind": constants.MAX_KIND,
    "id": constants.MAX_ID,
    "target_bytes": constants.MAX_TARGET_BYTES,
    "target_number": constants.MAX_TARGET_NUMBER,
    "extension_entries": constants.MAX_EXTENSION_ENTRIES,
    "extension_bytes": constants.MAX_EXTENSION_BYTES,
    "extension_key": constants.MAX_EXTENSION_KEY,
    "extension_key_bytes": constants.MAX_EXTENSION_KEY_BYTES,
    "value_depth": constants.MAX_VALUE_DEPTH,
    "trace_bytes": constants.TRACE_BYTES,
    "trace_version": constants.MAX_TRACE_VERSION,
    "tracestate_bytes": constants.MAX_TRACESTATE_BYTES,
    "tracestate_members": constants.MAX_TRACESTATE_MEMBERS,
    "tracestate_long_member": constants.LONG_TRACESTATE_MEMBER,
    "baggage_entries": constants.MAX_BAGGAGE_ENTRIES,
    "baggage_bytes": constants.MAX_BAGGAGE_BYTES,
    "timeout": constants.MAX_TIMEOUT,
    "content_format": constants.MAX_CONTENT_FORMAT,
    "stream_prefix": constants.STREAM_PREFIX,
    "max_frame": constants.MAX_FRAME,
}


def test_every_rule_stands_once() -> None:
    assert [rule for rule, times in Counter(RULES).items() if times > 1] == []


def test_every_rule_has_a_requirement_word() -> None:
    sentences = re.findall(r"^- \*\*([A-Z]-\d+)\*\* (.*)$", TEXT, re.MULTILINE)
    words = re.compile(r"\b(MUST|SHOULD|MAY|counts, and)\b")
    assert [rule for rule, sentence in sentences if not words.search(sentence)] == []


def test_rules_that_are_mentioned_exist() -> None:
    mentioned = set(re.findall(r"\b([A-Z]-\d+)\b", TEXT)) - {"U-1F"}
    assert {rule for rule in mentioned if rule[0] in "FXUELMSNGCTR"} <= set(RULES)


def test_every_rule_about_bytes_is_obeyed_and_broken_by_a_vector() -> None:
    obeyed = {rule for vector in everything() for rule in vector.get("obeys", ())}
    broken = {vector["breaks"] for vector in everything() if "breaks" in vector}
    assert set(WITH_VECTORS) - obeyed == set()
    assert set(WITH_VECTORS) - broken == set()
    assert obeyed | broken == set(WITH_VECTORS)


def test_every_vector_has_an_id_of_its_own() -> None:
    ids = Counter(vector["id"] for vector in everything())
    assert [id for id, times in ids.items() if times > 1] == []


@pytest.mark.parametrize("area", [*AREAS, "wrong"])
def test_vector_files_keep_to_their_schema(area: str) -> None:
    schema = json.loads((FOLDER / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(
        json.loads((FOLDER / f"{area}.json").read_text()), schema, jsonschema.Draft202012Validator
    )


def test_errors_name_rules_of_the_specification() -> None:
    assert set(SENTENCES) <= set(RULES)


def test_every_number_of_the_code_is_held_to_the_registry() -> None:
    keys = {name.upper() for name in REGISTRY["keys"]}
    named = {name: number for name, number in vars(constants).items() if name.isupper()}
    held = [n for name, n in named.items() if isinstance(n, int) and name not in keys]
    assert sorted(held) == sorted(LIMITS.values())


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_the_code_are_the_registry_s(name: str) -> None:
    assert LIMITS[name] == REGISTRY["limits"][name]


def test_kinds_statuses_and_keys_of_the_code_are_the_registry_s() -> None:
    assert {kind.name.lower(): kind.value for kind in Kind} == REGISTRY["kinds"]
    assert {status.name.lower(): status.value for status in Status} == REGISTRY["statuses"]
    keys = {name: getattr(constants, name.upper()) for name in REGISTRY["keys"] if name != "ranges"}
    assert keys == {name: key for name, key in REGISTRY["keys"].items() if name != "ranges"}
    assert REGISTRY["frame"]["magic"] == constants.MAGIC.hex()
    assert int(REGISTRY["frame"]["magic"][2:], 16) == REGISTRY["frame"]["tag"]


def numbers(text: str) -> set[int]:
    return {int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("F-7", ["kind"]),
        ("F-8", ["id"]),
        ("F-11", ["target_bytes"]),
        ("F-12", ["target_bytes"]),
        ("F-13", ["target_number"]),
        ("F-15", ["target_bytes", "target_number"]),
        ("X-2", ["extension_entries"]),
        ("X-3", ["extension_bytes"]),
        ("X-5", ["extension_key"]),
        ("X-6", ["extension_key_bytes"]),
        ("X-9", ["value_depth"]),
        ("U-2", ["tracestate_bytes", "tracestate_members"]),
        ("U-3", ["baggage_entries", "baggage_bytes"]),
        ("U-4", ["timeout"]),
        ("U-5", ["content_format"]),
        ("E-2", ["tracestate_bytes", "tracestate_members", "tracestate_long_member"]),
        ("E-3", ["baggage_entries", "baggage_bytes"]),
        ("E-5", ["extension_entries", "extension_bytes"]),
        ("S-2", ["max_frame"]),
        ("C-8", ["max_frame_least", "agent_bytes"]),
        ("C-21", ["error_bytes"]),
        ("C-25", ["in_flight_connection", "in_flight_server"]),
        ("C-26", ["record_seconds"]),
    ],
)
def test_numbers_in_rules_are_the_registry_s(rule: str, names: list[str]) -> None:
    [sentence] = re.findall(rf"^- \*\*{rule}\*\* (.*)$", TEXT, re.MULTILINE)
    assert {REGISTRY["limits"][name] for name in names} <= numbers(sentence)


def test_the_table_of_limits_is_the_registry_s() -> None:
    [table] = re.findall(r"^## 10\. Limits\n(.*?)^## 11", TEXT, re.MULTILINE | re.DOTALL)
    named: tuple[str, ...] = (
        "kind",
        "id",
        "target_bytes",
        "target_number",
        "extension_entries",
        "extension_bytes",
    )
    named += ("extension_key", "extension_key_bytes", "value_depth", "tracestate_bytes")
    named += (
        "tracestate_members",
        "baggage_entries",
        "baggage_bytes",
        "content_format",
        "max_frame",
    )
    assert {REGISTRY["limits"][name] for name in named} <= numbers(table)


def rows(table: str) -> dict[int, str]:
    """Number to name in a table of the specification whose columns come in pairs."""
    cells = re.findall(r"\| (\d+) \| ([A-Za-z_-]+)", table)
    return {int(number): name.lower().replace("-", "_") for number, name in cells}


def test_tables_of_statuses_and_keys_are_the_registry_s() -> None:
    [statuses] = re.findall(r"^### 2\.2 .*?\n(.*?)^## 3", TEXT, re.MULTILINE | re.DOTALL)
    assert rows(statuses) == {number: name for name, number in REGISTRY["statuses"].items()}
    [keys] = re.findall(r"^### 3\.4 .*?\n(.*?)^### 3\.5", TEXT, re.MULTILINE | re.DOTALL)
    assert rows(keys) == {
        number: name for name, number in REGISTRY["keys"].items() if name != "ranges"
    }


def test_the_kinds_in_the_table_of_fields_are_the_registry_s() -> None:
    [kinds] = re.findall(r"^\| kind \| uint \| (.*) \|$", TEXT, re.MULTILINE)
    listed = {name: int(number) for number, name in re.findall(r"(\d) (\w+)", kinds)}
    assert listed == REGISTRY["kinds"]
