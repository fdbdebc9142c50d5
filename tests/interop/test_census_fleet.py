"""A fleet behind one address: when it is ready, and a switch there and back under load.

No sender can know which instance reads its message, so one answer in frames shows nothing (G-4).
"""

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.interop.peers.member import DESTINATION
from tests.unit.talk import Clock
from tracewire.protocol import Census, Report, Rollout
from tracewire.protocol.operations.rollout import NotReady

PROGRAM = Path(__file__).parent / "peers" / "member.py"
NAMES = ("a", "b", "c")
WINDOW = 60
#: Seconds after which whoever waits for an answer gives up: then the test fails.
PATIENCE = 60
#: Answers after which what was waited for does not come. The kernel chooses who accepts.
MOST = 20_000


class Fleet:
    """Processes that accept on one socket."""

    def __init__(self, address: Path) -> None:
        self.address = str(address)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.address)
        self.listening.listen(128)
        self.listening.setblocking(False)
        self.members: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, role: str) -> None:
        fd = self.listening.fileno()
        self.members[name] = subprocess.Popen(
            [sys.executable, PROGRAM, name, role, str(fd)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[fd],
        )
        assert self.hear(name) == "ready\n"

    def stop(self, name: str) -> None:
        member = self.members.pop(name)
        member.communicate(timeout=PATIENCE)
        assert member.returncode == 0

    def replace(self, name: str, role: str) -> None:
        self.stop(name)
        self.start(name, role)

    def hear(self, name: str) -> str:
        stdout = self.members[name].stdout
        assert stdout is not None
        return stdout.readline()

    def report(self, name: str) -> Report:
        stdin = self.members[name].stdin
        assert stdin is not None
        stdin.write("report\n")
        stdin.flush()
        return Report.from_dict(json.loads(self.hear(name)))

    def send(self, data: bytes) -> dict[str, Any]:
        """The answer of whichever instance gets it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.address)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer: dict[str, Any] = json.load(connection.makefile("rb"))
            return answer


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path / "fleet.sock")
    yield made
    for name in list(made.members):
        made.stop(name)
    made.listening.close()


class Sender:
    """Sends numbered messages as a rollout says."""

    def __init__(self, fleet: Fleet, rollout: Rollout) -> None:
        self._fleet, self._rollout = fleet, rollout
        self._numbers = count()

    def send(self) -> dict[str, Any]:
        """The answer to the next message, and the number that it had as ``sent``."""
        number = next(self._numbers)
        data = self._rollout.wrap(DESTINATION, json.dumps({"number": number}).encode())
        return {**self._fleet.send(data), "sent": number}

    def send_until_each_got_one(self) -> list[dict[str, Any]]:
        """So that none is left out by chance."""
        answers: list[dict[str, Any]] = []
        while {answer["name"] for answer in answers} != set(NAMES):
            assert len(answers) < MOST
            answers.append(self.send())
        return answers


def census_of(fleet: Fleet, reporting: str) -> Census:
    census = Census(WINDOW)
    census.expect(DESTINATION, NAMES)
    for name in reporting:
        census.merge(fleet.report(name))
    return census


def test_a_fleet_is_not_ready_while_one_instance_behind_its_address_is_old(fleet: Fleet) -> None:
    for name, role in zip(NAMES, ("both", "both", "old"), strict=True):
        fleet.start(name, role)
    census = census_of(fleet, "ab")
    rollout = Rollout(census=census)
    assert not census.ready(DESTINATION)
    assert census.missing(DESTINATION) == [("c", "has not reported")]
    with pytest.raises(NotReady, match="c: has not reported"):
        rollout.switch(DESTINATION, "framed")
    sender = Sender(fleet, rollout)
    answers = sender.send_until_each_got_one()
    assert all(answer["number"] == answer["sent"] for answer in answers)

    fleet.replace("c", "both")
    census.merge(fleet.report("c"))
    assert census.ready(DESTINATION)
    rollout.switch(DESTINATION, "framed")
    answers = sender.send_until_each_got_one()
    assert all(answer["number"] == answer["sent"] for answer in answers)
    assert {answer["dialect"] for answer in answers} == {"framed"}


def test_an_instance_whose_listener_is_bare_keeps_a_fleet_from_being_ready(fleet: Fleet) -> None:
    for name, role in zip(NAMES, ("both", "framed", "bare"), strict=True):
        fleet.start(name, role)
    census = census_of(fleet, "abc")
    assert dict(census.missing(DESTINATION)) == {"c": "its listener is bare: it reads no frames"}


def test_a_switch_in_spite_of_the_census_loses_what_the_old_instance_gets(fleet: Fleet) -> None:
    """What the census is for: the others answer in good order all the while."""
    for name, role in zip(NAMES, ("both", "both", "old"), strict=True):
        fleet.start(name, role)
    rollout = Rollout(census=census_of(fleet, "ab"))
    rollout.switch_unready(DESTINATION)
    answers = Sender(fleet, rollout).send_until_each_got_one()
    misread = {answer["name"] for answer in answers if answer["number"] != answer["sent"]}
    assert misread == {"c"}


def test_reports_that_are_older_than_the_window_make_a_fleet_not_ready(fleet: Fleet) -> None:
    clock = Clock()
    census = Census(WINDOW, clock=clock)
    census.expect(DESTINATION, NAMES)
    for name in NAMES:
        fleet.start(name, "both")
        census.merge(replaced_time(fleet.report(name), clock))
    assert census.ready(DESTINATION)
    fleet.stop("c")
    clock.now += WINDOW + 1
    for name in "ab":
        census.merge(replaced_time(fleet.report(name), clock))
    assert census.missing(DESTINATION) == [("c", "reported last 61 s ago, and the window is 60 s")]


def replaced_time(report: Report, clock: Clock) -> Report:
    """The report as of a clock that the test moves."""
    assert abs(report.at - time.time()) < WINDOW
    return Report.from_dict({**report.to_dict(), "at": clock.now})


class Load:
    """Threads that send one message after the other, and what was answered."""

    def __init__(self, senders: list[Sender]) -> None:
        self.answers: list[dict[str, Any]] = []
        self._arrived: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(sender, number))
            for number, sender in enumerate(senders)
        ]

    def _send(self, sender: Sender, number: int) -> None:
        try:
            while not self._stopped.is_set():
                self._arrived.put({**sender.send(), "by": number})
        except BaseException:
            self._arrived.put(None)
            raise

    def wait(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Those that arrive from now on, until they are enough."""
        while not self._arrived.empty():
            self._take()
        fresh: list[dict[str, Any]] = []
        while not enough(fresh):
            assert len(fresh) < MOST
            fresh.append(self._take())
        return fresh

    def wait_for_each_sender(self, times: int) -> list[dict[str, Any]]:
        """Until each sender began and ended a message since: with two, the second is such a one."""
        by = range(len(self._threads))
        return self.wait(
            lambda fresh: all(sum(each["by"] == n for each in fresh) >= times for n in by)
        )

    def _take(self) -> dict[str, Any]:
        answer = self._arrived.get(timeout=PATIENCE)
        assert answer is not None, "a sender failed"
        self.answers.append(answer)
        return answer


@contextmanager
def load(senders: list[Sender]) -> Iterator[Load]:
    made = Load(senders)
    for thread in made._threads:
        thread.start()
    try:
        yield made
    finally:
        made._stopped.set()
        for thread in made._threads:
            thread.join()
    while not made._arrived.empty():
        made._take()


def names(answers: list[dict[str, Any]], dialect: str) -> set[str]:
    return {answer["name"] for answer in answers if answer["dialect"] == dialect}


def test_a_switch_there_and_back_under_load_loses_nothing_and_no_old_instance_gets_a_frame(
    fleet: Fleet,
) -> None:
    """R-1 to R-3, in the order of the recipe: receivers, census, senders; back the other way."""
    for name in NAMES:
        fleet.start(name, "old")
    census = Census(WINDOW)
    census.expect(DESTINATION, NAMES)
    rollout = Rollout(census=census)
    senders = [Sender(fleet, rollout) for _ in range(2)]
    with load(senders) as running:
        for name in NAMES:
            assert not census.ready(DESTINATION)
            fleet.replace(name, "both")
            census.merge(fleet.report(name))
        rollout.switch(DESTINATION, "framed")
        running.wait(lambda fresh: names(fresh, "framed") == set(NAMES))

        rollout.switch(DESTINATION, "bare")
        running.wait_for_each_sender(2)
        after = running.wait(lambda fresh: names(fresh, "bare") == set(NAMES))
        assert names(after, "framed") == set()
        for name in NAMES:
            fleet.replace(name, "old")
        running.wait(lambda fresh: {each["name"] for each in fresh} == set(NAMES))

    wrong = [answer for answer in running.answers if answer["number"] != answer["sent"]]
    assert wrong == []
    for by in range(len(senders)):
        sent = [answer["sent"] for answer in running.answers if answer["by"] == by]
        assert sent == list(range(len(sent)))
    read = {(answer["role"], answer["dialect"]) for answer in running.answers}
    assert read == {("old", "bare"), ("both", "bare"), ("both", "framed")}
