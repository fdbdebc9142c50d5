"""Every frame vector, judged by the CDDL: it refuses no valid frame, and lets pass no invalid one
but where CDDL, or pycddl, is known to say nothing."""

from pathlib import Path

import pycddl
import pytest

import tracewire.spec
from tests.unit.vector_files import Json, data, load

TEXT = Path(tracewire.spec.__file__).with_name("frame.cddl").read_text()

#: pycddl judges a range, or a size, of a map's key by the map. It is given plain types instead.
KEY = "key = (1..4294967295) / (tstr .size (1..64))"
PLAIN_KEY = "key = uint / tstr"

#: What CDDL cannot say: heads, lengths, UTF-8 and what follows the item are below its data model.
BEYOND_CDDL = {"F-2", "F-3", "F-4", "F-18", "X-3", "X-7", "X-9"}
#: What pycddl 0.6 lets pass though frame.cddl says it.
FAULTS = {
    "F-5": "a tag in a longer head, and the content without its tag",
    "F-8": "bytes where a range of numbers is asked for",
    "F-11": "bytes and numbers where text of a size is asked for",
    "F-12": "a number where text of a size is asked for",
    "F-13": "bytes where a range of numbers is asked for",
    "F-15": "bytes where a range of numbers is asked for",
    "F-17": "an array or a tag where bytes are asked for",
    "X-1": "other types where a map is asked for",
    "X-4": "negative keys, and keys of any type after the first",
    "X-5": "the range of a key, which it is not given",
    "X-6": "the size of a key, which it is not given",
    "X-8": "undefined, some tags, and any other value inside an array or a map",
    "X-10": "keys of other types",
}

FRAMES = [*load("frames"), *load("values")]
VALID = [vector for vector in FRAMES if "error" not in vector["expect"]]
INVALID = [vector for vector in FRAMES if "error" in vector["expect"]]


@pytest.fixture(scope="module")
def schema() -> pycddl.Schema:
    return pycddl.Schema(TEXT.replace(KEY, PLAIN_KEY))


def accepts(schema: pycddl.Schema, frame: bytes) -> bool:
    try:
        schema.validate_cbor(frame)
    except pycddl.ValidationError:
        return False
    return True


def test_the_schema_refuses_no_valid_frame(schema: pycddl.Schema) -> None:
    assert [v["id"] for v in VALID if not accepts(schema, data(v["hex"]))] == []


def rules_let_pass(schema: pycddl.Schema) -> set[str]:
    return {rule_of(v) for v in INVALID if accepts(schema, data(v["hex"]))}


def rule_of(vector: Json) -> str:
    rule: str = vector["expect"]["error"]["rule"]
    return rule


def test_what_the_schema_lets_pass_is_listed(schema: pycddl.Schema) -> None:
    assert rules_let_pass(schema) == BEYOND_CDDL | set(FAULTS)


def test_pycddl_still_cannot_judge_the_keys_as_they_are_written() -> None:
    assert KEY in TEXT
    not_sampled = bytes.fromhex("d9d4f7850001616140a101f4")
    assert not accepts(pycddl.Schema(TEXT), not_sampled)
