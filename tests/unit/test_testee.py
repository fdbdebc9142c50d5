"""Our testee gives one answer to any line, and names the first fault."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracewire.spec.testee import respond

pytestmark = pytest.mark.once

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REQUEST = "d9d4f7840001616140"
WORDS = st.sampled_from(
    [
        *("hello", "decode", "encode", "plain", "shed", "meaning", "restamp", "strip"),
        *("unwrap", "stream", "both", "framed", "-", "undecided", "not-sampled", TRACE, REQUEST),
        *("0", "1", "70000", "9" * 30, "9" * 5_000, "-1", "t", "t61", "tff", "61", "ff2c", "zz"),
        *("a10ff93c00", "a1000f", "a10500", "a107", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
    ]
)


@given(st.one_of(st.lists(WORDS, max_size=11).map(" ".join), st.text()))
@example(f"encode 0 1 t61 - {TRACE} ff2c613d31 -")
@example("encode 0 1 t61 - 00-" + "0" * 32 + "-" + "0" * 16 + "-01 - -")
@example("plain 0 1 t61 - undecided - - " + "81" * 5_000 + "00 -")
@example("stream 99999999999999999999 00")
def test_any_line_has_one_answer(line: str) -> None:
    answer = respond(line)
    assert answer
    assert answer.isascii()
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("encode 0 0 t61 - undecided - a10ff93c00", "refused F-9"),
        ("encode 0 1 t - undecided - a10ff93c00", "refused F-11"),
        ("encode 70000 1 t61 - undecided - a1000f", "refused F-7"),
        ("encode 0 1 tff - undecided - -", "refused F-16"),
        (f"encode 0 1 t61 - {TRACE} ff - ", "frame d9d4f7850001616140a101581d0000"
         "4bf92f3577b34da6a3ce929d0e0e47360100f067aa0ba902b70201"),
        ("plain 0 1 t61 - undecided - - a10720 -", "refused U-4"),
        ("plain 0 1 t61 - undecided - - a10700 -", "frame d9d4f7850001616140a10700"),
        ("shed plain 0 1 t61 - undecided - - a105a2616b617660617a -", "shed 5:1"),
        (f"shed encode 0 1 t61 - {TRACE} 2c613d31 -", "shed 3:1"),
        (f"shed strip {REQUEST}", "unsupported"),
        ("decode zz", "unreadable"),
        ("decode", "unsupported"),
        ("unwrap maybe - 00", "unreadable"),
        ("", "unsupported"),
    ],
)  # fmt: skip
def test_answers(line: str, answer: str) -> None:
    assert respond(line) == answer


def test_bytes_that_are_no_text_are_answered() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tracewire.spec.testee"],
        input=b"\xff\xfe decode\nhello\n",
        capture_output=True,
        check=True,
    )
    first, second = ran.stdout.decode().splitlines()
    assert first == "unsupported"
    assert second.startswith("testee 1 2 tracewire-")
