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
from tests.unit.judged import JUDGED
from tests.unit.vector_files import AREAS, FOLDER, everything
from tracewire.codec import constants, kinds
from tracewire.codec.constants import Kind, Status
from tracewire.codec.errors import SENTENCES
from tracewire.codec.keys import ROWS, Key
from tracewire.protocol.connection.shutdown import TRANSITIONS, State, Trigger
from tracewire.spec.suite.live_cases import live_cases

HOME = Path(tracewire.spec.__file__).parent
TEXT = (HOME / "tracewire.md").read_text()
REGISTRY: dict[str, Any] = tomllib.loads((HOME / "registry.toml").read_text())
SENTENCE_OF: dict[str, str] = dict(re.findall(r"^- \*\*([A-Z]-\d+)\*\* (.*)$", TEXT, re.MULTILINE))
RULES = re.findall(r"^- \*\*([A-Z]-\d+)\*\* ", TEXT, re.MULTILINE)
WITH_VECTORS = [rule for rule in RULES if rule[0] in "FXUELMS" and rule not in JUDGED]
#: Rules of connections that have vectors, because they are about the bytes of payloads.
ABOUT_BODIES = {"C-8", "C-21", "C-22", "C-37", "C-38", "C-51", "C-65"}
ROOT = Path(__file__).parents[2]

#: The words of BCP 14, which make a sentence a requirement.
WORDS = re.compile(r"\b(MUST|SHALL|SHOULD|REQUIRED|RECOMMENDED|MAY|OPTIONAL)\b")

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


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_one_sentence_with_one_requirement_word(rule: str) -> None:
    sentence = SENTENCE_OF[rule]
    assert len(WORDS.findall(sentence)) == 1
    assert sentence.endswith(".") or sentence.endswith(")")
    assert re.findall(r"[.!?] [A-Z]", sentence) == []
    assert re.findall(r"\b[Nn]either\b.*MUST", sentence) == []


def test_requirement_words_stand_in_rules_alone() -> None:
    outside = re.sub(r"^- \*\*[A-Z]-\d+\*\* .*$", "", TEXT, flags=re.MULTILINE)
    [words] = re.findall(r"^### 1\.1 .*?\n\n(.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)
    assert WORDS.findall(outside.replace(words, "")) == []


def test_rules_that_are_mentioned_exist() -> None:
    mentioned = set(re.findall(r"\b([A-Z]-\d+)\b", TEXT))
    assert {rule for rule in mentioned if rule[0] in "FXUELMSNGCTR"} <= set(RULES)


def test_what_judges_a_rule_exists() -> None:
    cases = {f"live:{case.id}" for case in live_cases()}
    vectors = {f"vector:{vector['id']}" for vector in everything()}
    named = set(JUDGED.values()) - cases - vectors
    assert [each for each in sorted(named) if not is_test(each)] == []


def is_test(name: str) -> bool:
    """Whether such a test is in the repository."""
    path, _, function = name.partition("::")
    file = ROOT / path
    return file.is_file() and f"def {function}(" in file.read_text(encoding="utf-8")


def test_every_rule_about_behaviour_is_judged() -> None:
    cases = {case.rule for case in live_cases()}
    behaviour = {rule for rule in RULES if rule[0] in "NGCTR"}
    assert behaviour - cases - set(JUDGED) == set()
    assert set(RULES) >= set(JUDGED)


def test_every_rule_about_bytes_is_obeyed_and_broken_by_a_vector() -> None:
    obeyed = {rule for vector in everything() for rule in vector.get("obeys", ())}
    broken = {vector["breaks"] for vector in everything() if "breaks" in vector}
    assert set(WITH_VECTORS) - obeyed == set()
    assert set(WITH_VECTORS) - broken == set()
    assert obeyed | broken == set(WITH_VECTORS) | ABOUT_BODIES


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
    keys = {name: key for name, key in REGISTRY["keys"].items() if name != "ranges"}
    assert {row.name: row.number for row in ROWS} == keys
    by_name = {n: v for n, v in vars(constants).items() if n.lower() in keys}
    assert by_name == {name: keys[name.lower()] for name in by_name}
    assert REGISTRY["frame"]["magic"] == constants.MAGIC.hex()
    assert int(REGISTRY["frame"]["magic"][2:], 16) == REGISTRY["frame"]["tag"]


def test_each_kind_and_each_key_has_one_row() -> None:
    assert [row.kind for row in kinds.ROWS] == list(Kind)
    assert len({row.number for row in ROWS}) == len({row.rule for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_rule_of_a_key_tells_what_is_usable(row: Key) -> None:
    [section] = re.findall(r"^### 3\.5 .*?\n(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)
    assert re.search(rf"^- \*\*{row.rule}\*\* .*{row.name.replace('_', '-')}", section, re.M)


@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.kind.name)
def test_the_rules_of_a_kind_name_it(row: kinds.KindRow) -> None:
    name = row.kind.name.lower()
    others = "F-14"  # speaks of every other kind
    for rule in {row.id_rule, row.target_rule} - {others}:
        [sentence] = re.findall(rf"^- \*\*{rule}\*\* (.*)$", TEXT, re.MULTILINE)
        assert name in sentence


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
        ("C-4", ["invalid_records"]),
        ("C-17", ["linger_seconds"]),
        ("C-37", ["connection_payload"]),
        ("C-54", ["linger_seconds"]),
        ("C-59", ["discard_seconds"]),
        ("C-84", ["unqueued_bytes"]),
        ("C-87", ["write_buffer"]),
        ("C-94", ["write_buffer_server"]),
        ("C-102", ["queued_bytes"]),
        ("C-95", ["stall_bytes", "stall_seconds"]),
    ],
)
def test_numbers_in_rules_are_the_registry_s(rule: str, names: list[str]) -> None:
    known = REGISTRY["limits"] | REGISTRY["waiting"]
    assert {known[name] for name in names} <= numbers(SENTENCE_OF[rule])


#: The rows of section 10, and the numbers of the registry that stand in each.
LIMIT_ROWS = {
    "kind": "kind",
    "id": "id",
    "target, text": "target_bytes",
    "target, number": "target_number",
    "extensions": "extension_entries extension_bytes",
    "extension key": "extension_key extension_key_bytes",
    "depth of values": "value_depth",
    "binary trace context": "trace_bytes trace_version",
    "tracestate": "tracestate_bytes tracestate_members tracestate_long_member",
    "baggage": "baggage_entries baggage_bytes",
    "timeout": "timeout",
    "content-format": "content_format",
    "length prefix": "stream_prefix",
    "maximum frame": "max_frame",
    "maximum frame that a hello announces": "max_frame_least",
    "agent": "agent_bytes",
    "payload of hello, goaway and error": "connection_payload",
    "body of an error, text of a goaway": "error_bytes",
    "invalid records": "invalid_records",
    "ping strikes": "ping_strikes ping_interval_seconds",
    "lingering": "linger_seconds",
    "discarding": "discard_seconds",
    "unfinished record": "record_seconds",
    "calls in flight": "in_flight_connection in_flight_server",
    "what goes without waiting": "unqueued_bytes",
    "write buffer, what may not start yet": "write_buffer",
    "what one that may not start yet counts beside its payload": "queued_bytes",
    "write buffers of a server": "write_buffer_server",
    "stall": "stall_bytes stall_seconds stall_idle_times",
    "numbers of a fanout pair": "fanout_number",
}


def test_the_table_of_limits_is_the_registry_s() -> None:
    [table] = re.findall(r"^## 10\. Limits\n(.*?)^## 11", TEXT, re.MULTILINE | re.DOTALL)
    cells = dict(re.findall(r"^\| ([^|]+) \| ([^|]*\d[^|]*) \|", table, re.MULTILINE))
    known = REGISTRY["limits"] | REGISTRY["waiting"]
    assert cells.keys() == LIMIT_ROWS.keys()
    assert sorted(" ".join(LIMIT_ROWS.values()).split()) == sorted(known)
    for row, names in LIMIT_ROWS.items():
        assert {known[name] for name in names.split()} <= numbers(cells[row]), row


def test_what_is_never_assigned_is_the_registry_s() -> None:
    [sentence] = re.findall(r"will never be: (.*?)\.", TEXT, re.DOTALL)
    assert numbers(sentence) == set(REGISTRY["unassigned"].values())


def test_the_table_of_states_is_the_code_s() -> None:
    columns = [
        Trigger.DRAIN,
        Trigger.GOAWAY,
        Trigger.IDLE,
        Trigger.END,
        Trigger.FAULT,
        Trigger.EXPIRE,
        Trigger.LOST,
    ]
    [section] = re.findall(r"^### 7\.11 .*?\n(.*?)^\| state \| entered", TEXT, re.M | re.S)
    table = {}
    for line in re.findall(r"^\| ([A-Z]+ \|.*) \|$", section, re.MULTILINE):
        state, *cells = line.split(" | ")
        ways = zip(columns, cells, strict=True)
        table[State[state]] = {event: State[cell] for event, cell in ways if cell != "."}
    assert table == TRANSITIONS


def test_the_table_of_names_is_the_registry_s() -> None:
    [section] = re.findall(r"^## 14\. .*?\n(.*?)^## Annex", TEXT, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| `(tracewire\.\w+)` \|", section, re.MULTILINE)
    assert listed == [*REGISTRY["names"]["methods"], *REGISTRY["names"]["text_keys"]]


def test_the_table_of_faults_names_statuses_and_rules_that_exist() -> None:
    [section] = re.findall(r"^### 7\.12 .*?\n(.*?)^### 7\.13", TEXT, re.MULTILINE | re.DOTALL)
    faults = [line for line in section.splitlines() if line.startswith("| ")][1:]
    named = set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b", "\n".join(faults)))
    states = {state.name for state in State}
    assert named - states <= {status.name for status in Status} | {"OK"}
    assert [line for line in faults if not re.search(r"\| [A-Z]-\d+(, [A-Z]-\d+)* \|$", line)] == []


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
