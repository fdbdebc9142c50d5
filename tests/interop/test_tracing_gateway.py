"""What a backend receives over OTLP of HTTP requests that a gateway makes into calls of a peer.

Gateway and peer are examples/gateway.py, each in a process of its own, with sockets between them.
"""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.interop.otlp import Exported, attributes, named, receiving

ROOT = Path(__file__).parents[2]
REQUEST, CALL = "POST /members/{member}", "guild.join"
SPAN_ID = "00f067aa0ba902b7"
STATE = "vendor=1,other=2"

#: The traces of the requests: one that is answered, one that fails, one that takes longer than it
#: may, and one that is not sampled.
ANSWERED, FAILED, LATE, UNSAMPLED = (f"{number:032x}" for number in range(1, 5))


@pytest.fixture(scope="module", params=["unix", "tcp"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Peers at a Unix socket trust as parents by default, those at a port link to strangers."""
    return str(request.param)


@pytest.fixture(scope="module")
def exported(scheme: str, tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """All spans of both processes."""
    address = {
        "unix": f"unix://{tmp_path_factory.mktemp('hops')}/guild.sock",
        "tcp": "tcp://127.0.0.1:0",
    }[scheme]
    with (
        receiving() as receiver,
        socket.create_server(("127.0.0.1", 0)) as port,
        hop("peer", receiver.url, address) as peer,
    ):
        assert peer.stdout is not None
        guild = peer.stdout.readline().split()[-1]
        descriptor = port.fileno()
        with hop("gateway", receiver.url, str(descriptor), fds=[descriptor], GUILD=guild):
            gateway = f"http://127.0.0.1:{port.getsockname()[1]}"
            assert post(gateway, 1, ANSWERED) == 200
            assert post(gateway, 0, FAILED) == 404
            assert post(gateway, 60_000, LATE, seconds=0.3) == 504
            assert post(gateway, 2, UNSAMPLED, sampled=False) == 200
    return receiver.exported


@contextmanager
def hop(
    role: str, url: str, where: str, fds: list[int] | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A process of hops.py; interrupted at the end, it exports what it has and exits."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.interop.peers.hops", role, url, where],
        cwd=ROOT,
        env={**os.environ, **environment},
        pass_fds=fds or (),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def post(
    gateway: str, member: int, trace_id: str, sampled: bool = True, seconds: float = 30
) -> int:
    """The status of the answer to a request with such a trace and time."""
    headers = {
        "traceparent": f"00-{trace_id}-{SPAN_ID}-{sampled:02x}",
        "tracestate": STATE,
        "x-timeout": str(seconds),
    }
    request = urllib.request.Request(f"{gateway}/members/{member}", b"", headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


class Way(NamedTuple):
    """The spans of one request: at the gateway, of its call, and at the peer."""

    request: Span
    call: Span
    peer: Span


def way(exported: list[Exported], trace_id: str) -> Way:
    (request,) = (s for s in named(exported, "gateway", REQUEST) if s.trace_id.hex() == trace_id)
    (call,) = (s for s in named(exported, "gateway", CALL) if s.parent_span_id == request.span_id)
    (peer,) = (s for s in named(exported, "peer", CALL) if call.span_id in causes(s))
    return Way(request, call, peer)


def causes(span: Span) -> list[bytes]:
    """The ids of its parent and of what it is linked to."""
    return [span.parent_span_id, *(link.span_id for link in span.links)]


@pytest.mark.parametrize("trace_id", [ANSWERED, FAILED, LATE])
def test_a_request_and_its_call_are_server_client_and_server(
    exported: list[Exported], trace_id: str
) -> None:
    assert [span.kind for span in way(exported, trace_id)] == [
        Span.SPAN_KIND_SERVER,
        Span.SPAN_KIND_CLIENT,
        Span.SPAN_KIND_SERVER,
    ]


@pytest.mark.parametrize("trace_id", [ANSWERED, FAILED, LATE])
def test_the_trace_of_a_request_continues_to_the_call_with_its_state(
    exported: list[Exported], trace_id: str
) -> None:
    request, call, _ = way(exported, trace_id)
    assert request.parent_span_id.hex() == SPAN_ID
    assert call.parent_span_id == request.span_id
    assert request.trace_id.hex() == call.trace_id.hex() == trace_id
    assert request.trace_state == call.trace_state == STATE


@pytest.mark.parametrize("trace_id", [ANSWERED, FAILED, LATE])
def test_a_peer_continues_the_trace_of_a_parent_and_links_to_a_stranger(
    exported: list[Exported], scheme: str, trace_id: str
) -> None:
    _, call, peer = way(exported, trace_id)
    if scheme == "unix":
        assert peer.parent_span_id == call.span_id
        assert (peer.trace_id, peer.trace_state) == (call.trace_id, STATE)
        assert not peer.links
    else:
        (link,) = peer.links
        assert (peer.parent_span_id, peer.trace_state) == (b"", "")
        assert peer.trace_id != call.trace_id
        assert (link.trace_id, link.span_id) == (call.trace_id, call.span_id)


def test_each_side_says_how_the_call_ended(exported: list[Exported]) -> None:
    answered, failed, late = (way(exported, each) for each in (ANSWERED, FAILED, LATE))
    assert ended(answered.call) == ("OK", None, Status.STATUS_CODE_UNSET)
    assert ended(answered.peer) == ("OK", None, Status.STATUS_CODE_UNSET)
    assert ended(failed.call) == ("NOT_FOUND", "NOT_FOUND", Status.STATUS_CODE_ERROR)
    assert failed.call.status.message == "there is no member 0"
    assert ended(failed.peer) == ("NOT_FOUND", None, Status.STATUS_CODE_UNSET)
    assert ended(late.call) == ("DEADLINE_EXCEEDED",) * 2 + (Status.STATUS_CODE_ERROR,)
    assert late.request.status.code == Status.STATUS_CODE_ERROR


def ended(span: Span) -> tuple[object, object, int]:
    said = attributes(span)
    return said["rpc.status_code"], said.get("error.type"), span.status.code


def test_both_sides_name_the_address_of_the_peer(exported: list[Exported], scheme: str) -> None:
    _, call, peer = way(exported, ANSWERED)
    names = {"server.address", "server.port", "network.peer.address"}
    there, here = (
        {name: value for name, value in attributes(span).items() if name in names}
        for span in (call, peer)
    )
    assert there.keys() == ({"server.address"} if scheme == "unix" else names)
    if scheme == "tcp":  # the server cannot know by which name and port it was reached
        here |= {name: there[name] for name in ("server.address", "server.port")}
    assert there == here


def test_a_request_that_is_not_sampled_is_exported_by_nobody_who_trusts_it(
    exported: list[Exported], scheme: str
) -> None:
    """A stranger's decision does not count."""
    roots = [span for span in named(exported, "peer", CALL) if not span.parent_span_id]
    assert UNSAMPLED not in {each.span.trace_id.hex() for each in exported}
    assert len(roots) == (0 if scheme == "unix" else 4)
    assert len(exported) == 9 + (scheme == "tcp")
