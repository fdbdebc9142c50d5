"""What a backend receives over OTLP of calls and messages between two processes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PROGRAM = Path(__file__).parent / "peers" / "traced.py"


class Exported(NamedTuple):
    service: str
    scope: str
    schema_url: str
    span: Span


class Receiver(ThreadingHTTPServer):
    """The part of an OTLP/HTTP collector that takes traces."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.exported: list[Exported] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Take(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = (
                attribute.value.string_value
                for attribute in resource.resource.attributes
                if attribute.key == "service.name"
            )
            for scope in resource.scope_spans:
                self.server.exported += [
                    Exported(service, scope.scope.name, scope.schema_url, span)
                    for span in scope.spans
                ]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def exported() -> Iterator[list[Exported]]:
    """All spans of both processes."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            frames = run("send", receiver.url, "")
            run("handle", receiver.url, frames)
        finally:
            receiver.shutdown()
            thread.join()
        yield receiver.exported


def run(role: str, url: str, given: str) -> str:
    command = [sys.executable, str(PROGRAM), role, url]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def named(exported: list[Exported], service: str, name: str) -> list[Span]:
    return [each.span for each in exported if (each.service, each.span.name) == (service, name)]


def attributes(span: Span) -> dict[str, object]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


def test_a_call_is_one_trace_through_both_processes(exported: list[Exported]) -> None:
    (operation,) = named(exported, "send", "operation")
    (client,) = named(exported, "send", "guild.join")
    server, *_ = named(exported, "handle", "guild.join")
    within, *_ = named(exported, "handle", "within parent")
    assert operation.parent_span_id.hex() == f"{0xDEF:016x}"
    assert client.parent_span_id == operation.span_id
    assert server.parent_span_id == client.span_id
    assert within.parent_span_id == server.span_id
    ids = {span.trace_id.hex() for span in (operation, client, server, within)}
    assert ids == {f"{0xABC:032x}"}


def test_kinds_and_scope_are_those_of_the_conventions(exported: list[Exported]) -> None:
    (client,) = named(exported, "send", "guild.join")
    kinds = {span.kind for span in named(exported, "handle", "guild.join")}
    assert client.kind == Span.SPAN_KIND_CLIENT
    assert kinds == {Span.SPAN_KIND_SERVER}
    ours = {each.schema_url for each in exported if each.scope == "tracewire"}
    assert ours == {"https://opentelemetry.io/schemas/1.45.0"}


def test_tracestate_crosses_both_processes(exported: list[Exported]) -> None:
    (client,) = named(exported, "send", "guild.join")
    server, *_ = named(exported, "handle", "guild.join")
    assert client.trace_state == server.trace_state == "vendor=1,other=2"


def test_status_and_error_are_exported(exported: list[Exported]) -> None:
    (client,) = named(exported, "send", "guild.join")
    server, *_ = named(exported, "handle", "guild.join")
    assert client.status.code == server.status.code == Status.STATUS_CODE_ERROR
    assert attributes(client)["error.type"] == "INTERNAL"
    assert attributes(client)["server.address"] == "guild.example"
    assert attributes(server)["error.type"] == "KeyError"
    assert server.status.message == "'guild'"


def test_a_strangers_call_is_a_root_that_is_linked_to_the_caller(exported: list[Exported]) -> None:
    (client,) = named(exported, "send", "guild.join")
    _, stranger, _ = named(exported, "handle", "guild.join")
    (link,) = stranger.links
    assert stranger.parent_span_id == b""
    assert stranger.trace_id != client.trace_id
    assert stranger.trace_state == link.trace_state == ""
    assert (link.trace_id, link.span_id) == (client.trace_id, client.span_id)
    (within,) = named(exported, "handle", "within link")
    assert within.parent_span_id == stranger.span_id


def test_requests_that_are_not_sampled_export_nothing(exported: list[Exported]) -> None:
    assert len(named(exported, "handle", "guild.join")) == 3  # parent, stranger, created
    assert len(named(exported, "handle", "within parent")) == 2  # parent, created
    assert len(exported) == 9  # and operation, the call, within link, consume


def test_a_message_continues_the_operation_that_sent_it(exported: list[Exported]) -> None:
    (operation,) = named(exported, "send", "operation")
    (consume,) = named(exported, "handle", "consume")
    assert consume.kind == Span.SPAN_KIND_CONSUMER
    assert consume.parent_span_id == operation.span_id
    assert consume.trace_id == operation.trace_id


def test_the_context_that_created_a_message_is_exported_as_a_link(exported: list[Exported]) -> None:
    *_, created = named(exported, "handle", "guild.join")
    (link,) = created.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (f"{7:032x}", f"{8:016x}")
    assert created.parent_span_id == b""
