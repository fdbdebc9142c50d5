"""The relays of the matrix: ``relay.py transparent|terminating|damaging ROUTES``.

ROUTES is JSON: the path on which to listen, and for each the path that records go on to. The
terminating one is a hop of its own in the trace: it writes a new parent id, and a creation from the
old trace where there is no usable one (C-27). All else it passes on, but for what is of one
connection. The damaging one turns a bit.
"""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tracewire.codec import Frame, FrameError, Kind, TraceContext, decode, encode, is_frame
from tracewire.codec.constants import BAGGAGE, CREATION, FANOUT, TRACE, TRACESTATE

if TYPE_CHECKING:
    from tracewire.protocol.constants import Trust

WRITTEN = {TRACE, TRACESTATE}
#: What a stranger says of a trace, beside the trace. T-26
DROPPED = {BAGGAGE, CREATION, FANOUT}


def hop(record: bytes, trust: "Trust" = "parent") -> bytes | None:
    """The record as a terminating relay passes it on, None for not at all.

    What is no frame goes on as it came. ``trust``: how far the sender is trusted.
    """
    if not is_frame(record):
        return record
    try:
        frame = decode(record)
    except FrameError:
        return None
    kind, trace = frame.kind, frame.trace
    assert kind is not None  # not bare
    if kind > Kind.NOTIFICATION:  # C-29
        return None
    raw = {key: item for key, item in frame.raw_extensions.items() if key not in WRITTEN}
    trusts = trust == "parent"
    if not trusts:
        raw = {key: item for key, item in raw.items() if key not in DROPPED}
    if not isinstance(trace, TraceContext):
        return encode(Frame(kind, frame.id, frame.target, frame.payload, trace, None, raw))
    state = trace.state if trusts else ""
    onward = TraceContext(trace.trace_id, random.getrandbits(63) + 1, trace.flags, state)
    created: dict[int | str, object] = {}
    if trusts and CREATION not in frame.extensions:
        raw.pop(CREATION, None)  # unusable
        created[CREATION] = TraceContext(trace.trace_id, trace.span_id, trace.flags)
    return encode(Frame(kind, frame.id, frame.target, frame.payload, onward, created, raw))


def damage(record: bytes) -> bytes:
    """One bit of the middle is turned: in the body, or in what leads to it."""
    at = len(record) // 2
    return record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]


PASS: dict[str, Callable[[bytes], bytes | None]] = {
    "transparent": lambda record: record,
    "terminating": hop,
    "damaging": damage,
}


Passes = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def main(kind: str, routes: dict[str, str]) -> None:
    for path, onward in routes.items():
        await asyncio.start_unix_server(passing(kind, onward), path)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def passing(kind: str, onward: str) -> Passes:
    async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, to = await asyncio.open_unix_connection(onward)
        while prefix := await reader.read(1):
            prefix += await reader.readexactly(3)
            record = await reader.readexactly(int.from_bytes(prefix, "big"))
            passed = PASS[kind](record)
            if passed is not None:
                to.write(len(passed).to_bytes(4, "big") + passed)
        to.close()
        writer.close()

    return passes


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
