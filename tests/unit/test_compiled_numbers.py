"""Numbers that are constants of C are those of the registry and of the reference."""

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tracewire.spec
from tracewire.codec import constants, item, keys
from tracewire.codec.compiled import _speedups
from tracewire.codec.constants import MAGIC
from tracewire.codec.errors import SENTENCES
from tracewire.codec.reference import TraceContext, encode_request
from tracewire.codec.value import encode_head, encode_value

ROOT = Path(__file__).parents[2]
REGISTRY: dict[str, Any] = tomllib.loads(
    (Path(tracewire.spec.__file__).parent / "registry.toml").read_text()
)
NUMBERS: dict[str, Any] = _speedups._numbers()  # type: ignore[attr-defined]
IDS = TraceContext(0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718, 0x19)
#: The same ids as they are encoded: a head, the version, then each after the number of its field.
ENCODED = encode_request(1, "m", b"", IDS)[-NUMBERS["trace_encoded"] :]


def test_heads_of_a_frame() -> None:
    elements = REGISTRY["frame"]
    plain, extended = elements["base_elements"], elements["extended_elements"]
    assert NUMBERS["prefix"] == len(MAGIC) + 1
    assert bytes([NUMBERS["array_4"]]) == encode_head(item.ARRAY, plain)
    assert bytes([NUMBERS["array_5"]]) == encode_head(item.ARRAY, extended)


def test_types_and_simple_values_of_cbor() -> None:
    types = (item.UINT, item.NINT, item.BSTR, item.TSTR)
    assert NUMBERS["majors"] == (*types, item.ARRAY, item.MAP, item.TAG, item.SIMPLE)
    assert (NUMBERS["false_info"], NUMBERS["null_info"]) == (item.FALSE, item.NULL)
    assert bytes([NUMBERS["false_byte"]]) == encode_value(False)


def test_places_in_a_trace_context() -> None:
    size = NUMBERS["trace_bytes"]
    assert size == REGISTRY["limits"]["trace_bytes"] == constants.TRACE_BYTES
    assert len(ENCODED) == len(encode_value(bytes(size)))
    assert encode_value(ENCODED[-size:]) == ENCODED
    at = NUMBERS["at_version"]
    assert at == len(ENCODED) - size
    trace_id, span_id = (slice(NUMBERS[f"at_{name}_id"], None) for name in ("trace", "span"))
    assert ENCODED[trace_id].startswith(IDS.trace_id.to_bytes(16, "big"))
    assert ENCODED[span_id].startswith(IDS.span_id.to_bytes(8, "big"))
    assert ENCODED[NUMBERS["at_flags"]] == IDS.flags


def test_printable_characters() -> None:
    printable = [n for n in range(128) if chr(n).isprintable()]
    assert NUMBERS["printable"] == (printable[0], printable[-1])
    assert printable == list(range(printable[0], printable[-1] + 1))


def test_the_prefix_of_a_stream() -> None:
    size = NUMBERS["stream_prefix"]
    assert size == REGISTRY["limits"]["stream_prefix"] == constants.STREAM_PREFIX
    assert NUMBERS["longest_record"] == int.from_bytes(b"\xff" * size, "big")


def test_tables_have_room_for_all_that_can_be_assigned() -> None:
    assert NUMBERS["kinds"] == REGISTRY["limits"]["kind"] + 1
    first, last = REGISTRY["keys"]["ranges"]["assigned_by_specification"]
    assert NUMBERS["specified_keys"] == last + 1
    assert range(first, last + 1) == keys.SPECIFIED


def test_the_keys_of_the_trace_are_the_first_and_have_short_heads() -> None:
    """The writer puts them before all others, each in a head of one byte."""
    assert tuple(sorted(keys.KEYS)[:2]) == keys.TRACED  # type: ignore[type-var]
    assert [len(encode_head(item.UINT, key)) for key in keys.TRACED] == [1, 1]


def test_rules_have_the_names_of_their_constants() -> None:
    bytes_ = [rule for rule in SENTENCES if rule[0] in "FX" and rule != "X-11"]  # that is unwrap's
    known = [_speedups._rule_id(at) for at in range(len(bytes_) + 1)]  # type: ignore[attr-defined]
    assert known == [None, *bytes_]


BUILT = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("tracewire.codec.compiled._speedups", sys.argv[1])
half = module_from_spec(spec)
spec.loader.exec_module(half)
print(half._rule_id(1))
try:
    half._rule_id(1_000)
except IndexError as error:
    print(error)
"""


@pytest.mark.once
def test_a_debug_build_checks_bounds(tmp_path: Path) -> None:
    environment = {**os.environ, "TRACEWIRE_DEBUG_BUILD": "1", "TRACEWIRE_SANITIZE": ""}
    environment |= {"TRACEWIRE_REQUIRE_EXTENSIONS": "1", "TRACEWIRE_NO_EXTENSIONS": ""}
    build = [sys.executable, "setup.py", "-q", "build_ext"]
    build += [f"--build-lib={tmp_path / 'lib'}", f"--build-temp={tmp_path / 'temp'}"]
    subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, check=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    built = tmp_path / "lib/tracewire/codec/compiled" / f"_speedups{suffix}"
    program = [sys.executable, "-c", BUILT, str(built)]
    pure = {**os.environ, "TRACEWIRE_PURE_PYTHON": "1"}  # so that nothing else has loaded it
    ran = subprocess.run(program, env=pure, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["F-1", "tuple index out of range"], ran.stderr
