"""Mutations that keep a frame a frame. Byte mutations alone break a length or an order almost every
time, and then nothing behind it is reached."""

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

from fuzz.outcome import Refusal, attempt
from tracewire.codec.constants import MAX_EXTENSION_ENTRIES
from tracewire.codec.item import ARRAY, BSTR, MAP, TSTR
from tracewire.codec.kinds import KINDS as KNOWN
from tracewire.codec.kinds import UNNUMBERED
from tracewire.codec.value import encode_head, encode_value
from tracewire.codec.writing import BASE, EXTENDED, write_key

IDS = b"\0\0" + b"t" * 16 + b"\1" + b"p" * 8 + b"\2\1"
KINDS = (0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 32_768, 65_535)
NUMBERS = (1, 23, 24, 255, 256, 65_535, 65_536, (1 << 32) - 1)
SIZES = (0, 1, 23, 24, 29, 127, 128, 255, 256, 511, 512, 513, 4_096, 8_192, 16_300)
KEYS = (
    1,
    1,
    3,
    5,
    5,
    7,
    9,
    11,
    13,
    65_537,
    65_538,
    65_539,
    65_540,
    (1 << 32) - 1,
    "a",
    "b",
    "k" * 64,
)
VALUES: tuple[object, ...] = (
    *(False, True, None, 0, 1 << 47, (1 << 47) + 1, 65_536, 1 << 63, (1 << 64) - 1, -1, -(1 << 64)),
    *(IDS, IDS, IDS + b"x", b"\1" + IDS[1:] + b"x", b"\xff" + IDS[1:], bytes(29), b"", "", "é"),
    *("a=1,b=2", ",".join("abcdefghijklmnopqrstuvwxyzABCDEF"), "," * 32, "s" * 512, "\x7f"),
    *({}, {"k": "v"}, {"k": "v", "l": ""}, {"": "v"}, {1: []}, {"k": 1}),
    *([], [[]], [5], [5, 1], [5, 6], [9, 3, 2, 0], [0, 0], [{}, [None]], (b"", "", -1)),
    *([[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],),
)
BOUNDED = tuple(encode_value(content * size) for size in SIZES for content in ("v", b"b"))
ENCODED_KEYS = tuple(map(write_key, KEYS))
ENCODED_VALUES = tuple(map(encode_value, VALUES)) * 3 + BOUNDED

Mutate = Callable[[bytes, int], bytes]
Entry = tuple[bytes, bytes]

random = Random(0)


def mutate(codec: ModuleType, data: bytes, max_size: int, byte_mutation: Mutate) -> bytes:
    """Another input: half of the time of a valid frame one more valid frame, else any bytes."""
    if random.random() < 0.5:
        return byte_mutation(data, max_size)
    frame: Any = attempt(codec.decode, data)
    if isinstance(frame, Refusal):
        return byte_mutation(data, max_size)
    mutated = _mutate_frame(codec, frame, byte_mutation)
    return mutated if len(mutated) <= max_size else byte_mutation(data, max_size)


def _mutate_frame(codec: ModuleType, frame: Any, byte_mutation: Mutate) -> bytes:
    fields: list[Any] = [frame.kind, frame.id, frame.target, frame.payload]
    entries = [(write_key(key), item.data) for key, item in frame.raw_extensions.items()]
    choice = random.randrange(8)
    if choice == 0:
        fields = _fields(frame.payload)
    elif choice == 1:
        fields[3] = byte_mutation(frame.payload, 64 + len(frame.payload))
    elif choice < 4 or not entries:
        entries += _more_entries()
    else:
        at = random.randrange(len(entries))
        entries[at : at + 1] = _changed(*entries[at], byte_mutation)
    return _written(codec.encode(codec.Frame(*fields)), entries)


def _fields(payload: bytes) -> list[Any]:
    """Another kind, with an id and a target that it may have."""
    kind = random.choice(KINDS)
    id = 0 if kind in UNNUMBERED else random.choice(NUMBERS)
    target: int | str
    if kind == 0 or (kind not in KNOWN and random.random() < 0.5):
        target = "t" * random.choice((1, 23, 24, 255))
    elif kind == 2:
        target = random.choice(("", "", "guild.join", "é" * 127))
    else:
        target = 0 if kind in KNOWN and kind != 1 else random.choice(NUMBERS)
    payload = bytes(random.choice(SIZES)) if random.random() < 0.2 else payload
    return [kind, id, target, payload]


def _more_entries() -> list[Entry]:
    if random.random() < 0.1:
        return [(write_key(f"{n}"), b"\0") for n in range(random.randrange(MAX_EXTENSION_ENTRIES))]
    return [(random.choice(ENCODED_KEYS), random.choice(ENCODED_VALUES))]


def _changed(key: bytes, value: bytes, byte_mutation: Mutate) -> list[Entry]:
    """What stands in the place of an entry: nothing, or one with another key or value."""
    choice = random.randrange(6)
    if choice == 0:
        return []
    if choice == 1:
        return [(random.choice(ENCODED_KEYS), value)]
    if choice == 2:
        return [(key, random.choice(ENCODED_VALUES))]
    if choice == 3:
        head = random.choice((encode_head(ARRAY, 1), encode_head(MAP, 1) + b"\0"))
        return [(key, head + value)]
    if choice == 4:
        content = byte_mutation(value[random.randrange(1, 4) :], 16 + len(value))
        return [(key, encode_head(random.choice((BSTR, TSTR)), len(content)) + content)]
    return [(key, byte_mutation(value, 16 + len(value)))]


def _written(base: bytes, entries: list[Entry]) -> bytes:
    """The frame with these extensions in order, each key once; not always a valid one."""
    ordered = sorted(dict(entries).items())
    if not ordered:
        return base
    parts = [key + value for key, value in ordered]
    return EXTENDED + base[len(BASE) :] + encode_head(MAP, len(parts)) + b"".join(parts)
