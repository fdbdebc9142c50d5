"""One instance of a fleet behind one address, as a process of its own, for test_census_fleet.

    member.py NAME ROLE FD

All instances accept on one listening socket, which they inherit as FD. A ROLE is a listener's mode
(bare, both or framed), or "old": deployed before there were frames, it never imports tracewire,
parses JSON, and reports nothing. A connection brings one message to its end, {"number": N}, and is
answered by JSON: who read it, in which role and dialect, and the number, null where it was misread.

"report" on stdin asks for the instance's report to the census, a line on stdout. It ends when stdin
does, never between a message and its answer.
"""

import json
import selectors
import socket
import sys
from collections.abc import Callable
from typing import Any

DESTINATION = "guild"

#: Gives the dialect and the number of a message.
Reader = Callable[[bytes], tuple[str, int]]


def read_old(data: bytes) -> tuple[str, int]:
    return "bare", json.loads(data)["number"]


class Reporting:
    """What an instance has that knows of frames."""

    def __init__(self, name: str, mode: Any) -> None:
        from tracewire.protocol import Census, Tracing

        self.name, self.mode = name, mode
        self.census, self.tracing = Census(), Tracing()

    def read(self, data: bytes) -> tuple[str, int]:
        with self.tracing.received(data, mode=self.mode) as got:
            dialect: Any = "bare" if got.frame.kind is None else "framed"
            self.census.received(DESTINATION, dialect)
            return dialect, json.loads(got.frame.payload)["number"]

    def report(self) -> None:
        report = self.census.report(DESTINATION, self.name, self.mode)
        print(json.dumps(report.to_dict()), flush=True)


def answer(connection: socket.socket, name: str, role: str, read: Reader) -> None:
    with connection:
        data = connection.makefile("rb").read()
        try:
            dialect, number = read(data)
        except ValueError:  # no JSON, or no frame
            dialect, number = None, None
        said = {"name": name, "role": role, "dialect": dialect, "number": number}
        connection.sendall(json.dumps(said).encode())


def main() -> None:
    name, role, fd = sys.argv[1:]
    reporting = None if role == "old" else Reporting(name, role)
    read = read_old if reporting is None else reporting.read
    listening = socket.socket(fileno=int(fd))
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is listening:
                    try:
                        connection, _ = listening.accept()
                    except BlockingIOError:  # another instance was faster
                        continue
                    answer(connection, name, role, read)
                elif not sys.stdin.readline():
                    return
                elif reporting is not None:
                    reporting.report()


if __name__ == "__main__":
    main()
