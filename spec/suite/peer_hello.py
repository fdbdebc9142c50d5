"""Live cases of hello, and of the silence before it (section 7.2)."""

import cbor2

from tracewire.codec import Frame, Kind, Status
from tracewire.codec.constants import MAX_FRAME

from .asking import on_a_wire
from .case import CaseFailed
from .wire import (
    EVEN,
    NEW_KIND,
    Wire,
    answers,
    check_hello,
    echo,
    expect,
    expect_error,
    hello,
    shown,
)


@on_a_wire("C-7/once", "At most one hello is sent.")
async def at_most_one_hello_is_sent(wire: Wire) -> None:
    await wire.say(hello(), echo(1), echo(2))
    kinds = [frame.kind for frame in await wire.pong(1)]
    if kinds.count(Kind.HELLO) > 1:
        raise CaseFailed(f"{kinds.count(Kind.HELLO)} hellos came")


@on_a_wire("C-7/first", "The hello comes before the first answer.")
async def hello_comes_before_the_first_answer(wire: Wire) -> None:
    await wire.say(echo(1))
    kinds = [frame.kind if (frame := await wire.hear()) else None for _ in range(2)]
    expect("kinds", [Kind.HELLO, Kind.RESPONSE], kinds)


@on_a_wire("C-7/nobody-waits", "Requests are answered without a hello of the caller.")
async def requests_are_answered_without_a_hello(wire: Wire) -> None:
    await answers(wire)


@on_a_wire(
    "C-8/announces", "The hello has keys 0 to 3, a max frame of at least 65,536, a short agent."
)
async def hello_has_its_keys(wire: Wire) -> None:
    await wire.say(hello())
    check_hello(await wire.hear())


@on_a_wire(
    "C-9/silent", "Whoever accepts a connection says nothing before it has accepted a frame."
)
async def acceptor_is_silent_before_a_frame(wire: Wire) -> None:
    await wire.silence()
    await answers(wire)


#: First records that are no frame.
NO_FRAME = {"empty": b"", "junk": b"\0", "cut": bytes.fromhex("d9d4f78400")}


def _stays_silent(name: str, first: bytes) -> None:
    @on_a_wire(
        f"C-9/after-{name}",
        "Nor after a record that is no frame; the request after it is answered.",
    )
    async def acceptor_is_silent_after_what_is_no_frame(wire: Wire) -> None:
        await wire.say(first)
        await wire.silence()
        await wire.say(echo(1))
        kinds = [frame.kind if (frame := await wire.hear()) else None for _ in range(2)]
        expect("kinds", [Kind.HELLO, Kind.RESPONSE], kinds)


for _name, _first in NO_FRAME.items():
    _stays_silent(_name, _first)


@on_a_wire(
    "C-9/over-long", "Nor at a connection error: after an over-long first record comes the end."
)
async def acceptor_ends_in_silence_at_an_over_long_first_record(wire: Wire) -> None:
    await wire.write(b"\xff" * 4 + bytes(1_000))
    expect("frames before the end", [], [*map(shown, await wire.rest())])


@on_a_wire("C-10/second", "A second hello is ignored.")
async def second_hello_is_ignored(wire: Wire) -> None:
    await wire.say(hello(), hello({0: 2, 1: [], 2: [], 3: 65_536}))
    await wire.say(echo(1, bytes(100_000)))
    expect("bytes", 100_000, len((await wire.answer()).payload))


#: A max frame that would be noticed.
_SMALL = 65_536
UNREADABLE = {
    "not-cbor": b"\xff",
    "no-map": b"\x80",
    "empty": b"",
    "key-missing": cbor2.dumps({0: 2, 1: [], 3: _SMALL}),
    "small-max-frame": cbor2.dumps({0: 2, 1: [], 2: [], 3: 65_535}),
    "long-agent": cbor2.dumps({0: 2, 1: [], 2: [], 3: _SMALL, 4: "a" * 65}),
    "wrong-type": cbor2.dumps({0: "2", 1: [], 2: [], 3: _SMALL}),
    "keys-of-another-type": cbor2.dumps({0: 2, 1: ["a"], 2: [], 3: _SMALL}),
    "kinds-of-another-type": cbor2.dumps({0: 2, 1: [], 2: 7, 3: _SMALL}),
    "agent-of-another-type": cbor2.dumps({0: 2, 1: [], 2: [], 3: _SMALL, 4: b"a"}),
    "float": cbor2.dumps({0: 2, 1: [], 2: [], 3: _SMALL, 5: 1.5}),
    "two-items": cbor2.dumps({0: 2, 1: [], 2: [], 3: _SMALL}) + b"\0",
}


def _ignores(name: str, payload: bytes) -> None:
    @on_a_wire(f"C-10/{name}", "An unreadable hello is ignored, and the next one counts.")
    async def unreadable_hello_is_ignored(wire: Wire) -> None:
        await wire.say(Frame(Kind.HELLO, 0, 0, payload), echo(1, bytes(_SMALL)))
        expect("bytes", _SMALL, len((await wire.answer()).payload))
        await wire.say(hello({0: 2, 1: [], 2: [], 3: _SMALL}), echo(2, bytes(_SMALL)))
        expect_error(await wire.answer(), 2, Status.RESOURCE_EXHAUSTED, 2)


for _name, _payload in UNREADABLE.items():
    _ignores(_name, _payload)


@on_a_wire("C-10/duplicate-keys", "Of duplicate keys in a hello the first counts.")
async def first_of_duplicate_keys_counts(wire: Wire) -> None:
    small, large = cbor2.dumps(_SMALL), cbor2.dumps(MAX_FRAME)
    twice = b"\xa5\x00\x02\x01\x80\x02\x80\x03" + small + b"\x03" + large
    await wire.say(Frame(Kind.HELLO, 0, 0, twice), echo(1, bytes(_SMALL)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)
    await answers(wire, 2)


@on_a_wire("C-10/in-another-order", "The keys of a hello are read in any order.")
async def keys_of_a_hello_are_read_in_any_order(wire: Wire) -> None:
    await wire.say(hello({3: _SMALL, 2: [], 1: [], 0: 2}), echo(1, bytes(_SMALL)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)


@on_a_wire("C-10/unknown-keys", "Unknown keys in a hello are ignored, and the rest of it counts.")
async def unknown_keys_in_a_hello_are_ignored(wire: Wire) -> None:
    await wire.say(hello({0: 3, 1: [EVEN], 2: [NEW_KIND], 3: 65_536, 5: "new", "a": 1}))
    await wire.say(echo(1, bytes(100_000)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)


@on_a_wire(
    "C-8/max-frame", "A response over the announced max frame becomes an error that says it ran."
)
async def response_over_max_frame_becomes_an_error(wire: Wire) -> None:
    await wire.say(hello({0: 2, 1: [], 2: [], 3: 65_536}), echo(1, bytes(65_536)))
    expect_error(await wire.answer(), 1, Status.RESOURCE_EXHAUSTED, 2)
    await answers(wire, 2)
