"""The frozen generation 1 peer, and frames with context: what G-1 and G-2 promise of each other."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.interop.peers import old_framed

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "interop" / "peers" / "old_framed.py"


class OldPeer:
    """The peer as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address

    def report(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def command(self, **command: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(self.address)
        return connection


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that the old peer knows as "ours"."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.settimeout(60)
        listening.bind(str(tmp_path / "ours.sock"))
        listening.listen()
        yield listening


@pytest.fixture
def old(tmp_path: Path, ours: socket.socket) -> Iterator[OldPeer]:
    address = str(tmp_path / "old.sock")
    destinations = json.dumps({"ours": (ours.getsockname(), "framed")})
    with subprocess.Popen(
        [sys.executable, PROGRAM, address, destinations],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        peer = OldPeer(process, address)
        assert peer.report() == {"event": "ready"}
        yield peer


def received(codec: ModuleType, connection: socket.socket) -> Any:
    """The one frame that arrives on a connection."""
    decoder = codec.StreamDecoder()
    frames: list[Any] = []
    while not frames:
        frames = decoder.feed(connection.recv(65536))
    assert len(frames) == 1
    return frames[0]


def everything(codec: ModuleType) -> dict[str, Any]:
    """A context and every other extension that an old peer cannot know."""
    context = codec.TraceContext(1, 2, 1, "vendor=value")
    known = {5: {"tenant": "a"}, 7: 1_000, 9: 60, 11: (100, 10), 13: context}
    return {"trace": context, "extensions": known | {65_537: [1, {"a": None}], "key": b"value"}}


def test_a_request_with_context_is_answered_by_the_old_peer(
    codec: ModuleType, old: OldPeer
) -> None:
    with old.connect() as connection:
        request = codec.encode_request(7, "echo", b"body", **everything(codec))
        connection.sendall(codec.to_stream(request))
        answer = received(codec, connection)
    assert answer == codec.Frame(codec.Kind.RESPONSE, 7, codec.Status.OK, b"body")


def test_an_unknown_method_is_answered_unimplemented(codec: ModuleType, old: OldPeer) -> None:
    with old.connect() as connection:
        connection.sendall(codec.to_stream(codec.encode_request(1, "no.such", b"")))
        assert received(codec, connection).status == codec.Status.UNIMPLEMENTED


def test_an_envelope_with_context_is_delivered_with_its_body(
    codec: ModuleType, old: OldPeer
) -> None:
    with old.connect() as connection:
        connection.sendall(codec.to_stream(codec.wrap(b"body", **everything(codec))))
        report = old.report()
    assert (report["event"], report["framed"], report["body"]) == ("received", True, b"body".hex())


@pytest.mark.parametrize("kind", [3, 7, 8, 65_535])
def test_a_kind_that_the_old_peer_does_not_know_is_dropped_and_the_next_frame_read(
    codec: ModuleType, old: OldPeer, kind: int
) -> None:
    unknown = codec.Frame(kind, 0 if kind == 3 else 1, 0)
    with old.connect() as connection:
        for record in (codec.encode(unknown), codec.wrap(b"next")):
            connection.sendall(codec.to_stream(record))
        assert old.report() == {"event": "dropped", "reason": f"unknown kind {kind}"}
        assert old.report()["body"] == b"next".hex()


def test_a_record_that_is_cut_off_is_dropped_and_the_next_one_read(
    codec: ModuleType, old: OldPeer
) -> None:
    with old.connect() as connection:
        for record in (codec.wrap(b"body")[:-1], codec.wrap(b"next")):
            connection.sendall(codec.to_stream(record))
        assert old.report()["event"] == "dropped"
        assert old.report()["body"] == b"next".hex()


def test_the_old_peer_sends_envelopes_that_unwrap_reads(
    codec: ModuleType, old: OldPeer, ours: socket.socket
) -> None:
    old.command(to="ours", body=b"body".hex())
    with ours.accept()[0] as connection:
        frame = received(codec, connection)
    assert codec.unwrap(codec.encode(frame)).payload == b"body"
    assert frame.trace is None
    assert old.report() == {"event": "sent", "record": codec.encode(frame).hex()}


def test_the_old_peer_reads_an_answer_that_holds_extensions(
    codec: ModuleType, old: OldPeer, ours: socket.socket
) -> None:
    old.command(to="ours", body=b"body".hex(), method="ours.echo")
    with ours.accept()[0] as connection:
        request = received(codec, connection)
        assert (request.method, request.payload) == ("ours.echo", b"body")
        answer = codec.encode_response(request.id, b"answer", extensions={65_537: True})
        connection.sendall(codec.to_stream(answer))
        assert old.report() == {"event": "answered", "status": 0, "body": b"answer".hex()}


def test_the_old_peer_ends_with_its_input_though_a_connection_is_open(old: OldPeer) -> None:
    with old.connect() as connection:
        connection.sendall(old_framed.with_length(b"bare"))
        assert old.report()["body"] == b"bare".hex()
        assert old.process.stdin is not None
        old.process.stdin.close()
        assert old.process.wait(timeout=60) == 0
        assert connection.recv(1) == b""


def frame_vectors() -> list[Any]:
    """Each valid frame vector, as a parameter named by its id."""
    vectors = json.loads((ROOT / "spec" / "vectors" / "frames.json").read_text())["vectors"]
    valid = [vector for vector in vectors if "frame" in vector["expect"]]
    return [pytest.param(vector, id=vector["id"]) for vector in valid]


def in_full(written: str | list[Any]) -> bytes:
    """The bytes of a vector, which notes long runs as {"repeat": HEX, "times": N}."""
    if isinstance(written, str):
        return bytes.fromhex(written)
    parts: list[Any] = [
        {"repeat": part, "times": 1} if isinstance(part, str) else part for part in written
    ]
    return b"".join(bytes.fromhex(part["repeat"]) * part["times"] for part in parts)


@pytest.mark.parametrize("vector", frame_vectors())
def test_the_old_peer_decodes_every_valid_frame(vector: Any) -> None:
    expected = vector["expect"]["frame"]
    kind, id, target, payload = old_framed.decode(in_full(vector["hex"]))
    assert (kind, id, target) == (expected["kind"], expected["id"], expected["target"])
    assert payload == in_full(expected["payload"])
