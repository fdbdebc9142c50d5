"""A generation 0 peer: JSON, and no frames. Its lines are those of README.md.

    bare_json.py PATH

It is frozen: nothing in it is ever changed.
"""

import json
import socket
import struct
import sys
import threading


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def hear(connection: socket.socket) -> None:
    stream = connection.makefile("rb")
    while True:
        prefix = stream.read(4)
        if len(prefix) < 4:
            connection.close()
            return
        record = stream.read(struct.unpack(">I", prefix)[0])
        try:
            json.loads(record)
        except ValueError:
            say("dropped", "no-json")
        else:
            say("received", "bare", record.hex() or "-", "none")


def accept(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=hear, args=(connection,), daemon=True).start()


def main(path: str) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen()
    threading.Thread(target=accept, args=(listening,), daemon=True).start()
    say("listening", path)
    for line in sys.stdin:
        _, to, _, word, _ = line.split()
        body = bytes.fromhex(word)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(to)
            connection.sendall(struct.pack(">I", len(body)) + body)
        say("sent", word)


if __name__ == "__main__":
    main(sys.argv[1])
