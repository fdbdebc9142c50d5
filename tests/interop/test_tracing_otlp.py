"""What a backend receives over OTLP of calls and messages between two processes."""

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.interop.otlp import Exported, attributes, named, receiving

PROGRAM = Path(__file__).parent / "peers" / "traced.py"


@pytest.fixture(scope="module")
def exported() -> list[Exported]:
    """All spans of both processes."""
    with receiving() as receiver:
        frames = run("send", receiver.url, "")
        run("handle", receiver.url, frames)
    return receiver.exported


def run(role: str, url: str, given: str) -> str:
    command = [sys.executable, str(PROGRAM), role, url]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


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
    assert attributes(server)["error.type"] == "INTERNAL"
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
