"""Live cases of records, kinds and keys (sections 2, 3, 5.1, 6 and 7.1)."""

import asyncio
import itertools

import cbor2

from tracewire.codec import NOT_SAMPLED, Frame, Kind, RawItem, Status, TraceContext, encode
from tracewire.codec.constants import CREATION
from tracewire.codec.keys import ROWS

from .asking import asks, on_a_wire
from .case import CaseFailed
from .wire import (
    EVEN,
    NEW_KIND,
    OCTETS,
    ODD,
    Dial,
    Wire,
    body,
    cancel,
    echo,
    expect,
    expect_error,
    hello,
    name_of,
    notification,
    record,
    request,
    sleep,
)

SAMPLED = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
NEVER_HEARD_OF = (ODD, 4_294_967_295, "conform.text")


async def echoed(wire: Wire, frame: Frame, payload: bytes = b"x") -> Frame:
    """The frame is answered as an echo is."""
    await wire.say(frame)
    response = await wire.answer()
    expect(
        "the response",
        (frame.id, Status.OK, payload),
        (response.id, response.status, response.payload),
    )
    return response


@on_a_wire("C-2/request", "A request is answered by one response with its id.")
async def request_is_answered_once(wire: Wire) -> None:
    await echoed(wire, echo(7, b"payload"), b"payload")
    expect("frames after the response", [], await wire.pong(1))


@on_a_wire(
    "C-2/content-format", "An echo has the body and the content format as they came.", "SHOULD"
)
async def echo_keeps_the_content_format(wire: Wire) -> None:
    response = await echoed(wire, echo(1))
    expect("content format", 42, response.extensions.get(9))


@on_a_wire("C-2/ping", "A ping is answered by a pong with its id.")
async def ping_is_answered_by_its_pong(wire: Wire) -> None:
    await wire.say(hello())
    await wire.pong(4_294_967_295)


@on_a_wire(
    "C-2/nothing-else", "Notifications, pongs, goodbyes to no call and the like get no answer."
)
async def nothing_else_is_answered(wire: Wire) -> None:
    await wire.say(hello(), notification(), Frame(Kind.NOTIFICATION, 0, ""), Frame(Kind.PONG, 9, 0))
    came = [frame for frame in await wire.pong(1) if frame.kind != Kind.HELLO]
    expect("frames before the pong", [], came)


@on_a_wire("S-1/byte-by-byte", "A record is read however it is split.")
async def record_is_read_byte_by_byte(wire: Wire) -> None:
    data = record(hello()) + record(echo(1))
    for at in range(len(data)):
        await wire.write(data[at : at + 1])
        await asyncio.sleep(0)
    expect("id", 1, (await wire.answer()).id)


@on_a_wire("S-1/every-split", "Two records are read when they are split at any byte.")
async def records_are_read_at_every_split(wire: Wire) -> None:
    await wire.say(hello())
    size = len(record(echo(1)))
    for at in range(1, size):
        data = record(echo(at))
        await wire.write(data[:at])
        await asyncio.sleep(0.001)  # so that the parts arrive apart
        await wire.write(data[at:])
        expect("id", at, (await wire.answer()).id)


@on_a_wire("S-1/pipelined", "Requests that arrive at once are all answered.")
async def pipelined_requests_are_all_answered(wire: Wire) -> None:
    await wire.say(hello(), *(echo(id) for id in range(1, 201)))
    answered = {(await wire.answer()).id for _ in range(200)}
    expect("ids", set(range(1, 201)), answered)


@on_a_wire("S-1/empty", "A record of no bytes is an invalid frame, and the next one is read.")
async def empty_record_is_an_invalid_frame(wire: Wire) -> None:
    await wire.say(hello(), b"", echo(1))
    expect("id", 1, (await wire.answer()).id)


@asks("S-2/longest", "A request of the announced length is read, and its echo comes back.")
async def longest_request_is_echoed(dial: Dial) -> None:
    async with dial() as wire:
        frame = _of_size(dial.limits.max_frame)
        await wire.say(hello({0: 2, 1: [], 2: [], 3: dial.limits.max_frame}), frame)
        expect("bytes", len(frame.payload), len((await wire.answer()).payload))


def _of_size(size: int) -> Frame:
    payload = bytes(size - len(encode(echo(1, b""))) - 4)
    frame = echo(1, payload)
    return echo(1, payload[: len(payload) - (len(encode(frame)) - size)])


@asks("C-3/over-long", "A record that is one byte longer is a connection error.")
async def over_long_record_ends_the_connection(dial: Dial) -> None:
    async with dial() as wire:
        await wire.write(record(hello()) + (dial.limits.max_frame + 1).to_bytes(4, "big"))
        expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-3/declared", "A length of 4 GiB is refused before anything of it arrives.")
async def declared_length_alone_is_refused(wire: Wire) -> None:
    await wire.write(record(hello()) + b"\xff\xff\xff\xff")
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("C-3/highest-byte", "All four bytes of a length are read.")
async def all_bytes_of_a_length_are_read(wire: Wire) -> None:
    await wire.write(record(hello()) + b"\x01" + record(echo(1))[1:])
    expect("status", Status.RESOURCE_EXHAUSTED, body(await wire.goaway()).get(1))


@on_a_wire("S-3/ends-inside", "Input that ends inside a record is no request, and the peer closes.")
async def input_that_ends_inside_a_record_is_no_request(wire: Wire) -> None:
    await wire.write(record(hello()) + record(echo(1))[:-1])
    await wire.end()
    came = [frame for frame in await wire.rest() if frame.kind == Kind.RESPONSE]
    expect("responses", [], came)


@on_a_wire("C-4/fifteen", "Fifteen invalid records are dropped, and the connection goes on.")
async def fifteen_invalid_records_are_dropped(wire: Wire) -> None:
    await wire.say(hello(), *[b"\xff"] * 15)
    await echoed(wire, echo(1))


@on_a_wire("C-4/sixteenth", "The sixteenth invalid record is a connection error.")
async def sixteenth_invalid_record_ends_the_connection(wire: Wire) -> None:
    await wire.say(hello(), *[b"junk"] * 16)
    expect("status", Status.INVALID_ARGUMENT, body(await wire.goaway()).get(1))


_REQUEST = bytes.fromhex("d9d4f7850005616140")  # an extension map follows
_KEY = bytes.fromhex("1a00010001")  # ODD


@on_a_wire(
    "C-4/sixteen-requests", "Fifteen invalid requests are answered, and the sixteenth ends it all."
)
async def fifteen_invalid_requests_are_answered(wire: Wire) -> None:
    await echoed(wire, echo(100))
    await wire.say(*(encode(echo(id)) + b"\0" for id in range(1, 17)))
    for id in range(1, 16):
        expect_error(await wire.answer(), id, Status.INVALID_ARGUMENT, 0)
    expect("status", Status.INVALID_ARGUMENT, body(await wire.goaway()).get(1))


@on_a_wire("C-4/in-all", "Valid frames between them do not begin the count anew.")
async def valid_frames_do_not_begin_the_count_anew(wire: Wire) -> None:
    await wire.say(hello())
    for id in range(1, 16):
        await wire.say(b"\xff")
        await echoed(wire, echo(id))
    await wire.say(b"\xff")
    expect("status", Status.INVALID_ARGUMENT, body(await wire.goaway()).get(1))


#: Requests that are invalid after their id: what is wrong, and the bytes.
INVALID = {
    "trailing": encode(echo(5)) + b"\0",
    "text": bytes.fromhex("d9d4f78400056161") + b"\xff",
    "utf8": bytes.fromhex("d9d4f784000561ff40"),
    "long-head": bytes.fromhex("d9d4f78400056161") + b"\x58\x01a",
    "empty-map": _REQUEST + b"\xa0",
    "twice": _REQUEST + b"\xa2" + 2 * (_KEY + b"\xf6"),
    "unordered": _REQUEST + b"\xa2" + _KEY[:-1] + b"\x03\xf6" + _KEY + b"\xf6",
    "tagged-value": _REQUEST + b"\xa1" + _KEY + b"\xc1\0",
    "float": _REQUEST + b"\xa1" + _KEY + b"\xf9\0\0",
    "float-of-20": _REQUEST + b"\xa1" + _KEY + b"\xf9\0\x14",
    "indefinite": _REQUEST + b"\xbf" + _KEY + b"\xf6\xff",
    "too-short": bytes.fromhex("d9d4f7840005616141"),
    "key-0": _REQUEST + b"\xa1\0\xf6",
}


def _refuses(name: str, data: bytes) -> None:
    @on_a_wire(
        f"C-5/{name}", "A request that is invalid after its id is answered INVALID_ARGUMENT."
    )
    async def request_that_is_invalid_after_its_id_is_answered(wire: Wire) -> None:
        await wire.say(hello(), data)
        expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


for _name, _data in INVALID.items():
    _refuses(_name, _data)


def _with(raw: dict[int | str, RawItem]) -> Frame:
    return Frame(Kind.REQUEST, 1, "tracewire.echo", b"x", None, None, raw)


@on_a_wire("X-2/most", "64 extensions are read.")
async def most_extensions_are_read(wire: Wire) -> None:
    await echoed(wire, _with({ODD + 2 * n: RawItem(b"\xf6") for n in range(64)}))


@on_a_wire("X-2/one-more", "65 are not.")
async def one_extension_more_is_invalid(wire: Wire) -> None:
    entries = b"".join(b"\x1a" + (ODD + 2 * n).to_bytes(4, "big") + b"\xf6" for n in range(65))
    await wire.say(hello(), _REQUEST + b"\xb8\x41" + entries)
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


def _map_of(size: int) -> bytes:
    """An extension map of so many bytes, with one byte string in it."""
    return b"\xa1" + _KEY + b"\x59" + (size - 9).to_bytes(2, "big") + bytes(size - 9)


@on_a_wire("X-3/longest", "Extensions of 16,384 bytes are read.")
async def longest_extensions_are_read(wire: Wire) -> None:
    await wire.say(hello(), _REQUEST + _map_of(16_384))
    expect_error(await wire.answer(), 5, Status.UNIMPLEMENTED)


@on_a_wire("X-3/one-more", "Extensions of 16,385 bytes are not.")
async def extensions_of_one_byte_more_are_invalid(wire: Wire) -> None:
    await wire.say(hello(), _REQUEST + _map_of(16_385))
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


def _nested(depth: int) -> bytes:
    return _REQUEST + b"\xa1" + _KEY + b"\x81" * (depth - 1) + b"\x80"


@on_a_wire("X-9/deepest", "Values nested 16 deep are read.")
async def deepest_value_is_read(wire: Wire) -> None:
    await wire.say(hello(), _nested(16))
    expect_error(await wire.answer(), 5, Status.UNIMPLEMENTED)


@on_a_wire("X-9/one-more", "Values nested 17 deep are not.")
async def value_of_one_level_more_is_invalid(wire: Wire) -> None:
    await wire.say(hello(), _nested(17))
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


@on_a_wire("X-9/bomb", "Values nested 16,000 deep are refused, and the peer lives.")
async def nesting_bomb_is_refused(wire: Wire) -> None:
    await wire.say(hello(), _nested(16_000))
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


@on_a_wire("F-11/longest", "A method of 255 bytes is a name like any other.")
async def longest_method_is_a_name(wire: Wire) -> None:
    await wire.say(hello(), request(1, "a" * 255))
    expect_error(await wire.answer(), 1, Status.UNIMPLEMENTED)


@on_a_wire("F-11/one-more", "A method of 256 bytes is invalid.")
async def method_of_one_byte_more_is_invalid(wire: Wire) -> None:
    await wire.say(
        hello(), bytes.fromhex("d9d4f784000579 0100".replace(" ", "")) + b"a" * 256 + b"\x40"
    )
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)


@on_a_wire("G-6/unknown", "Unknown odd keys and text keys are ignored.")
async def unknown_odd_and_text_keys_are_ignored(wire: Wire) -> None:
    await echoed(wire, request(1, "tracewire.echo", b"x", dict.fromkeys(NEVER_HEARD_OF, 1)))


@on_a_wire("G-6/every-value", "Whatever value of the subset they have.")
async def values_of_unknown_keys_are_ignored(wire: Wire) -> None:
    values = [0, 2**64 - 1, -1, -(2**64), b"", b"\xff" * 300, "", "\u00fc" * 300, False, True, None]
    values += [[], [1, [2, [3]]], {}, {"a": {1: []}}]
    items = [RawItem(cbor2.dumps(value)) for value in values]
    await echoed(wire, _with({ODD + 2 * n: item for n, item in enumerate(items)}))


#: Values, of which each key takes a few at most.
VALUES: tuple[str, ...] = (
    "f5",
    "f6",
    "40",
    "4100",
    "581d" + "00" * 29,
    "00",
    "20",
    "60",
    "6131",
    "80",
    "820001",
)
VALUES += ("820100", "a10102", "a1606161", "1a00010000")
UNUSABLE = [
    (row.number, value)
    for row in ROWS
    for value in VALUES
    if row.read(bytes.fromhex(value)) is None
] + [(CREATION, "f4")]


@on_a_wire(
    "G-7/unusable", "An unusable value of an assigned key reads as absent, and the call goes on."
)
async def unusable_value_reads_as_absent(wire: Wire) -> None:
    await wire.say(hello())
    for id, (key, value) in enumerate(UNUSABLE, 1):
        raw: dict[int | str, RawItem] = {key: RawItem(bytes.fromhex(value))}
        if key != 9:  # without which the body is CBOR
            raw[9] = RawItem(b"\x18\x2a")
        await wire.say(Frame(Kind.REQUEST, id, "tracewire.echo", b"", None, None, raw))
        response = await wire.answer()
        expect(f"key {key} with {value}", (id, "OK"), (response.id, name_of(response)))


@on_a_wire("G-8/even", "A request with an even key is answered UNIMPLEMENTED, and told which.")
async def request_with_an_even_key_is_unimplemented(wire: Wire) -> None:
    await wire.say(hello(), request(1, "tracewire.echo", b"", {EVEN: None, EVEN + 2: None, ODD: 1}))
    response = await wire.answer()
    expect_error(response, 1, Status.UNIMPLEMENTED, 0)
    said = body(response)
    expect("details", [EVEN, EVEN + 2], said.get(1))
    if not all(str(key) in str(said.get(0)) for key in (EVEN, EVEN + 2)):
        raise CaseFailed(f"the message names no keys: {said.get(0)!r}")


@on_a_wire("G-9/even", "A notification with an even key is dropped.")
async def notification_with_an_even_key_is_dropped(wire: Wire) -> None:
    await wire.say(hello(), notification({EVEN: 1}))
    await echoed(wire, echo(1))


@on_a_wire("G-11/even", "A frame of another kind with an even key is ignored.")
async def other_frame_with_an_even_key_is_ignored(wire: Wire) -> None:
    raw: dict[int | str, RawItem] = {EVEN: RawItem(b"\xf6")}
    await wire.say(hello(), Frame(Kind.PING, 5, 0, b"", None, None, raw))
    await wire.say(Frame(Kind.GOAWAY, 0, 0, cbor2.dumps({0: 0, 1: 0}), None, None, raw))
    await echoed(wire, echo(1))
    expect("pongs", [], await wire.pong(6))


@on_a_wire("G-13/unknown-kinds", "Frames of unknown kinds are dropped and never answered.")
async def unknown_kinds_are_dropped(wire: Wire) -> None:
    targets: list[str | int] = [0, "a", "", 4_294_967_295]
    kinds = itertools.product((NEW_KIND, 50_000, 65_535), enumerate(targets))
    await wire.say(hello(), *(Frame(kind, id, target) for kind, (id, target) in kinds))
    came = [frame for frame in await wire.pong(1) if frame.kind != Kind.HELLO]
    expect("frames before the pong", [], came)


@on_a_wire("T-2/not-sampled", "A request that is decided not sampled is answered like any.")
async def request_that_is_not_sampled_is_answered(wire: Wire) -> None:
    await echoed(wire, Frame(Kind.REQUEST, 1, "tracewire.echo", b"x", NOT_SAMPLED, OCTETS))


@on_a_wire("T-3/sampled", "So is one that has a trace.")
async def request_with_a_trace_is_answered(wire: Wire) -> None:
    await echoed(wire, Frame(Kind.REQUEST, 1, "tracewire.echo", b"x", SAMPLED, OCTETS))


@on_a_wire("C-2/no-trace", "A response carries no context of its request.", "SHOULD")
async def response_carries_no_trace(wire: Wire) -> None:
    response = await echoed(wire, Frame(Kind.REQUEST, 1, "tracewire.echo", b"x", SAMPLED, OCTETS))
    expect("keys of context", [], sorted({1, 3, 5, 11, 13} & {*response.raw_extensions}))


@on_a_wire("C-14/refused", "A cancel of a request that was refused is ignored.")
async def cancel_of_a_refused_request_is_ignored(wire: Wire) -> None:
    await wire.say(hello(), encode(echo(5)) + b"\0", cancel(5))
    expect_error(await wire.answer(), 5, Status.INVALID_ARGUMENT, 0)
    await wire.say(request(6, "a", b"", {EVEN: 1}), cancel(6))
    expect_error(await wire.answer(), 6, Status.UNIMPLEMENTED, 0)
    await echoed(wire, echo(7))


@on_a_wire("C-14/unknown", "Responses and cancels of ids that are not in flight are ignored.")
async def responses_and_cancels_of_unknown_ids_are_ignored(wire: Wire) -> None:
    await echoed(wire, echo(3))
    await wire.say(Frame(Kind.RESPONSE, 77, 0), Frame(Kind.RESPONSE, 78, 13, b"\xa0"), cancel(3))
    await echoed(wire, sleep(4, 0), b"")
