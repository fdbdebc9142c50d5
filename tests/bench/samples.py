"""The message that everything is measured on, and the statements that are measured."""

from typing import Final, NamedTuple

#: Imports and values for the statements below. `floor` is built by measure.build_floor.
SETUP: Final = """
from floor import allocate_and_copy, empty1, empty4, slice_records
from tracewire.codec import StreamDecoder, TraceContext
from tracewire.codec import decode, encode_request, peek_trace, to_stream
ID = 1000
METHOD = "guild.join"
PAYLOAD = bytes(range(38))
TRACE = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
UNDECIDED = None
SAMPLED = encode_request(ID, METHOD, PAYLOAD, TRACE)
# Half of each size's blocks are free. Where one is the last of its pool, making and dropping it
# costs 17 instructions more, and which one that is changes with every line of the package.
HELD = [bytes(size) for size in range(1, 480, 16) for _ in range(400)]
del HELD[::2]
"""

#: A hop below what was not sampled: a message is served and a call is made, tracing being on.
HOP_SETUP: Final = (
    SETUP
    + """
from opentelemetry.context import attach, detach
from opentelemetry.trace import NoOpTracerProvider
from tracewire.codec import NOT_SAMPLED
from tracewire.protocol.tracing import Tracing
TRACING = Tracing(tracer_provider=NoOpTracerProvider())
SERVER, CLIENT = TRACING.server, TRACING.client
UNSAMPLED = encode_request(ID, METHOD, PAYLOAD, TraceContext(1, 2, 0))
DECIDED = encode_request(ID, METHOD, PAYLOAD, NOT_SAMPLED)
"""
)

#: Calls over a Unix socket, both sides in one event loop, 64 at a time. No grease: it is drawn.
CALL_SETUP: Final = """
import asyncio
from tempfile import TemporaryDirectory
from tracewire.protocol import Body, Service, connect, serve
BODY = Body(bytes(range(64)))
FOLDER = TemporaryDirectory()
URL = f"unix://{FOLDER.name}/socket"
SERVICE = Service()
RUN = asyncio.new_event_loop().run_until_complete

@SERVICE.method
async def echo(body: Body) -> Body:
    return body

async def opened():
    await serve(URL, SERVICE, grease=0)
    return await connect(URL, grease=0)

CALL = RUN(opened()).call

async def one_by_one():
    for _ in range(5):
        await CALL("echo", BODY, returns=Body)

async def calls():
    await asyncio.gather(*(one_by_one() for _ in range(64)))
"""

#: A stream of the same frame in pieces of 64 KiB, and one in pieces that end with a record.
STREAMS: Final = """
RECORD = to_stream(SAMPLED)
WHOLE = 65536 // len(RECORD) * len(RECORD)
STREAM = RECORD * 4096
PIECES = [STREAM[at : at + 65536] for at in range(0, len(STREAM), 65536)]
WHOLE_PIECES = [STREAM[at : at + WHOLE] for at in range(0, len(STREAM), WHOLE)]
FEED = StreamDecoder().feed
"""

#: What the same message costs elsewhere.
RIVALS: Final = """
import msgspec
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

class Request(msgspec.Struct, array_like=True):
    kind: int
    id: int
    method: str
    payload: bytes
    extensions: dict[int, bytes]

FIELDS = [0, ID, METHOD, PAYLOAD, {1: SAMPLED[-29:]}]
PACK = msgspec.msgpack.Encoder().encode
PACKED = PACK(FIELDS)
UNPACK = msgspec.msgpack.Decoder(Request).decode
EXTRACT = TraceContextTextMapPropagator().extract
CARRIER = {"traceparent": TRACE.to_traceparent()}
"""


ENCODE: Final = "encode_request(ID, METHOD, PAYLOAD, TRACE)"
#: The same call without context, so that handing over one more argument is no part of the ratio.
ENCODE_PLAIN: Final = "encode_request(ID, METHOD, PAYLOAD, UNDECIDED)"
DECODE: Final = "decode(SAMPLED)"
DECODE_AND_READ: Final = (
    "frame = decode(SAMPLED); frame.id; frame.method; frame.payload; frame.trace"
)
PEEK: Final = "peek_trace(SAMPLED)"
FEED: Final = "for piece in PIECES: FEED(piece)"

PACK: Final = "PACK(FIELDS)"
UNPACK_AND_READ: Final = (
    "frame = UNPACK(PACKED); frame.id; frame.method; frame.payload; frame.extensions"
)
EXTRACT: Final = "EXTRACT(CARRIER)"
COPY: Final = "allocate_and_copy(SAMPLED)"
SLICE: Final = "for piece in WHOLE_PIECES: slice_records(piece)"


class Target(NamedTuple):
    """What may cost at most ``limit`` times as much as what."""

    name: str
    ours: str
    theirs: str
    limit: float


TARGETS: Final = (
    Target("encode with context / msgspec encode", ENCODE, PACK, 0.7),
    Target("encode with context / without", ENCODE, ENCODE_PLAIN, 1.15),
    Target("encode with context / allocate and copy", ENCODE, COPY, 2.0),
    Target("decode and read / msgspec decode and read", DECODE_AND_READ, UNPACK_AND_READ, 0.9),
    Target("peek_trace / OpenTelemetry extract", PEEK, EXTRACT, 1 / 50),
    Target("feed a stream / slice its records", FEED, SLICE, 6.0),
)


HOP: Final = "token = attach(SERVER(decode({}), 'parent')[0]); CLIENT(METHOD); detach(token)"


class Counted(NamedTuple):
    """A statement whose instructions are counted, less those of an empty call if there is one.

    ``runs``: N of counts.costs. ``units``: how many of what is counted one run is.
    """

    statement: str
    empty: str | None
    setup: str = SETUP
    runs: int = 500
    units: int = 1


COUNTED: Final = {
    "encode with context": Counted(ENCODE, "empty4(ID, METHOD, PAYLOAD, TRACE)"),
    "encode without": Counted(ENCODE_PLAIN, "empty4(ID, METHOD, PAYLOAD, UNDECIDED)"),
    "decode": Counted(DECODE, "empty1(SAMPLED)"),
    "decode and read": Counted(DECODE_AND_READ, "empty1(SAMPLED)"),
    "peek_trace": Counted(PEEK, "empty1(SAMPLED)"),
    "hop, ids not sampled": Counted(HOP.format("UNSAMPLED"), None, HOP_SETUP),
    "hop, false": Counted(HOP.format("DECIDED"), None, HOP_SETUP),
    "a call, both sides": Counted("RUN(calls())", None, CALL_SETUP, runs=1, units=5 * 64),
}
