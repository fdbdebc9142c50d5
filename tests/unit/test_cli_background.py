"""Outputs that threads write: order, the bound, and what is known of a failure."""

import asyncio
import io
import sys
from threading import Event

import pytest

from tracewire.spec.tool import background
from tracewire.spec.tool.background import LONGEST, Background, in_background
from tracewire.spec.tool.output import stream


class Gated(io.RawIOBase):
    """Takes a piece once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[bytes] = []
        self.began, self.opened = Event(), Event()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.began.set()
        assert self.opened.wait(60)
        self.taken.append(data)
        return len(data)


def test_pieces_arrive_in_their_order() -> None:
    gated = Gated()
    written = Background(gated, int)
    for number in range(100):
        written.write(b"%d" % number)
    assert not written.is_written()
    gated.opened.set()
    written.end()
    assert written.is_written()
    assert gated.taken == [b"%d" % number for number in range(100)]
    assert written.error is None


@pytest.mark.parametrize(("beyond", "lost"), [(0, 0), (1, 1)])
def test_what_waits_is_bounded_and_what_is_lost_is_an_error(beyond: int, lost: int) -> None:
    gated = Gated()
    written = Background(gated, int)
    written.write(bytes(LONGEST // 2))
    written.write(bytes(LONGEST - LONGEST // 2 + beyond))
    assert written.lost == lost
    gated.opened.set()
    written.end()
    assert len(gated.taken) == 2 - lost
    assert (written.error is not None) == bool(lost)


def test_a_piece_over_the_bound_is_written_where_nothing_waits() -> None:
    gated = Gated()
    gated.opened.set()
    written = Background(gated, int)
    written.write(bytes(LONGEST + 1))
    written.end()
    assert [len(each) for each in gated.taken] == [LONGEST + 1]


def test_who_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.01)
    gated = Gated()
    written = Background(gated, int)
    written.write(b"a")
    written.end()
    assert isinstance(written.error, TimeoutError)
    gated.opened.set()


class Broken(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        raise BrokenPipeError(32, "Broken pipe")


def test_a_failure_cancels_the_block_and_is_raised_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", stream(Broken(), None))
    own = sys.stdout, sys.stderr

    async def printing() -> None:
        async with in_background():
            print("a", flush=True)
            await asyncio.Event().wait()

    with pytest.raises(BrokenPipeError):
        asyncio.run(printing())
    assert (sys.stdout, sys.stderr) == own
