"""Cases of callers: hello, calls and their responses, cancel, timeouts, context."""

import asyncio

import cbor2

from tracewire.codec import NOT_SAMPLED, Frame, Kind, RawItem, Status, TraceContext, encode
from tracewire.codec.constants import TIMEOUT

from .calling import Met, asks_caller, ok
from .case import CaseFailed
from .wire import EVEN, NEW_KIND, ODD, check_hello, expect, hello, record, shown

SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FAILED = int(Status.FAILED_PRECONDITION)


@asks_caller("C-9/caller", "A connector where framing is configured says hello first.")
async def connector_says_hello_first(met: Met) -> None:
    check_hello(await met.wire.hear())


@asks_caller("C-7/caller-once", "A caller says one hello, and waits for none.")
async def caller_says_one_hello(met: Met) -> None:
    number = await met.call()
    kinds = []
    while (frame := await met.wire.hear()) is not None and frame.kind != Kind.REQUEST:
        kinds.append(frame.kind)
    if frame is None:
        raise CaseFailed("the caller closed")
    await met.wire.say(hello(), ok(frame.id))
    await met.succeeds(number)
    kinds += [frame.kind for frame in await met.wire.pong(1)]
    expect("hellos", 1, kinds.count(Kind.HELLO))


@asks_caller("C-11/caller", "The ids of its requests strictly increase, also after a cancel.")
async def ids_strictly_increase(met: Met) -> None:
    ids = []
    for turn in range(6):
        number, request = await met.called()
        ids.append(request.id)
        if turn == 3:
            await met.cancel(number)
            await met.heard(Kind.CANCEL)
            await met.wire.say(Frame(Kind.RESPONSE, request.id, int(Status.CANCELLED), b"\xa0"))
        elif turn % 2:
            await met.wire.say(ok(request.id))
    expect("ids that increase", sorted(set(ids)), ids)


@asks_caller("C-12/caller", "A caller that is out of ids drains, and begins no other call.")
async def caller_out_of_ids_drains(met: Met) -> None:
    await met.do("ids", "4294967295")
    last, request = await met.called()
    expect("id", 4_294_967_295, request.id)
    expect("status of goaway", 0, _fields(await met.heard(Kind.GOAWAY)).get(1))
    await met.fails(await met.call(), Status.UNAVAILABLE, (0,))
    await met.wire.say(ok(request.id))
    await met.succeeds(last)


@asks_caller("C-13/caller", "Ids belong to a side: a call of ours may have the id of its own.")
async def ids_belong_to_a_side(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(hello(), Frame(Kind.REQUEST, request.id, "conform.no-such-method"))
    expect("id", request.id, (await met.heard(Kind.RESPONSE)).id)
    await met.wire.say(ok(request.id))
    await met.succeeds(number)


@asks_caller("C-2/caller", "It answers a ping by a pong, and no notification.")
async def caller_answers_a_ping(met: Met) -> None:
    await met.wire.say(hello(), Frame(Kind.NOTIFICATION, 0, "conform.notice"))
    came = [frame for frame in await met.wire.pong(7) if frame.kind != Kind.HELLO]
    expect("frames before the pong", [], [*map(shown, came)])


@asks_caller("C-2/caller-notifies", "A notification has its method and payload, and id 0.")
async def notification_arrives(met: Met) -> None:
    await met.succeeds(await met.notify(b"\x17"), b"")
    frame = await met.heard(Kind.NOTIFICATION)
    expect("method and payload", ("conform.notice", b"\x17"), (frame.target, frame.payload))


@asks_caller("F-11/caller", "A request has the method and the payload that were ordered.")
async def request_has_what_was_ordered(met: Met) -> None:
    number = await met.call(None, b"\x82\x01\x02", "conform.other")
    request = await met.requested()
    said = request.target, request.payload
    expect("method and payload", ("conform.other", b"\x82\x01\x02"), said)
    await met.wire.say(ok(request.id, b"\x83\x01\x02\x03"))
    await met.succeeds(number, b"\x83\x01\x02\x03")


@asks_caller("S-1/caller", "Responses are read however they are split, and in any order.")
async def responses_are_read_however_they_are_split(met: Met) -> None:
    first, one = await met.called()
    second, two = await met.called()
    for byte in record(hello()) + record(ok(two.id, b"\x05")) + record(ok(one.id, b"\x04")):
        await met.wire.write(bytes([byte]))
        await asyncio.sleep(0)
    await met.succeeds(second, b"\x05")
    await met.succeeds(first, b"\x04")


# Odd responses.


@asks_caller("C-6/caller", "An invalid response fails its call, and no other.")
async def invalid_response_fails_its_call(met: Met) -> None:
    first, one = await met.called()
    second, two = await met.called()
    await met.wire.say(encode(ok(one.id)) + b"\0", ok(two.id))
    await met.fails(first, None, (1, 2, None))
    await met.succeeds(second)


@asks_caller("C-14/caller", "A response of an id that is not in flight is ignored.")
async def response_of_an_unknown_id_is_ignored(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(ok(request.id + 1_000), ok(request.id))
    await met.succeeds(number)
    await met.wire.say(ok(request.id))
    await met.works()


@asks_caller("C-14/caller-cancelled", "So is one of a call that was given up.")
async def response_of_a_cancelled_call_is_ignored(met: Met) -> None:
    number, request = await met.called()
    await met.cancel(number)
    await met.heard(Kind.CANCEL)
    await met.fails(number, Status.CANCELLED, (1, None))
    await met.wire.say(ok(request.id))
    await met.works()


@asks_caller("G-10/caller", "A response with an even key fails its call.")
async def response_with_an_even_key_fails_its_call(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(ok(request.id, keys={EVEN: 1}))
    await met.fails(number, None, (1, 2, None))
    await met.works()


@asks_caller("G-10/caller-status", "It fails UNIMPLEMENTED.", "SHOULD")
async def response_with_an_even_key_is_unimplemented(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(ok(request.id, keys={EVEN: 1}))
    await met.fails(number, Status.UNIMPLEMENTED)


@asks_caller("G-6/caller", "Unknown odd and text keys of a response are ignored.")
async def unknown_keys_of_a_response_are_ignored(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(ok(request.id, keys={ODD: [1], "conform": None}))
    await met.succeeds(number)


@asks_caller("G-7/caller", "An unusable value in a response reads as absent.")
async def unusable_value_in_a_response_reads_as_absent(met: Met) -> None:
    number, request = await met.called()
    raw: dict[int | str, RawItem] = {1: RawItem(b"\xf5"), 9: RawItem(b"\x40")}
    await met.wire.say(Frame(Kind.RESPONSE, request.id, 0, b"\x02", None, None, raw))
    await met.succeeds(number)


@asks_caller("G-13/caller", "A frame of an unknown kind is dropped, whatever its id.")
async def unknown_kind_is_dropped(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(hello(), Frame(NEW_KIND, request.id, 0), Frame(NEW_KIND + 1, 1, "a"))
    came = [frame for frame in await met.wire.pong(1) if frame.kind != Kind.HELLO]
    expect("frames before the pong", [], [*map(shown, came)])
    await met.wire.say(ok(request.id))
    await met.succeeds(number)


@asks_caller("G-11/caller", "A ping, a goaway and a hello with an even key are ignored.")
async def other_frames_with_even_keys_are_ignored(met: Met) -> None:
    raw: dict[int | str, RawItem] = {EVEN: RawItem(b"\xf6")}
    small = cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_536})
    await met.wire.say(Frame(Kind.HELLO, 0, 0, small, None, None, raw))
    await met.wire.say(Frame(Kind.GOAWAY, 0, 0, cbor2.dumps({0: 0, 1: 0}), None, None, raw))
    await met.wire.say(Frame(Kind.PING, 5, 0, b"", None, None, raw))
    number = await met.call(None, bytes(70_000))
    await met.wire.say(ok((await met.requested()).id))
    await met.succeeds(number)


@asks_caller("C-22/caller", "An error has its status and what it says of executed.")
async def error_has_its_status(met: Met) -> None:
    for status, executed in ((5, 0), (9, 1), (16, 2), (13, None)):
        number, request = await met.called()
        fields = {0: "no"} if executed is None else {0: "no", 2: executed}
        await met.wire.say(Frame(Kind.RESPONSE, request.id, status, cbor2.dumps(fields)))
        await met.fails(number, status, (executed,))


@asks_caller("F-13/caller", "A status that has no name reads as UNKNOWN.")
async def status_without_a_name_is_unknown(met: Met) -> None:
    for status in (17, 4_294_967_295):
        number, request = await met.called()
        await met.wire.say(Frame(Kind.RESPONSE, request.id, status, b"\xa1\x00\x61a"))
        await met.fails(number, Status.UNKNOWN)


@asks_caller("C-22/caller-body", "A body of an error that is no such map says nothing.")
async def odd_body_of_an_error_says_nothing(met: Met) -> None:
    for payload in (b"", b"\xff", b"\x80", b"\xa1\x02\x00", b"\xa2\x00\x01\x02\x00"):
        number, request = await met.called()
        await met.wire.say(Frame(Kind.RESPONSE, request.id, FAILED, payload))
        await met.fails(number, FAILED, (None, 1))


@asks_caller("C-22/caller-duplicates", "Of duplicate keys of an error the first counts.")
async def first_of_duplicate_keys_counts(met: Met) -> None:
    number, request = await met.called()
    twice = bytes.fromhex("a3006161" + "0200" + "0202")
    await met.wire.say(Frame(Kind.RESPONSE, request.id, FAILED, twice))
    await met.fails(number, FAILED, (0,))


# The other side's hello.


@asks_caller("C-8/caller", "A request over the announced max frame fails where it is made.")
async def request_over_the_max_frame_fails(met: Met) -> None:
    await met.wire.say(hello({0: 2, 1: [], 2: [], 3: 65_536}))
    await met.works()
    await met.fails(await met.call(None, bytes(65_536)), Status.RESOURCE_EXHAUSTED, (0,))
    await met.works()


@asks_caller("C-10/caller", "Only the first readable hello counts.")
async def first_readable_hello_counts(met: Met) -> None:
    small = cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_536})
    await met.wire.say(Frame(Kind.HELLO, 0, 0, small + b"\0"), hello())
    await met.wire.say(Frame(Kind.HELLO, 0, 0, small))
    await met.works()
    number = await met.call(None, bytes(70_000))
    await met.wire.say(ok((await met.requested()).id))
    await met.succeeds(number)


@asks_caller("G-12/caller", "No frame has an even key that no hello listed, nor a new kind.")
async def no_frame_has_an_even_key(met: Met) -> None:
    await met.wire.say(hello())
    for _ in range(3):
        await met.works()
        await met.notify()
        await met.heard(Kind.NOTIFICATION)
    number, _ = await met.called(10_000_000)
    await met.cancel(number)
    await met.heard(Kind.CANCEL)  # each frame that is heard is looked at


# Cancel and timeouts.


@asks_caller("C-16/caller", "A call that is given up is cancelled, once.")
async def call_that_is_given_up_is_cancelled_once(met: Met) -> None:
    number, request = await met.called()
    await met.cancel(number)
    await met.cancel(number)
    expect("id of the cancel", request.id, (await met.heard(Kind.CANCEL)).id)
    await met.fails(number, Status.CANCELLED, (1, None))
    expect("frames after the cancel", [], [*map(shown, await met.wire.pong(1))])


@asks_caller("C-16/caller-answered", "One that was answered is not cancelled.")
async def answered_call_is_not_cancelled(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(ok(request.id))
    await met.succeeds(number)
    await met.cancel(number)
    expect("frames after the response", [], [*map(shown, await met.wire.pong(1))])


@asks_caller("C-24/caller", "The time left is sent, and is no more than was ordered.")
async def time_left_is_sent(met: Met) -> None:
    for ordered in (5_000_000, 90_000_000):
        number, request = await met.called(ordered)
        sent = request.extensions.get(TIMEOUT)
        if not isinstance(sent, int) or not ordered - 4_000_000 <= sent <= ordered:
            raise CaseFailed(f"of {ordered} microseconds that were ordered {sent} were sent")
        await met.wire.say(ok(request.id))
        await met.succeeds(number)


@asks_caller("C-24/caller-enforced", "A call fails when its time is over; its response is late.")
async def call_fails_when_its_time_is_over(met: Met) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    number, request = await met.called(300_000)
    await met.fails(number, Status.DEADLINE_EXCEEDED, (1, None))
    if clock() - began < 0.28:
        raise CaseFailed(f"it failed after {clock() - began:.2f} s, not 0.3")
    await met.wire.say(ok(request.id))
    later = await met.call()
    while (frame := await met.wire.hear()) is not None and frame.kind != Kind.REQUEST:
        expect("a frame after the call", f"cancel {request.id}", shown(frame))
    if frame is None:
        raise CaseFailed("the caller closed")
    await met.wire.say(ok(frame.id))
    await met.succeeds(later)


@asks_caller("C-24/caller-zero", "A call without time fails at once, and 0 is not sent.")
async def call_without_time_is_not_sent(met: Met) -> None:
    await met.works()
    await met.fails(await met.call(0), Status.DEADLINE_EXCEEDED, (0,))
    expect("frames", [], [*map(shown, await met.wire.pong(1))])


# Context.


@asks_caller("T-4/caller", "Where no trace was decided no key of one is sent.")
async def undecided_trace_is_no_key(met: Met) -> None:
    _, request = await met.called()
    await met.notify()
    for frame in (request, await met.heard(Kind.NOTIFICATION)):
        expect("keys of context", [], sorted({1, 3, 5, 11, 13} & {*frame.raw_extensions}))


@asks_caller("E-1/caller-not-sampled", "What is decided not sampled is sent so.")
async def not_sampled_is_sent_so(met: Met) -> None:
    await met.do("trace", "not-sampled", "-")
    _, request = await met.called()
    trace = request.trace
    if trace is not NOT_SAMPLED and (trace is None or trace.sampled):
        raise CaseFailed(f"a trace that was decided not sampled was sent as {trace}")


@asks_caller("E-1/caller-sampled", "A sampled trace is sent with its id and state.")
async def sampled_trace_is_sent(met: Met) -> None:
    await met.do("trace", SAMPLED, b"vendor=1".hex())
    _, request = await met.called()
    trace = request.trace
    if not isinstance(trace, TraceContext):
        raise CaseFailed(f"a sampled trace was sent as {trace}")
    expected = SAMPLED.split("-")[1], True, "vendor=1"
    expect("trace", expected, (f"{trace.trace_id:032x}", trace.sampled, trace.state))
    await met.do("trace", "undecided", "-")
    _, request = await met.called()
    expect("keys of a trace", [], sorted({1, 3} & {*request.raw_extensions}))


def _fields(frame: Frame) -> dict[int, object]:
    fields: dict[int, object] = cbor2.loads(frame.payload)
    return fields
