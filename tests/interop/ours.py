"""Our own peer of the matrix, as an application on a transport of its own.

    python -m tests.interop.ours PATH

Its lines are those of peers/README.md. TRACEWIRE_PURE_PYTHON=1 chooses the reference codec.
"""

import asyncio
import sys

from tracewire.codec import NOT_SAMPLED, FrameError, TraceContext, unwrap, wrap

from .peers.lines import say, serve, told


def made(dialect: str, body: bytes, trace: str) -> list[bytes]:
    if dialect == "bare":
        return [body]
    if trace == "undecided":
        return [wrap(body)]
    if trace == "not-sampled":
        return [wrap(body, NOT_SAMPLED)]
    return [wrap(body, TraceContext.from_traceparent(trace))]


def received(record: bytes) -> None:
    try:
        frame = unwrap(record, mode="both")
    except FrameError as error:
        say("dropped", error.rule)
        return
    if frame.kind is None:
        say("received", "bare", told(frame.payload), "none")
        return
    trace = frame.trace
    said = "undecided" if trace is None else "not-sampled"
    if isinstance(trace, TraceContext):
        said = trace.to_traceparent()
    say("received", "framed", told(frame.payload), said)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], received, made))
