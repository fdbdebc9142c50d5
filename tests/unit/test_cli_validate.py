"""`tracewire validate`, as its users run it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from re import findall
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.checks import frame_bytes
from tests.unit.tool import COMMAND, CUT, VALID, read_terminal, run
from tracewire.codec import FrameError, decode, to_stream
from tracewire.spec.tool.commands import group
from tracewire.spec.tool.frames.capture import Record
from tracewire.spec.tool.frames.verdicts import TextVerdicts

FRAME = frame_bytes()
#: A valid frame whose timeout is no uint and whose tracestate stands alone.
UNUSABLE = frame_bytes(extensions={3: "a=1", 7: "soon"})


@pytest.fixture
def capture(tmp_path: Path) -> Any:
    """Writes a file and returns its name."""

    def write(data: bytes, name: str = "capture.bin") -> str:
        file = tmp_path / name
        file.write_bytes(data)
        return str(file)

    return write


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_valid_frame_in_hexadecimal_exits_0() -> None:
    done = run("validate", "--input", "hex", "-", stdin=VALID.encode())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "stdin: 1 frame (hex), 1 valid\n"


def test_an_invalid_frame_exits_1_and_names_rule_and_offset() -> None:
    done = run("validate", "--input", "hex", "-", stdin=CUT.encode())
    assert done.returncode == 1
    assert "F-1 at offset 12" in done.stdout


def test_standard_input_is_read_where_no_file_is_named() -> None:
    assert run("validate", stdin=FRAME).stdout == "stdin: 1 frame (seq), 1 valid\n"


def test_no_file_and_a_terminal_is_wrong_usage() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([*COMMAND, "validate"], stdin=theirs, capture_output=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"FILE" in done.stderr


def test_invalid_frames_and_a_summary_are_printed(capture: Any) -> None:
    records = [FRAME, b"", FRAME + b"\0", FRAME]
    name = capture(b"".join(map(to_stream, records)))
    second, third = len(FRAME) + 8, len(FRAME) + 12
    assert run("validate", name).stdout.splitlines() == [
        f"{name}:{second}: frame 2: invalid: F-1 at offset 0 in tag: "
        "the input ends before the item does",
        f"{name}:{third + len(FRAME)}: frame 3: invalid: F-18 at offset {len(FRAME)}: "
        "bytes follow the end of the item",
        f"{name}: 4 frames (stream), 2 valid, 2 invalid",
    ]


def test_verbose_prints_valid_frames_too(capture: Any) -> None:
    name = capture(FRAME * 2)
    assert run("validate", "--verbose", name).stdout.splitlines() == [
        f"{name}:0: frame 1: valid, {len(FRAME)} bytes",
        f"{name}:{len(FRAME)}: frame 2: valid, {len(FRAME)} bytes",
        f"{name}: 2 frames (seq), 2 valid",
    ]


def test_quiet_prints_nothing(capture: Any) -> None:
    for content, status in ((FRAME, 0), (FRAME + b"\0", 1)):
        done = run("validate", "-q", capture(content))
        assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_unusable_values_are_notes_and_change_no_verdict(capture: Any) -> None:
    name = capture(UNUSABLE)
    done = run("validate", name)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{name}:0: frame 1: note: U-2: unusable as tracestate; it reads as absent",
        f"{name}:0: frame 1: note: U-4: the timeout must be a uint of microseconds; "
        "it reads as absent",
        f"{name}: 1 frame (seq), 1 valid, 2 notes",
    ]


def test_json_is_an_object_on_a_line_for_every_frame(capture: Any) -> None:
    name = capture(to_stream(UNUSABLE) + to_stream(FRAME[:7]))
    first, second = objects(run("validate", "--json", name).stdout)
    notes = first.pop("notes")
    assert [note["rule"] for note in notes] == ["U-2", "U-4"]
    assert all(set(note) == {"rule", "message"} for note in notes)
    assert first == {
        "file": name,
        "frame": 1,
        "at": 4,
        "valid": True,
        "length": len(UNUSABLE),
        "kind": 0,
        "id": 1,
        "rule": None,
        "offset": None,
        "field": None,
        "message": None,
    }
    assert second == {
        "file": name,
        "frame": 2,
        "at": len(UNUSABLE) + 8,
        "valid": False,
        "length": None,
        "kind": 0,
        "id": 1,
        "rule": "F-1",
        "offset": 7,
        "field": "target",
        "message": "F-1 at offset 7 in target: the input ends before the item does",
        "notes": [],
    }


def test_the_names_in_json_are_documented(capture: Any) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "tool.md").read_text()
    table = documented.split("always with these names:")[1].split("Of hexadecimal input")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    names = [name for row in rows for name in findall(r"`(\w+)`", row.split("|")[1])]
    assert names == list(objects(run("validate", "--json", capture(FRAME)).stdout)[0])


def test_a_cut_capture_names_the_byte_after_all_frames_before_it(capture: Any) -> None:
    name = capture((FRAME * 3)[:-1])
    done = run("validate", "-v", name)
    assert done.returncode == 1
    assert done.stdout.count(": valid,") == 2
    assert f"{name}:{3 * len(FRAME) - 1}: frame 3: invalid: F-1" in done.stdout
    assert done.stdout.endswith("2 valid, 1 invalid, stopped at the invalid one (S-5)\n")


def test_files_that_cannot_be_read_hide_nothing_about_the_others(
    capture: Any, tmp_path: Path
) -> None:
    good, missing = capture(FRAME), str(tmp_path / "missing")
    done = run("validate", missing, str(tmp_path), good)
    assert done.returncode == 2
    assert done.stdout == f"{good}: 1 frame (seq), 1 valid\n"
    assert done.stderr.splitlines() == [
        f"tracewire: {missing}: No such file or directory",
        f"tracewire: {tmp_path}: Is a directory",
    ]


def test_an_even_key_is_a_note_since_receivers_may_refuse_it(capture: Any) -> None:
    name = capture(frame_bytes(extensions={65538: None, 65540: None}))
    sentence = "X-11: even keys must be understood: 65538, 65540"
    done = run("validate", name)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{name}:0: frame 1: note: {sentence}",
        f"{name}: 1 frame (seq), 1 valid, 1 note",
    ]
    (verdict,) = objects(run("validate", "--json", name).stdout)
    assert verdict["notes"] == [{"rule": "X-11", "message": sentence}]
    assert f"note: {sentence}" in run("explain", name).stdout


def test_a_cut_stream_names_the_record_that_is_not_all_there(capture: Any) -> None:
    whole = to_stream(FRAME)
    cut = capture(whole + whole[:-1])
    message = (
        f"S-3 at offset {len(FRAME) - 1}: the stream ends inside a record: "
        f"{len(FRAME) - 1} of its {len(FRAME)} bytes are there"
    )
    begins = len(whole) + 4
    assert f"{cut}:{begins}: frame 2: invalid: {message}\n" in run("validate", cut).stdout
    verdict = objects(run("validate", "--json", cut).stdout)[1]
    assert (verdict["at"], verdict["message"]) == (begins, message)
    explained = run("explain", "--frame", "2", cut).stdout.splitlines()
    assert (explained[0], explained[-1]) == (f"frame 2 at byte {begins}", f"invalid: {message}")
    prefix = run("validate", capture(whole + whole[:3])).stdout
    assert "inside a record: 3 of the 4 bytes of its length are there" in prefix


@pytest.mark.parametrize(
    ("form", "record"), [("stream", to_stream(FRAME)), ("seq", FRAME)], ids=["stream", "seq"]
)
def test_a_frame_over_the_maximum_that_ends_reading_is_said(
    form: str, record: bytes, capture: Any
) -> None:
    name = capture(record * 2)
    done = run("validate", "--input", form, "--max-frame", str(len(FRAME) - 1), name)
    summary = f"1 frame ({form}), 1 invalid, stopped at the one longer than --max-frame (S-2)"
    assert done.stdout.splitlines()[-1] == f"{name}: {summary}"


@pytest.mark.parametrize("form", ["auto", "raw", "seq", "stream", "hex"])
def test_an_empty_input_has_one_answer(form: str) -> None:
    for command in ("validate", "explain"):
        done = run(command, "--input", form, "-")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "tracewire: stdin: the input is empty\n"


@pytest.mark.parametrize("text", [" ", "#", "0x", "\n\n", "# a comment\n"])
def test_text_without_a_digit_is_an_empty_input(text: str) -> None:
    for command in ("validate", "explain"):
        done = run(command, "-", stdin=text.encode())
        assert (done.returncode, done.stderr) == (2, "tracewire: stdin: the input is empty\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"op":1}', "it is text, not frames"),
        (b"hello\n", "it is text, not frames"),
        (b"d9d4f7\n84 zz", "it is text, not frames, and not hexadecimal at line 2, column 4"),
        (b"00000000: d9d4", "it is text, not frames, and not hexadecimal at line 1, column 9"),
        ("é".encode() * 5000, "it is text, not frames"),
    ],
)
def test_text_is_called_text(text: bytes, told: str) -> None:
    for command in ("validate", "explain"):
        done = run(command, "-", stdin=text)
        assert done.returncode == 1
        assert f"this is no frame: a frame begins with D9 D4 F7: {told}\n" in done.stdout
    assert "text" not in run("validate", "--input", "seq", stdin=text).stdout
    assert "text" not in run("validate", stdin=b"\xff" + text).stdout


def test_two_frames_in_hexadecimal_are_told_to_be_one_too_many() -> None:
    two = f"{FRAME.hex()}\n{FRAME.hex()}\n"
    for command in (["validate"], ["explain", "-"], ["explain", two]):
        done = run(*command, stdin=two.encode())
        assert done.returncode == 1
        assert "bytes follow the end of the item: hexadecimal input holds one frame" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--max-frame", "4MiB"], "'4MiB' is not a valid whole number, such as 25."),
        (["--max-frame", "0"], "0 is not in the range 1<=x<=4294967295."),
        ([""], "tracewire: '': No such file or directory"),
    ],
)
def test_wrong_usage_is_told_in_plain_words(arguments: list[str], complaint: str) -> None:
    assert complaint in run("validate", *arguments).stderr


@pytest.mark.parametrize("command", ["validate", "explain"])
def test_who_types_the_input_is_told_how_to_end_it(command: str) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"\x04")  # Ctrl-D
    done = subprocess.run(
        [*COMMAND, command, "-"], stdin=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert done.stderr.decode().splitlines() == [
        "tracewire: reading standard input; end it with Ctrl-D",
        "tracewire: stdin: the input is empty",
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--input", "hex"], b"d9d4zz"),
        (["--input", "hex"], b"d9d"),
        (["--input", "auto"], b""),
        (["--input", "json"], FRAME),
        (["--max-frame", "0"], FRAME),
        (["--max-frame", "4294967296"], FRAME),
        (["--json", "--quiet"], FRAME),
        (["--verbose", "--quiet"], FRAME),
        (["--nonsense"], FRAME),
    ],
)
def test_wrong_usage_and_unreadable_input_exit_2(arguments: list[str], stdin: bytes) -> None:
    done = run("validate", *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_the_longest_frame_is_an_option() -> None:
    assert run("validate", "--max-frame", str(len(FRAME)), stdin=FRAME).returncode == 0
    over = run("validate", "--max-frame", str(len(FRAME) - 1), stdin=FRAME)
    assert over.returncode == 1
    assert "S-2" in over.stdout


def test_names_of_files_are_escaped(capture: Any) -> None:
    done = run("validate", capture(FRAME, "a\x1b[31m\u202e"))
    assert done.stdout.endswith("a\\x1b[31m\\u202e: 1 frame (seq), 1 valid\n")


def test_whatever_an_error_says_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    error = FrameError("S-2", 0, detail="\x1b[2J")
    TextVerdicts(verbose=False).frame("name", 1, Record(0, b"", error), [])
    assert capsys.readouterr().out.endswith("maximum: \\x1b[2J\n")


def test_a_bar_shows_on_a_terminal_and_stays_out_of_the_output(capture: Any) -> None:
    name = capture(frame_bytes(payload=bytes(1 << 20)) * 9, "capture" * 12)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "validate", "--verbose", name],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    shown = b""
    while piece := read_terminal(ours):
        shown += piece
    os.close(ours)
    *verdicts, summary = done.stdout.decode().splitlines()
    assert len(verdicts) == 9
    assert summary == f"{name}: 9 frames (seq), 9 valid"
    assert b"MB" in shown


def peak_memory(name: str) -> int:
    """The most memory, in KiB, that validating the file took."""
    code = (
        "import atexit, pathlib, sys\n"
        "from tracewire.spec.tool.cli import main\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: print(status.read_text(), file=sys.stderr))\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "validate", "-q", name]
    # A sanitizer, where there is one, is not to hold back what was freed.
    at_once = ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + at_once}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=True)
    line = next(line for line in done.stderr.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


@pytest.mark.parametrize("form", ["seq", "stream"])
def test_memory_does_not_grow_with_the_capture(form: str, tmp_path: Path) -> None:
    frame = frame_bytes(payload=bytes(500_000))
    record = to_stream(frame) if form == "stream" else frame
    peaks = []
    for count in (10, 160):
        file = tmp_path / f"{count}"
        with file.open("wb") as opened:
            for _ in range(count):
                opened.write(record)
        peaks.append(peak_memory(str(file)))
    small, large = peaks
    assert large - small < 2048, peaks


@given(
    st.one_of(
        st.binary(min_size=1, max_size=200), st.binary(max_size=60).map(lambda end: FRAME[:8] + end)
    )
)
def test_any_bytes_get_the_verdict_of_decode(data: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        result = CliRunner().invoke(group, ["validate", "--json", "--input", "raw", file.name])
    (verdict,) = objects(result.stdout)
    try:
        frame = decode(data)
    except FrameError as error:
        assert result.exit_code == 1
        found = verdict["valid"], verdict["rule"], verdict["offset"], verdict["kind"], verdict["id"]
        assert found == (False, error.rule, error.offset, error.kind, error.id)
    else:
        assert result.exit_code == 0
        assert (verdict["valid"], verdict["kind"], verdict["id"]) == (True, frame.kind, frame.id)
