"""A key and a kind that are assigned in a copy of the tables: both halves know them alike."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tracewire

KEYS = """
    Key(65015, "priority", "U-8", Uint(most=255)),
    Key(65016, "demand", "U-9", Uint(read_as=9)),
    Key(40_001, "label", "U-10", usable.tracestate),
    Key(65019, "origin", "U-11", usable.trace_ids, sheds=0),
)

#: The keys that the specification may"""
KINDS = """
    KindRow(Kind.ITEM, "F-9", "F-13", relayed=True),
    KindRow(Kind.RUMOUR, "F-10", "F-12"),
)

KINDS: Final"""
#: What is written where, in the copy.
ASSIGNED = (
    ("keys.py", "\n)\n\n#: The keys that the specification may", KEYS),
    ("kinds.py", "\n)\n\nKINDS: Final", KINDS),
    ("constants.py", "    PONG = 7\n", "    PONG = 7\n    ITEM = 32_769\n    RUMOUR = 40_000\n"),
)

#: Runs each case on both halves, and prints what came of it.
PROGRAM = """
from tracewire.codec import reference
from tracewire.codec.compiled import _speedups
from tracewire.codec.counters import counters
from tracewire.codec.errors import FrameError
from tracewire.codec.value import RawItem

def outcome(case, codec):
    before = counters()
    try:
        result = case(codec)
    except FrameError as error:
        result = error.rule
    grown = {name: n - before[name] for name, n in counters().items() if n != before[name]}
    return (result, grown) if grown else result

def read(codec, data):
    frame = codec.decode(data)
    return (repr(frame.kind), frame.id, frame.target, repr(dict(frame.extensions)))

def request(codec, extensions, trace=None):
    data = codec.encode_request(1, "m", b"", trace, extensions)
    return data.hex(), read(codec, data)[3]

def raw(codec, key, item):
    frame = codec.Frame(0, 1, "m", raw_extensions={key: RawItem(bytes.fromhex(item))})
    return read(codec, codec.encode(frame))[3]

def restamped(codec, kind, id, target):
    data = codec.encode(codec.Frame(kind, id, target, b"", None, {65015: 1}))
    return codec.restamp(data, codec.TraceContext(1, 2, 1)) == data

def made(codec, kind, id, target):
    return read(codec, codec.encode(codec.Frame(kind, id, target)))

def full(codec):
    extensions = {"fill": bytes(16_320), 65019: codec.TraceContext(1, 2, 1)}
    data = codec.encode_request(1, "m", b"", codec.TraceContext(3, 4, 1), extensions)
    frame = codec.decode(data)
    return sorted(map(str, frame.raw_extensions))

"""

#: Expressions of a half `c`, and what they come to.
CASES = {
    "request(c, {65015: 7})": ("d9d4f785000161" + "6d40" + "a119fdf707", "{65015: 7}"),
    "request(c, {65015: 255})[1]": "{65015: 255}",
    "request(c, {65015: 256})": "U-8",
    "request(c, {65015: -1})": "U-8",
    "request(c, {65015: None})": "U-8",
    "request(c, {65015: 1, 7: 2, 9: 3, 65_537: 4})[1]": "{7: 2, 9: 3, 65015: 1, 65537: 4}",
    "request(c, {65015: 1, 65538: 3}, c.TraceContext(1, 2, 1))[1]": "{65015: 1, 65538: 3}",
    "request(c, {65016: 2**64 - 1})[1]": "{65016: 9}",
    "request(c, {40_001: 'a'})[1]": "{40001: 'a'}",
    "request(c, {40_001: 5})": "U-10",
    "request(c, {40_003: 5, 40_005: None})[1]": "{40003: 5, 40005: None}",
    "c.encode_response(1, b'', 0, {65015: 256})": "U-8",
    "c.encode_notification('m', b'', None, {40_001: 1})": "U-10",
    "raw(c, 65015, '190100')": ("{}", {"unusable_priority": 1}),
    "raw(c, 65015, '18ff')": "{65015: 255}",
    "raw(c, 65016, '20')": ("{}", {"unusable_demand": 1}),
    "raw(c, 40_001, '05')": ("{}", {"unusable_label": 1}),
    "raw(c, 65019, '05')": ("{}", {"unusable_origin": 1}),
    "request(c, {65019: 5})[1]": ("{}", {"shed_origin": 1}),
    "type(c.decode(c.wrap(b'', None, {65019: c.TraceContext(1, 2, 1)})).extensions[65019])"
    " is c.TraceContext": True,
    "full(c)": (["1", "fill"], {"shed_origin": 1}),
    "made(c, 32_769, 1, 4)": ("<Kind.ITEM: 32769>", 1, 4, "{}"),
    "made(c, 32_769, 0, 4)": "F-9",
    "made(c, 32_769, 1, 'm')": "F-13",
    "made(c, 40_000, 0, 'm')": ("<Kind.RUMOUR: 40000>", 0, "m", "{}"),
    "made(c, 40_000, 1, 'm')": "F-10",
    "made(c, 40_000, 0, 4)": "F-12",
    "made(c, 32_768, 0, 'm')": ("32768", 0, "m", "{}"),
    "made(c, 39_999, 5, 4)": ("39999", 5, 4, "{}"),
    "made(c, 40_001, 5, 4)": ("40001", 5, 4, "{}"),
    "restamped(c, 32_769, 1, 4)": False,
    "restamped(c, 40_000, 0, 'm')": True,
    "restamped(c, 32_768, 0, 'm')": True,
    "restamped(c, 7, 1, 0)": True,
}


@pytest.fixture(scope="module")
def assigned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package, in which more is assigned."""
    folder = tmp_path_factory.mktemp("assigned")
    installed = Path(tracewire.__file__).parent
    shutil.copytree(installed, folder / "tracewire", ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in ASSIGNED:
        path = folder / "tracewire" / "codec" / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    return folder


def run(folder: Path, program: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("half", ["reference", "_speedups"])
def test_a_half_knows_what_was_assigned(assigned: Path, half: str) -> None:
    lines = [f"print(repr(outcome(lambda c: {case}, {half})))" for case in CASES]
    outcomes = run(assigned, PROGRAM + "\n".join(lines))
    assert dict(zip(CASES, outcomes, strict=True)) == {c: repr(o) for c, o in CASES.items()}


def test_what_is_assigned_in_a_copy_is_unknown_here() -> None:
    program = "from tracewire.codec.keys import KEYS; print(65015 in KEYS, 9 in KEYS)"
    assert run(Path(tracewire.__file__).parents[1], program) == ["False True"]


def test_a_key_outside_those_of_the_specification_is_no_row(assigned: Path) -> None:
    keys = assigned / "tracewire" / "codec" / "keys.py"
    text = keys.read_text()
    keys.write_text(text.replace("Key(40_001,", "Key(65_536,"))
    program = "from tracewire.codec.compiled import _speedups"
    try:
        with pytest.raises(AssertionError, match="key 65536 lies outside"):
            run(assigned, program)
    finally:
        keys.write_text(text)
