"""A generation 2 peer: it sends context with wrap and reads it with unwrap.

    tracing_peer.py SOCKET DESTINATIONS

DESTINATIONS is JSON, name to [socket, "framed" or "bare"]. Commands come on stdin and reports go
to stdout. It ends when stdin does.

    {"to": NAME, "body": HEX, "trace": "sampled", "not sampled" or "undecided"}
"""

import asyncio
import json
import sys

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from tracewire.codec import Frame, FrameError, unwrap

from .control import commands, report
from .telemetry import DECIDED_NOT_SAMPLED, in_words, parent_of, tracer, under, wrap_in
from .transport import records, send


class Peer:
    def __init__(self, destinations: dict[str, tuple[str, str]]) -> None:
        self.destinations = destinations
        self.tracer = tracer(lambda facts: report(event="span", **facts))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for record in records(reader):
            try:
                frame = unwrap(record, mode="both")
            except FrameError as error:
                report(event="dropped", reason=str(error))
            else:
                await self.receive(frame)
        writer.close()

    async def receive(self, frame: Frame) -> None:
        """Handles a message, and sends it on where it says that it goes on."""
        with self.tracer.start_as_current_span(
            "process", parent_of(frame), SpanKind.CONSUMER
        ) as span:
            try:
                message = json.loads(frame.payload)
            except ValueError as error:
                report(event="dropped", reason=f"no JSON: {error}")
                return
            report(
                event="received",
                framed=frame.kind is not None,
                body=frame.payload.hex(),
                trace=in_words(frame.trace),
                recorded=f"{span.get_span_context().trace_id:032x}"
                if span.is_recording()
                else None,
            )
            if route := message.get("route"):
                onward = json.dumps({"route": route[1:]}).encode()
                await self.send_in_span(route[0], onward)

    async def send_in_span(self, to: str, body: bytes, parent: Context | None = None) -> None:
        """Sends in a new span, under the current one where no parent is given."""
        with self.tracer.start_as_current_span(f"send to {to}", parent, SpanKind.PRODUCER) as span:
            await self.send(to, body, span)

    async def send(self, to: str, body: bytes, span: Span) -> None:
        """Sends a message, framed only where that is configured."""
        address, dialect = self.destinations[to]
        record = wrap_in(span, body) if dialect == "framed" else body
        await send(address, record)
        report(event="sent", record=record.hex())

    async def obey(self, to: str, body: bytes, trace: str) -> None:
        if trace == "undecided":
            await self.send(to, body, INVALID_SPAN)
        else:
            parent = Context() if trace == "sampled" else under(DECIDED_NOT_SAMPLED)
            await self.send_in_span(to, body, parent)


async def main() -> None:
    peer = Peer(json.loads(sys.argv[2]))
    await asyncio.start_unix_server(peer.connected, sys.argv[1])
    report(event="ready")
    async for command in commands():
        await peer.obey(command["to"], bytes.fromhex(command["body"]), command["trace"])


if __name__ == "__main__":
    asyncio.run(main())
