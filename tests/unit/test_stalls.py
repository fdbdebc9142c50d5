"""Whether the other side takes enough: judged by time that this side saw pass (C-95, C-96)."""

import asyncio
import socket

import pytest

from tracewire.protocol.peers.backlog import Backlog
from tracewire.protocol.peers.stalls import Stalls, bytes_taken

SECONDS = 30.0


class Watched:
    """A connection that is looked at when it is due."""

    def __init__(self) -> None:
        self.now, self.taken = 1_000.0, 0
        self.stalls = Stalls(SECONDS)
        self.stalls.begin(self.now, self.taken)

    def cut_after(self, seconds: float, rate: float, over: bool) -> float | None:
        """When within so many seconds it is cut, under a reader of ``rate`` bytes a second."""
        began = self.now
        while self.stalls.due <= began + seconds:
            self.taken += int(rate * (self.stalls.due - self.now))
            self.now = self.stalls.due
            if self.stalls.check(self.now, self.taken, over):
                return self.now - began
        return None


@pytest.mark.parametrize(
    ("rate", "over", "after"),
    [
        (0, True, SECONDS),
        (1, True, SECONDS),
        (2_000, True, SECONDS),
        (2_400, True, None),
        (20_000, True, None),
        (0, False, 6 * SECONDS),
        (1, False, None),
        (20_000, False, None),
    ],
)
def test_who_takes_less_than_64_kib_in_30_seconds_is_cut(
    rate: float, over: bool, after: float | None
) -> None:
    assert Watched().cut_after(1_000.0, rate, over) == after


def test_one_byte_less_than_64_kib_is_too_little() -> None:
    for taken, cut in ((65_535, True), (65_536, False)):
        watched = Watched()
        for look in range(1, 9):
            found = watched.stalls.check(1_000.0 + look * SECONDS / 8, taken * (look == 8), True)
        assert found is cut


def test_time_in_which_this_side_did_not_run_does_not_count() -> None:
    watched = Watched()
    assert watched.cut_after(25.0, 0, True) is None
    watched.now += 1_000.0  # a pause of the loop: the look comes late
    assert not watched.stalls.check(watched.now, watched.taken, True)
    assert watched.cut_after(100.0, 0, True) == SECONDS / 8


def test_time_below_the_limit_is_none_above_it() -> None:
    watched = Watched()
    assert watched.cut_after(29.0, 1, True) is None
    assert watched.cut_after(100.0, 1, False) is None
    assert watched.cut_after(29.0, 1, True) is None


class Transport(asyncio.Transport):
    def __init__(self, sock: socket.socket | None) -> None:
        super().__init__({"socket": sock})


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_what_the_other_side_took_is_what_its_system_did(family: socket.AddressFamily) -> None:
    """And not what this side's did, which takes much before anybody reads."""
    if family == socket.AF_INET:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            writer = socket.create_connection(listener.getsockname())
            reader, _ = listener.accept()
    else:
        writer, reader = socket.socketpair()
    with writer, reader:
        writer.setblocking(False)
        before, written = bytes_taken(Transport(writer), 0), 0
        try:
            while True:
                written += writer.send(bytes(65_536))
        except BlockingIOError:
            pass
        stuck = bytes_taken(Transport(writer), written)
        assert stuck - before < written
        reader.settimeout(5)
        while bytes_taken(Transport(writer), written) - stuck < 65_536:
            assert reader.recv(65_536)


def test_without_a_socket_what_this_side_s_system_took_counts() -> None:
    assert bytes_taken(Transport(None), 17) == 17
    closed = socket.socket()
    closed.close()
    assert bytes_taken(Transport(closed), 17) == 17


class Ended:
    """A connection that may be ended."""

    def __init__(self) -> None:
        self.overflows = 0

    def overflow(self) -> None:
        self.overflows += 1


def test_the_connection_with_most_of_it_ends_where_all_wait_for_too_much() -> None:  # C-94
    one, other, third = Ended(), Ended(), Ended()
    backlog = Backlog(1_000)
    backlog.note(one, 300)
    backlog.note(other, 400)
    backlog.note(third, 300)
    assert (one.overflows, other.overflows, third.overflows) == (0, 0, 0)
    backlog.note(one, 301)
    assert (one.overflows, other.overflows, third.overflows) == (0, 1, 0)
    backlog.forget(other)
    backlog.note(third, 699)
    backlog.note(third, 0)
    backlog.note(one, 1_000)
    assert (one.overflows, other.overflows, third.overflows) == (0, 1, 0)
