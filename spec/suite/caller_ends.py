"""Cases of callers: goaway, the end of the input, connection errors, and mode both."""

from tracewire.codec import Frame, Kind, Status, wrap

from .calling import Met, asks_caller, ok
from .case import CaseFailed
from .wire import body, check_hello, expect, goaway, hello, shown

MESSAGE = b'{"op": 1}'


@asks_caller("C-18/caller", "After a goaway no call is begun, and open ones get their response.")
async def no_call_is_begun_after_a_goaway(met: Met) -> None:
    number, request = await met.called()
    await met.wire.say(hello(), goaway(request.id))
    await met.wire.pong(1)
    await met.fails(await met.call(), Status.UNAVAILABLE, (0,))
    await met.wire.say(ok(request.id))
    await met.succeeds(number)
    came = [frame for frame in await met.wire.rest() if frame.kind != Kind.GOAWAY]
    expect("frames before the end", [], [*map(shown, came)])


@asks_caller("C-19/caller", "At the end an open call fails UNAVAILABLE, executed = maybe.")
async def open_call_may_have_been_executed(met: Met) -> None:
    number, _ = await met.called()
    await met.wire.cut()
    await met.fails(number, Status.UNAVAILABLE, (1,))
    await met.fails(await met.call(), Status.UNAVAILABLE, (0,))


@asks_caller("C-19/caller-half-close", "So it does where our side only shuts down writing.")
async def open_call_fails_at_a_half_close(met: Met) -> None:
    number, _ = await met.called()
    await met.wire.end()
    await met.fails(number, Status.UNAVAILABLE, (1,))


@asks_caller("C-19/caller-last-id", "One above the last id accepted was not executed.")
async def call_above_the_last_id_was_not_executed(met: Met) -> None:
    first, one = await met.called()
    second, _ = await met.called()
    await met.wire.say(hello(), goaway(one.id))
    await met.wire.pong(1)
    await met.wire.cut()
    await met.fails(second, Status.UNAVAILABLE, (0,))
    await met.fails(first, Status.UNAVAILABLE, (1,))


@asks_caller("C-19/caller-error", "So it is where goaway tells of a connection error.")
async def last_id_counts_at_a_connection_error(met: Met) -> None:
    first, one = await met.called()
    second, _ = await met.called()
    await met.wire.say(goaway(one.id, Status.RESOURCE_EXHAUSTED))
    await met.wire.end()
    await met.fails(second, Status.UNAVAILABLE, (0,))
    await met.fails(first, Status.UNAVAILABLE, (1,))


@asks_caller("C-19/caller-unreadable", "A goaway that is no such map names no last id.")
async def unreadable_goaway_names_no_id(met: Met) -> None:
    first, one = await met.called()
    second, _ = await met.called()
    await met.wire.say(hello(), Frame(Kind.GOAWAY, 0, 0, b"\0"), ok(one.id))
    await met.succeeds(first)
    await met.wire.cut()
    await met.fails(second, Status.UNAVAILABLE, (1,))


@asks_caller("C-17/caller-closes", "Told goaway, a caller without calls closes.")
async def caller_without_calls_closes(met: Met) -> None:
    await met.works()
    await met.wire.say(hello(), goaway())
    came = [frame for frame in await met.wire.rest() if frame.kind != Kind.GOAWAY]
    expect("frames before the end", [], [*map(shown, came)])


@asks_caller("C-17/caller-drains", "A drain says goaway, waits for open calls, and closes.")
async def drain_waits_for_open_calls(met: Met) -> None:
    number, request = await met.called()
    drained = await met.orders.give("drain")
    expect("status of goaway", 0, body(await met.heard(Kind.GOAWAY)).get(1))
    await met.fails(await met.call(), Status.UNAVAILABLE, (0,))
    await met.wire.say(ok(request.id))
    await met.succeeds(number)
    expect("frames before the end", [], [*map(shown, await met.wire.rest())])
    await met.wire.cut()
    await met.succeeds(drained, b"")


@asks_caller("C-3/caller", "An over-long record is a connection error, also of a caller.")
async def over_long_record_is_a_connection_error(met: Met) -> None:
    number, _ = await met.called()
    await met.wire.write(b"\xff" * 4)
    expect("status", Status.RESOURCE_EXHAUSTED, body(await met.wire.goaway()).get(1))
    await met.fails(number, Status.UNAVAILABLE, (1,))


@asks_caller("C-4/caller", "So is the sixteenth invalid record, and not one before it.")
async def sixteenth_invalid_record_is_a_connection_error(met: Met) -> None:
    await met.wire.say(*[b"\xff"] * 15)
    await met.works()
    number, _ = await met.called()
    await met.wire.say(b"\xff")
    expect("status", Status.INVALID_ARGUMENT, body(await met.wire.goaway()).get(1))
    await met.fails(number, Status.UNAVAILABLE, (1,))


# Mode both.


@asks_caller(
    "G-3/caller", "In mode both nothing is framed before a frame was accepted.", mode="both"
)
async def nothing_is_framed_without_evidence(met: Met) -> None:
    await met.wire.silence()
    await met.fails(await met.call(), None, (0,))
    await met.do("send", MESSAGE.hex())
    expect("the message", MESSAGE, await met.wire.hear_bytes())


@asks_caller("G-3/caller-evidence", "Once a frame was accepted, frames are sent.", mode="both")
async def evidence_is_believed(met: Met) -> None:
    await met.wire.say(hello())
    check_hello(await met.wire.hear())
    await met.works()
    await met.do("send", MESSAGE.hex())
    frame = await met.heard(Kind.NOTIFICATION)
    expect("an envelope", ("", MESSAGE), (frame.target, frame.payload))


@asks_caller("C-7/caller-both", "However much evidence there is, one hello is said.", mode="both")
async def one_hello_is_said(met: Met) -> None:
    await met.wire.say(wrap(MESSAGE), wrap(MESSAGE), hello())
    check_hello(await met.wire.hear())
    expect("frames before the pong", [], [*map(shown, await met.wire.pong(1))])


@asks_caller("G-16/caller", "A response before the hello is not accepted.", mode="both")
async def other_frames_are_no_evidence(met: Met) -> None:
    await met.wire.say(ok(1), Frame(Kind.PING, 1, 0))
    await met.wire.silence()
    await met.do("send", MESSAGE.hex())
    expect("the message", MESSAGE, await met.wire.hear_bytes())


@asks_caller("G-4/caller", "What a connection has shown does not count for the next.", mode="both")
async def evidence_ends_with_its_connection(met: Met) -> None:
    await met.wire.say(hello(), wrap(MESSAGE))
    check_hello(await met.wire.hear())
    again = await met.anew("both")
    await again.wire.silence()
    await again.do("send", MESSAGE.hex())
    expect("the message", MESSAGE, await again.wire.hear_bytes())


@asks_caller("M-5/caller", "A bare message that begins like a frame is not sent.", mode="both")
async def message_like_a_frame_is_not_sent_bare(met: Met) -> None:
    number = await met.orders.give("send", "d9d4f7840200604161")
    answer = await met.orders.answer(number)
    if answer.status == 0:
        raise CaseFailed("a message that begins like a frame was sent bare")
    await met.wire.silence()
