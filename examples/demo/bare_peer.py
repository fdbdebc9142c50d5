"""A generation 0 peer: plain JSON with nothing around it, and no Tracewire in it.

    bare_peer.py SOCKET DESTINATIONS

DESTINATIONS is JSON, name to [socket, dialect]; this peer knows no dialect but its own. Commands
come on stdin and reports go to stdout, one JSON object a line. It ends when stdin does.
"""

import json
import os
import socket
import socketserver
import sys
import threading


def report(**facts: object) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")  # at once, so that no two threads mix theirs


class Receiver(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while prefix := self.rfile.read(4):
            body = self.rfile.read(int.from_bytes(prefix, "big"))
            try:
                json.loads(body)
            except ValueError as error:
                report(event="dropped", reason=f"no JSON: {error}")
            else:
                report(event="received", framed=False, body=body.hex())


def main() -> None:
    with socketserver.ThreadingUnixStreamServer(sys.argv[1], Receiver) as server:
        threading.Thread(target=server.serve_forever).start()
        report(event="ready")
        try:
            obey(json.loads(sys.argv[2]))
        finally:
            server.shutdown()


def obey(destinations: dict[str, tuple[str, str]]) -> None:
    """Sends what the lines of stdin ask for."""
    for line in sys.stdin:
        command = json.loads(line)
        body = bytes.fromhex(command["body"])
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(destinations[command["to"]][0])
            connection.sendall(len(body).to_bytes(4, "big") + body)
        report(event="sent", record=body.hex())


if __name__ == "__main__":
    main()
