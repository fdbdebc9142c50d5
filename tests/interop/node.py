"""A node of the fleet that is upgraded while it works.

    python -m tests.interop.node NAME VERSION FOLDER NAMES

Each node listens on FOLDER/NAME.sock and sends messages to all others, one at a time to each, as
long as it runs. VERSION says what it sends and reads:

    bare     sends bare messages, and reads nothing else
    both     sends bare messages, and reads both dialects
    framed   sends frames without context, and reads both
    tracing  sends frames with context, and reads both

It appends to FOLDER/NAME.log what it does with each message, before it goes on: sent,
acked, failed (its receiver did not say that it has it), got, misread. It says `ready`, then `busy`
once it has sent and got some. On SIGTERM it takes no more connections, finishes what is under way
on those it has, and ends.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id, get_current_span

from tracewire.codec import FrameError, TraceContext, unwrap, wrap
from tracewire.protocol import Tracing

BYE = b"bye"
BUSY = 20  # messages either way
PAUSE = 0.001  # seconds between messages, so that logs stay small


class Node:
    def __init__(self, name: str, version: str, folder: Path, names: list[str]) -> None:
        self.name, self.version, self.folder = name, version, folder
        self.others = [other for other in names if other != name]
        self.leaving = asyncio.Event()
        self.tracing = Tracing()
        self.tracer = TracerProvider(shutdown_on_exit=False).get_tracer("node")
        self.log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.number = self.sent = self.got = 0
        self.accepted: set[asyncio.Task[None]] = set()

    def note(self, *words: str) -> None:
        os.write(self.log, f"{' '.join(words)}\n".encode())
        if self.sent == BUSY and self.got >= BUSY:
            print("busy", flush=True)
            self.sent += 1

    # What it sends.

    async def send_to(self, other: str) -> None:
        while not self.leaving.is_set():
            try:
                streams = await asyncio.open_unix_connection(str(self.folder / f"{other}.sock"))
            except OSError:
                await asyncio.sleep(0.01)  # it is being replaced
            else:
                await self.send_on(other, *streams)

    async def send_on(
        self, other: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until the other says goodbye, or is gone. What it was sent before is still answered."""
        goodbye = False
        while not goodbye and not self.leaving.is_set():
            self.number += 1
            id = f"{self.name}:{os.getpid()}:{self.number}"
            try:
                message = self.message(id)
                self.note("sent", id)
                writer.write(len(message).to_bytes(4, "big") + message)
                answer = await record(reader)
                if answer == BYE:  # before it had read the message, which it still answers
                    goodbye = True
                    answer = await record(reader)
                if not answer:
                    raise ConnectionError
            except OSError:
                self.note("failed", id)
                break
            self.sent += self.sent < BUSY
            self.note("acked", id)
            await asyncio.sleep(PAUSE)
        writer.close()

    def message(self, id: str) -> bytes:
        if self.version == "tracing":
            with self.tracer.start_as_current_span("send"):
                trace = format_trace_id(get_current_span().get_span_context().trace_id)
                return self.tracing.wrap(json.dumps({"id": id, "trace": trace}).encode())
        body = json.dumps({"id": id, "trace": None}).encode()
        return wrap(body) if self.version == "framed" else body

    # What it gets.

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goodbye = asyncio.create_task(self.say_goodbye(writer))
        with suppress(ConnectionError):
            while message := await record(reader):
                self.receive(message)
                writer.write(len(b"ok").to_bytes(4, "big") + b"ok")
        goodbye.cancel()
        writer.close()

    async def say_goodbye(self, writer: asyncio.StreamWriter) -> None:
        await self.leaving.wait()
        writer.write(len(BYE).to_bytes(4, "big") + BYE)

    def receive(self, message: bytes) -> None:
        self.got += 1
        try:
            frame = unwrap(message, mode="bare" if self.version == "bare" else "both")
            body = json.loads(frame.payload)
            trace = frame.trace
            read = f"{trace.trace_id:032x}" if isinstance(trace, TraceContext) else None
            if read != body["trace"]:
                raise ValueError(f"trace {read}")
        except (FrameError, ValueError) as error:
            self.note("misread", message[:40].hex(), repr(error))
        else:
            self.note("got", body["id"])

    async def run(self) -> None:
        path = self.folder / f"{self.name}.sock"
        path.unlink(missing_ok=True)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self.hear(reader, writer))
            self.accepted.add(task)
            task.add_done_callback(self.accepted.discard)

        server = await asyncio.start_unix_server(accept, path)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.leaving.set)
        print("ready", flush=True)
        sending = [asyncio.create_task(self.send_to(other)) for other in self.others]
        await self.leaving.wait()
        path.unlink()
        await asyncio.sleep(0)  # who was just accepted is heard, too
        server.close()
        await asyncio.gather(*sending)
        while self.accepted:
            await asyncio.wait(self.accepted)


async def record(reader: asyncio.StreamReader) -> bytes:
    """The next record, empty at the end."""
    try:
        prefix = await reader.readexactly(4)
        return await reader.readexactly(int.from_bytes(prefix, "big"))
    except asyncio.IncompleteReadError:
        return b""


if __name__ == "__main__":
    name, version, folder, names = sys.argv[1:]
    asyncio.run(Node(name, version, Path(folder), names.split(",")).run())
