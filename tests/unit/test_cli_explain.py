"""`tracewire explain`: every byte named, up to the fault, and nothing that a terminal obeys."""

from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.checks import BINARY_TRACE, SPAN_ID, TRACE_ID, frame_bytes
from tests.unit.tool import CUT, decoded, run
from tests.unit.vector_files import data as written
from tests.unit.vector_files import load
from tracewire.codec import decode, to_stream
from tracewire.codec.keys import KEYS
from tracewire.spec.tool.commands import group
from tracewire.spec.tool.frames.annotate import Field, annotate
from tracewire.spec.tool.frames.unusable import unusable_keys

#: A request up to its extension map.
EXTENDED = bytes.fromhex("d9d4f7850001616140")

FRAMES = [pytest.param(written(vector["hex"]), id=vector["id"]) for vector in load("frames")]
VALUES = [pytest.param(vector, id=vector["id"]) for vector in load("values")]


def named(data: bytes) -> list[tuple[str, str]]:
    """The fields of a frame as their names and meanings."""
    return [(field.name, field.meaning) for field in annotate(data)[0]]


def meaning_of(key: int | str, value: object, payload: bytes = b"") -> list[tuple[str, str]]:
    """What is said of one extension: of its key, then of its value."""
    return named(frame_bytes(payload=payload, extensions={key: value}))[7:]


def check(data: bytes) -> list[Field]:
    """What holds of any bytes: the fields cover them, and the verdict is decode's."""
    fields, fault = annotate(data)
    assert b"".join(field.data for field in fields) == data
    ends = [field.offset + len(field.data) for field in fields]
    assert [field.offset for field in fields[1:]] == ends[:-1]
    assert (fault and (fault.rule, fault.offset)) == decoded(data)
    return fields


def test_the_example_names_every_field() -> None:
    done = run("explain", "d9d4f785000763612e6240a101f4")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "offset  bytes     field       meaning",
        "     0  d9d4f7    tag         54519: a Tracewire frame",
        "     3  85        array       5 elements: base frame and extensions",
        "     4  00        kind        request",
        "     5  07        id          7",
        '     6  63612e62  target      method "a.b"',
        "    10  40        payload     0 bytes: no value",
        "    11  a1        extensions  map of 1 entry",
        "    12  01          key       1: trace",
        "    13  f4            value   false: not sampled, as decided upstream",
        "valid: 14 bytes, not sampled",
    ]


def test_the_documentation_shows_the_example() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "tool.md").read_text()
    printed = run("explain", "d9d4f785000763612e6240a101f4").stdout
    assert indent(printed, "    ") in documented


def test_an_invalid_frame_is_explained_up_to_its_fault() -> None:
    done = run("explain", CUT)
    assert done.returncode == 1
    *fields, verdict = done.stdout.splitlines()
    assert fields[-1].endswith('method "guild"')
    assert verdict == "invalid: F-1 at offset 12 in payload: the input ends before the item does"


@pytest.mark.parametrize(
    ("data", "last"),
    [
        ("d9d4f78400f5", Field(5, b"\xf5", 0, "id", "1 byte from the fault on (F-8)")),
        ("d9d4f784000161616161", Field(8, b"aa", 0, "payload", "2 bytes from the fault on (F-17)")),
        ("d9d4f78400016161", Field(6, b"aa", 0, "target", 'method "a"')),
        ("d9d4f784000163616", Field(6, b"caa", 0, "target", "3 bytes: incomplete")),
        ("d9d4f78400016161400a0b", Field(9, b"\n\x0b", 0, "rest", "2 bytes after the frame")),
        ("d9d4", Field(0, b"\xd9\xd4", 0, "tag", "2 bytes: incomplete")),
        ("7b7d", Field(0, b"{}", 0, "tag", "2 bytes from the fault on (F-5)")),
    ],
)
def test_what_was_not_read_is_the_last_field(data: str, last: Field) -> None:
    fields, _ = annotate(bytes.fromhex(data + "1" * (len(data) % 2)))
    assert fields[-1] == last


@pytest.mark.parametrize("data", FRAMES)
def test_the_fields_cover_every_vector_and_the_verdict_is_decodes(data: bytes) -> None:
    check(data)


@given(
    st.one_of(st.binary(), st.binary().map(lambda end: bytes.fromhex("d9d4f785000161614040") + end))
)
def test_the_fields_cover_any_bytes_and_the_verdict_is_decodes(data: bytes) -> None:
    check(data)


@given(st.sampled_from([written(v["hex"]) for v in load("values")]), st.data())
def test_the_fields_cover_a_frame_that_is_cut_or_changed(frame: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frame) - 1))
    check(frame[:at])
    check(frame[:at] + bytes([data.draw(st.integers(0, 255))]) + frame[at + 1 :])


@pytest.mark.parametrize("vector", VALUES)
def test_values_are_called_unusable_as_the_vectors_say(vector: Any) -> None:
    frame = written(vector["hex"])
    said = [field.meaning for field in annotate(frame)[0] if "reads as absent" in field.meaning]
    assert len(said) == len(vector["expect"]["unusable"])
    names = [KEYS[key].name for key in unusable_keys(decode(frame))]
    assert sorted(names) == sorted(vector["expect"]["unusable"])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (1, False, ["1: trace", "false: not sampled, as decided upstream"]),
        (1, True, ["1: trace", "true: unusable (U-1), reads as absent"]),
        (3, "a=1", ["3: tracestate", '"a=1": unusable (U-2), reads as absent']),
        (7, 1_500_000, ["7: timeout", "1500000: 1.5 s left"]),
        (7, 0, ["7: timeout", "0: expired"]),
        (7, -1, ["7: timeout", "-1: unusable (U-4), reads as absent"]),
        (9, 60, ["9: content-format", "60: application/cbor"]),
        (9, 50, ["9: content-format", "50"]),
        (21, None, ["21: odd, not assigned, may be ignored", "null"]),
        (65537, b"\1", ["65537: odd, an experiment, may be ignored", "h'01'"]),
        (65538, [], ["65538: even, a receiver must understand it (X-11)", "array of 0 elements"]),
        ("tenant", "a", ['"tenant": of the application', '"a"']),
        (11, [9, 2], ["11: fanout", "array of 2 elements: 2 of 9 recipients kept", "9", "2"]),
        (5, {"u": "v"}, ["5: baggage", "map of 1 pair", '"u"', '"v"']),
    ],
)
def test_each_extension_says_what_it_means(key: int | str, value: object, said: list[str]) -> None:
    assert [meaning for _, meaning in meaning_of(key, value)] == said


def test_fanout_says_how_many_are_still_to_draw() -> None:
    (_, _), (_, said), *_ = meaning_of(11, [1, 1, 50])
    assert said == "array of 3 elements: 1 of 1 recipient kept, 50 recipients still to draw"


@pytest.mark.parametrize("key", [1, 13])
def test_a_trace_context_is_taken_apart(key: int) -> None:
    fields = meaning_of(key, b"\1" + BINARY_TRACE[1:] + b"new")
    assert fields[1:] == [
        ("value", "32 bytes: a trace context"),
        ("version", "1"),
        ("trace id", f"{TRACE_ID:032x}"),
        ("parent id", f"{SPAN_ID:016x}"),
        ("flags", "01: sampled"),
        ("rest", "of a later version, not read"),
    ]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (frame_bytes(0, 1, "a"), ["request", "1", 'method "a"']),
        (frame_bytes(1, 1, 0), ["response", "1", "status 0: OK"]),
        (frame_bytes(1, 1, 12), ["response", "1", "status 12: UNIMPLEMENTED"]),
        (frame_bytes(1, 1, 99), ["response", "1", "status 99: reads as UNKNOWN"]),
        (frame_bytes(2, 0, "a"), ["notification", "0: nothing is answered", 'method "a"']),
        (
            frame_bytes(2, 0, ""),
            ["notification", "0: nothing is answered", "empty: an envelope around a message"],
        ),
        (frame_bytes(6, 7, 0), ["ping", "7", "0"]),
        (frame_bytes(32768, 7, "a"), ["32768: unknown, to be dropped", "7", '"a"']),
        (frame_bytes(32768, 7, 5), ["32768: unknown, to be dropped", "7", "5"]),
    ],
)
def test_each_kind_says_what_its_fields_mean(frame: bytes, said: list[str]) -> None:
    assert [meaning for _, meaning in named(frame)[2:5]] == said


@pytest.mark.parametrize(
    ("target", "extensions", "payload", "said"),
    [
        ("a", None, b"", "0 bytes: no value"),
        ("a", None, b"\xa1\x61a\xf6", '4 bytes: CBOR {"a": null}'),
        ("a", None, b"\x83\x01\x20\x41\xff", "5 bytes: CBOR [1, -1, h'ff']"),
        ("a", None, b"aabc", '4 bytes: text "aabc"'),
        ("a", None, b"\xff\xfe", "2 bytes"),
        ("a", None, b"\x1b[2J", '4 bytes: text "\\x1b[2J"'),
        ("a", None, b"a\0b", "3 bytes"),
        ("a", None, b"\x00", "1 byte: CBOR 0"),
        ("a", {9: 50}, b"cabc", '4 bytes: text "cabc"'),
        ("a", {9: 60}, b"cabc", '4 bytes: CBOR "abc"'),
        ("", None, b"cabc", '4 bytes: text "cabc"'),
        ("", None, b"\xa1\x61a\xf6", '4 bytes: CBOR {"a": null}'),
        ("a", None, b"\x59\x10\x00" + bytes(4096), "4,099 bytes"),
        ("a", None, b"x" * 61, f'61 bytes: text "{"x" * 60}"…'),
        ("a", None, "é".encode() * 3000, f'6,000 bytes: text "{"é" * 60}"…'),
        ("a", None, b"\x99\x01\x00" + b"\x01" * 256, f"259 bytes: CBOR [{'1, ' * 53}…"),
    ],
)
def test_a_payload_is_shown_where_it_reads_as_a_value_or_as_text(
    target: str, extensions: dict[int | str, object] | None, payload: bytes, said: str
) -> None:
    kind = 0 if target else 2
    frame = frame_bytes(kind, 1 - kind // 2, target, payload, extensions)
    assert dict(named(frame))["payload"] == said


@given(st.text(min_size=1, max_size=50), st.text(max_size=99), st.text(max_size=300))
def test_remote_text_never_reaches_the_terminal_as_control(
    target: str, key: str, value: str
) -> None:
    frame = frame_bytes(
        target=target, payload=value.encode(), extensions={5: {key: value}, "k" + key[:15]: value}
    )
    printed = CliRunner().invoke(group, ["explain", frame.hex()])
    assert printed.exit_code == 0
    assert all(char.isprintable() for line in printed.stdout.split("\n") for char in line)


def test_markup_and_marks_of_direction_are_shown_as_they_are() -> None:
    done = run("explain", frame_bytes(target='[red]x[/red]\u202e\x1b[2J:smile:\\"').hex())
    assert 'method "[red]x[/red]\\u202e\\x1b[2J:smile:\\\\\\""' in done.stdout


def test_long_fields_are_shortened() -> None:
    frame = frame_bytes(payload=bytes(1 << 20), extensions={65537: b"\xff" * 16_000})
    done = run("explain", "-", stdin=frame)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) < 200


def test_deep_values_are_indented_so_far_and_no_further() -> None:
    value: object = 1
    for _ in range(16):
        value = [value]
    lines = run("explain", frame_bytes(extensions={65537: value}).hex()).stdout.splitlines()
    indents = [line.index(word) for line in lines for word in ("element ",) if word in line]
    assert len(indents) == 16
    assert indents[:5] == [indents[0] + 2 * step for step in range(5)]
    assert len(set(indents[5:])) == 1


def test_an_existing_file_wins_over_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("explain", "00").returncode == 1
    Path("00").write_bytes(frame_bytes(target="in.the.file"))
    assert "in.the.file" in run("explain", "00").stdout


def test_digits_may_come_as_several_arguments() -> None:
    assert run("explain", "0xd9d4f7", "84 00 01", "6161 40 # comment").returncode == 0


def test_a_frame_of_a_capture_is_chosen_by_its_number(tmp_path: Path) -> None:
    first, second = frame_bytes(target="first"), frame_bytes(target="second")
    file = tmp_path / "capture"
    file.write_bytes(to_stream(first) + to_stream(b"") + to_stream(second))
    assert '"first"' in run("explain", str(file)).stdout
    third = run("explain", "--frame", "3", str(file))
    assert third.stdout.startswith(f"frame 3 at byte {len(first) + 12}\n")
    assert '"second"' in third.stdout
    assert run("explain", "--frame", "2", str(file)).stdout.splitlines() == [
        f"frame 2 at byte {len(first) + 8}",
        "invalid: F-1 at offset 0 in tag: the input ends before the item does",
    ]


def test_a_record_that_a_stream_cuts_off_is_explained_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "capture"
    file.write_bytes(to_stream(frame_bytes(target="cut"))[:-1])
    done = run("explain", str(file))
    assert done.returncode == 1
    *_, last, verdict = done.stdout.splitlines()
    assert last.endswith('method "cut"')
    assert verdict.startswith("invalid: S-3 at offset 10: the stream ends inside a record: 10 of")


def test_notes_follow_a_valid_frame() -> None:
    done = run("explain", frame_bytes(extensions={7: "x", 65538: None, 65540: None}).hex())
    assert done.returncode == 0
    assert done.stdout.splitlines()[-3:] == [
        "valid: 25 bytes, undecided",
        "note: U-4: the timeout must be a uint of microseconds; it reads as absent",
        "note: X-11: even keys must be understood: 65538, 65540",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Missing argument"),
        (["zz.bin"], "zz.bin: no such file, and not hexadecimal digits\n"),
        (["d9d"], "d9d: an odd number of hexadecimal digits (3)"),
        ([""], "'': the input is empty"),
        ([" "], "' ': the input is empty"),
        (["#"], "#: the input is empty"),
        (["0x"], "0x: the input is empty"),
        (["\x1b[2J"], "\\x1b[2J: no such file"),
        (["-"], "stdin: the input is empty"),
        (["/"], "/: Is a directory"),
        (["--frame", "2", "d9d4"], "--frame is for files"),
        (["--frame", "0", "d9d4"], "0 is not in the range"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(arguments: list[str], complaint: str) -> None:
    done = run("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_a_frame_beyond_the_end_of_a_capture_is_said(tmp_path: Path) -> None:
    file = tmp_path / "capture"
    file.write_bytes(frame_bytes())
    done = run("explain", "--frame", "2", str(file))
    assert done.returncode == 2
    assert done.stderr == f"tracewire: {file}: there is no frame 2: 1 read as seq\n"


def test_the_longest_frame_is_a_limit_to_digits_too() -> None:
    frame = frame_bytes()
    limits = [["--max-frame", str(limit)] for limit in (len(frame), len(frame) - 1)]
    for limit, expected in zip(limits, ("valid", "invalid: S-2"), strict=True):
        given = run("explain", *limit, frame.hex())
        piped = run("explain", *limit, "-", stdin=frame)
        judged = run("validate", "-v", *limit, stdin=frame)
        assert given.stdout.splitlines()[-1].startswith(expected)
        assert given.stdout.splitlines()[-1] == piped.stdout.splitlines()[-1]
        codes = {done.returncode for done in (given, piped, judged)}
        assert codes == {int(expected != "valid")}


@pytest.mark.parametrize(
    ("options", "content", "said"),
    [
        ([], b"\xff" * 5000, "at least 1,024 bytes from the fault on (F-5)"),
        ([], b"\xff" * 1024, "1,024 bytes from the fault on (F-5)"),
        (["--input", "raw"], b"\xff" * 5000, "5,000 bytes from the fault on (F-5)"),
        (
            ["--max-frame", "2000"],
            frame_bytes(payload=bytes(5000)),
            "at least 1,992 bytes: not read to its end",
        ),
        ([], frame_bytes(payload=bytes(5000))[:-1], "5,002 bytes: incomplete"),
    ],
)
def test_no_more_is_said_of_a_length_than_is_known(
    options: list[str], content: bytes, said: str
) -> None:
    lines = run("explain", *options, "-", stdin=content).stdout.splitlines()
    assert lines[-2].endswith(f"  {said}")
