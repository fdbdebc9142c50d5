"""A fleet is upgraded under load and goes back: nothing is lost, got twice, or misread."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.upgrade import NAMES, ORDER, count, upgrade

pytestmark = pytest.mark.once


def test_six_processes_are_upgraded_and_rolled_back_one_by_one_under_load(tmp_path: Path) -> None:
    counts = asyncio.run(upgrade(tmp_path, lambda text: None))
    assert counts.problems == []
    assert counts.restarts == len(NAMES) * len(ORDER) + 1  # and the one that was killed
    assert counts.acked > 1_000
    assert counts.sent == counts.acked + counts.failed + counts.unknown
    assert counts.acked <= counts.got <= counts.sent


@pytest.mark.parametrize(
    ("ends", "problem"),
    [
        ({"a": "sent a:1\nacked a:1"}, "a:1 was answered, and not got"),
        ({"a": "sent a:1\nacked a:1", "b": "got a:1\ngot a:1"}, "a:1 was got 2 times"),
        ({"b": "got a:1"}, "a:1 was got, and not sent"),
        ({"b": "misread d9d4f784"}, "misread: d9d4f784"),
        ({"a": "sent a:1"}, "a:1 is unknown, and e did not send it"),
    ],
)
def test_what_must_not_be_is_counted(ends: dict[str, str], problem: str, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.log").write_text(ends.get(name, ""))
    assert count(tmp_path, 0).problems == [problem]


def test_what_a_sender_reported_failed_may_have_been_got_or_not(tmp_path: Path) -> None:
    ends = {"a": "sent a:1\nfailed a:1\nsent a:2\nfailed a:2\n", "b": "got a:1\n"}
    for name in NAMES:
        (tmp_path / f"{name}.log").write_text(ends.get(name, ""))
    counts = count(tmp_path, 0)
    assert (counts.failed, counts.got, counts.problems) == (2, 1, [])
