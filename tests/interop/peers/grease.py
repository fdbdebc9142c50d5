"""A generation 3 peer, on cbor2 alone: it sends keys, values and kinds that nobody has assigned.

    python -m tests.interop.peers.grease PATH

Its lines are those of README.md. Before each framed message it sends a frame of a kind that nobody
knows. Each message has unknown keys with every type of value, and unusable values of known keys.
It reads context as generation 2 does, and keeps to no more of it.
"""

import asyncio
import itertools
import sys

import cbor2

from .lines import say, serve, told

TAG = 54519
BEGINNINGS = (b"\xd9\xd4\xf7\x84", b"\xd9\xd4\xf7\x85")
VALUES: list[object] = [
    0,
    2**64 - 1,
    -1,
    -(2**64),
    b"",
    b"\xff" * 40,
    "",
    "\u00fc",
    False,
    True,
    None,
]
VALUES += [[], [1, [2]], {}, {"a": {1: []}}]
#: Unusable, each of them: tracestate stands beside no context that could be read.
UNUSABLE: dict[int | str, object] = {5: 0, 7: "soon", 9: -1, 11: [1, 2], 13: False}

numbers = itertools.count()


def frame(
    kind: int, id: int, target: int | str, payload: bytes, keys: dict[int | str, object]
) -> bytes:
    """Keys in bytewise order of their encoding."""
    ordered = dict(sorted(keys.items(), key=lambda item: cbor2.dumps(item[0])))
    return cbor2.dumps(
        cbor2.CBORTag(TAG, [kind, id, target, payload, *([ordered] if keys else [])])
    )


def context(trace: str) -> dict[int | str, object]:
    if trace == "undecided":
        return {}
    if trace == "not-sampled":
        return {1: False}
    _, id, parent, flags = trace.split("-")
    return {1: bytes.fromhex(f"0000{id}01{parent}02{flags}")}


def made(dialect: str, body: bytes, trace: str) -> list[bytes]:
    if dialect == "bare":
        return [body]
    number = next(numbers)
    values: dict[int | str, object] = {
        65_537 + 2 * (number + n): value for n, value in enumerate(VALUES)
    }
    keys: dict[int | str, object] = {**context(trace), **UNUSABLE, **values}
    keys[f"grease-{number}"] = number
    unknown = frame(8 + number, number, "new", b"\xff", {65_537: None})
    return [unknown, frame(2, 0, "", body, keys)]


def received(record: bytes) -> None:
    if not record.startswith(BEGINNINGS):
        say("received", "bare", told(record), "none")
        return
    kind, _, target, payload, *rest = cbor2.loads(record).value
    if kind != 2 or target != "":
        say("dropped", f"kind-{kind}")
        return
    trace = rest[0].get(1) if rest else None
    said = "not-sampled" if trace is False else "undecided"
    if isinstance(trace, bytes):
        said = f"00-{trace[2:18].hex()}-{trace[19:27].hex()}-{trace[28]:02x}"
    say("received", "framed", told(payload), said)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], received, made))
