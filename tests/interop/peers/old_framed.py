"""A generation 1 peer, written on cbor2 alone. It is frozen: nothing in it is ever changed.

It stands for the services that were deployed before frames carried context. It knows the base
frame and the kinds 0 to 2, accepts a fifth element and ignores it, and drops other kinds. A record
that does not begin like a frame it takes as a bare message.

    old_framed.py SOCKET DESTINATIONS

It listens on the Unix socket SOCKET. DESTINATIONS is JSON, name to [socket, "framed" or "bare"].
Commands come on stdin and reports go to stdout, one JSON object a line, bodies in hexadecimal:

    {"to": NAME, "body": HEX}                    sends an envelope, or a bare message
    {"to": NAME, "body": HEX, "method": METHOD}  calls, and reports the answer

It ends when stdin does. It answers the method "echo" with the request's body.
"""

import json
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedIOBase
from itertools import count
from typing import Any

import cbor2

TAG = 54519
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
OK, UNIMPLEMENTED = 0, 12
BEGINNINGS = (b"\xd9\xd4\xf7\x84", b"\xd9\xd4\xf7\x85")

one_at_a_time = threading.Lock()


class NoFrame(ValueError):
    """What was read as a frame is none."""


def encode(kind: int, id: int, target: str | int, payload: bytes) -> bytes:
    """A base frame."""
    return cbor2.dumps(cbor2.CBORTag(TAG, [kind, id, target, payload]))


def decode(record: bytes) -> tuple[int, int, str | int, bytes]:
    """(kind, id, target, payload) of a frame, whatever follows them. NoFrame where it is none."""
    try:
        tag = cbor2.loads(record)
    except cbor2.CBORDecodeError as error:
        raise NoFrame(str(error)) from error
    if not isinstance(tag, cbor2.CBORTag) or tag.tag != TAG:
        raise NoFrame(f"not tagged {TAG}")
    elements = tag.value
    if not isinstance(elements, Sequence) or len(elements) not in (4, 5):
        raise NoFrame("not an array of 4 or 5 elements")
    kind, id, target, payload = elements[:4]
    types = (type(kind), type(id), type(target), type(payload))
    if types not in ((int, int, int, bytes), (int, int, str, bytes)) or min(kind, id) < 0:
        raise NoFrame("an element is of a wrong type")
    return kind, id, target, payload


def read_record(stream: BufferedIOBase) -> bytes | None:
    """The next record, None at the end of the stream."""
    prefix = stream.read(4)
    if len(prefix) < 4:
        return None
    length = int.from_bytes(prefix, "big")
    record = stream.read(length)
    return record if len(record) == length else None


def with_length(record: bytes) -> bytes:
    return len(record).to_bytes(4, "big") + record


def report(**facts: object) -> None:
    with one_at_a_time:
        os.write(1, json.dumps(facts).encode() + b"\n")


class Receiver(socketserver.StreamRequestHandler):
    """One connection that another peer opened."""

    def handle(self) -> None:
        while (record := read_record(self.rfile)) is not None:
            if not record.startswith(BEGINNINGS):
                report(event="received", framed=False, body=record.hex())
                continue
            try:
                self.receive(*decode(record))
            except NoFrame as error:
                report(event="dropped", reason=str(error))

    def receive(self, kind: int, id: int, target: str | int, payload: bytes) -> None:
        if kind not in (REQUEST, RESPONSE, NOTIFICATION):
            report(event="dropped", reason=f"unknown kind {kind}")
            return
        facts = {"framed": True, "kind": kind, "id": id, "target": target, "body": payload.hex()}
        report(event="received", **facts)
        if kind == REQUEST and target == "echo":
            self.wfile.write(with_length(encode(RESPONSE, id, OK, payload)))
        elif kind == REQUEST:
            reason = cbor2.dumps("no such method")
            self.wfile.write(with_length(encode(RESPONSE, id, UNIMPLEMENTED, reason)))


class Server(socketserver.ThreadingUnixStreamServer):
    """Knows its connections, so that none holds it up when it has to end."""

    def __init__(self, address: str) -> None:
        super().__init__(address, Receiver)
        self.connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def end(self) -> None:
        """Accepts nothing more, reads nothing more, and waits until what was read is answered."""
        self.shutdown()
        for connection in list(self.connections):
            with suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RD)
        self.server_close()


def send(address: str, dialect: str, body: bytes) -> bytes:
    """Sends an envelope, or a bare message, and returns the record."""
    record = encode(NOTIFICATION, 0, "", body) if dialect == "framed" else body
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(with_length(record))
    return record


def call(address: str, id: int, method: str, body: bytes) -> tuple[str | int, bytes] | None:
    """The status and body of the answer, None where the connection ends without one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(with_length(encode(REQUEST, id, method, body)))
        stream = connection.makefile("rb")
        while (record := read_record(stream)) is not None:
            kind, answered, status, payload = decode(record)
            if (kind, answered) == (RESPONSE, id):
                return status, payload
    return None


def main() -> None:
    listen, destinations = sys.argv[1], json.loads(sys.argv[2])
    server = Server(listen)
    threading.Thread(target=server.serve_forever).start()
    report(event="ready")
    try:
        obey(destinations)
    finally:
        server.end()


def obey(destinations: dict[str, tuple[str, str]]) -> None:
    """Does what the lines of stdin ask for."""
    ids = count(1)
    for line in sys.stdin:
        command = json.loads(line)
        (address, dialect), body = destinations[command["to"]], bytes.fromhex(command["body"])
        if "method" not in command:
            record = send(address, dialect, body)
            report(event="sent", record=record.hex())
        elif answer := call(address, next(ids), command["method"], body):
            report(event="answered", status=answer[0], body=answer[1].hex())
        else:
            report(event="unanswered")


if __name__ == "__main__":
    main()
