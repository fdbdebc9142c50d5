"""What properties are tried on: frames that are valid, nearly valid, and anything."""

from collections.abc import Callable
from typing import Any

import cbor2
from hypothesis import settings
from hypothesis import strategies as st

from fuzz import mutator
from fuzz.seeds import seeds
from tracewire.codec.compiled import _speedups

#: For properties whose input takes long to draw, also where a profile asks for a million examples.
FEWER = settings(max_examples=min(settings().max_examples, 2_000))

Draw = Callable[[st.SearchStrategy[Any]], Any]

IDS = b"\0\0" + b"t" * 16 + b"\1" + b"p" * 8 + b"\2\1"

#: Texts and numbers at the edges of their heads, of their limits, and of Unicode.
SIZES = st.sampled_from((0, 1, 23, 24, 63, 64, 255, 256, 512, 513, 8_192, 16_300, 65_536))
EDGES = st.sampled_from((0, 1, 23, 24, 255, 256, 65_535, 65_536, (1 << 32) - 1))
NUMBERS = EDGES | st.integers(0, (1 << 64) - 1) | st.sampled_from((1 << 47, (1 << 47) + 1))
TEXTS = st.text(max_size=24)
METHODS = TEXTS | st.sampled_from(("m" * 255, "é" * 127, "guild.join"))
PAYLOADS = st.binary(max_size=40) | SIZES.map(bytes)

SCALARS = (
    NUMBERS
    | st.integers(-(1 << 64), -1)
    | TEXTS
    | st.binary(max_size=40)
    | st.booleans()
    | st.none()
)
NESTED_KEYS = TEXTS | NUMBERS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NESTED_KEYS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def deep(draw: Draw) -> Any:
    """A value that is nested as deep as it may be, or nearly."""
    value = draw(SCALARS)
    for _ in range(draw(st.integers(14, 16))):
        value = draw(st.sampled_from(([value], {"k": value})))
    return value


TRACES = st.sampled_from(
    (False, IDS, IDS[:-1] + b"\0", b"\1" + IDS[1:] + b"more", True, None, b"", b"\xff" + IDS[1:])
) | st.binary(min_size=29, max_size=29)
STATES = st.sampled_from(("a=1,b=2", ",", "a," * 31, "a," * 32, "s" * 512, "s" * 513, "\x7f"))
BAGGAGES = st.dictionaries(TEXTS, TEXTS | st.just("v" * 300), max_size=70)
FANOUTS = st.lists(st.integers(0, 9), max_size=4)

#: Values of the known keys, usable and not.
KNOWN = {
    1: TRACES,
    3: STATES | VALUES,
    5: BAGGAGES | VALUES,
    7: NUMBERS | VALUES,
    9: EDGES | VALUES,
    11: FANOUTS | VALUES,
    13: TRACES | VALUES,
}
KEYS = (
    st.sampled_from(tuple(KNOWN))
    | st.integers(1, (1 << 32) - 1)
    | st.text(min_size=1, max_size=16)
    | st.just("k" * 64)
)


@st.composite
def extension_maps(draw: Draw) -> dict[int | str, Any]:
    """Up to 64 extensions in the order of a frame."""
    keys = draw(st.lists(KEYS, max_size=6, unique=True))
    entries = {key: draw(KNOWN.get(key, VALUES | deep())) for key in keys}
    if draw(st.integers(0, 15)) == 0:
        entries |= {f"{n}": n for n in range(draw(st.integers(50, 64)) - len(entries))}
    return dict(sorted(entries.items(), key=lambda entry: cbor2.dumps(entry[0])))


@st.composite
def bases(draw: Draw) -> tuple[int, int, int | str]:
    """A kind with an id and a target that it may have."""
    kind = draw(st.sampled_from((0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 32_768, 40_000, 65_535)))
    number = draw(EDGES | st.integers(1, (1 << 32) - 1))
    if kind < 8:
        number = 0 if kind in (2, 3, 4) else max(1, number)
    if kind in (0, 2):
        text: str = draw(METHODS.filter(lambda text: len(text.encode()) < 256))
        return kind, number, text or ("m" if kind == 0 else "")
    if kind == 1:
        return kind, number, draw(EDGES)
    return kind, number, draw(EDGES | TEXTS) if kind > 7 else 0


@st.composite
def frames(draw: Draw) -> bytes:
    """A valid frame of any kind, save that its extensions may be too long together."""
    fields: list[Any] = [*draw(bases()), draw(PAYLOADS)]
    extensions = draw(extension_maps())
    if extensions:
        fields.append(extensions)
    data: bytes = cbor2.dumps(cbor2.CBORTag(54_519, fields))
    return data


@st.composite
def nearly_frames(draw: Draw) -> bytes:
    """A frame in which some bytes were changed, left out or added."""
    data = bytearray(draw(frames()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, min(len(data), 200)))
        length = draw(st.integers(0, 3))
        data[at : at + length] = draw(st.binary(max_size=3))
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


@st.composite
def streams(draw: Draw) -> bytes:
    """Records after their lengths, of which the last may be wrong or cut off."""
    records = draw(st.lists(frames() | nearly_frames() | st.just(b""), max_size=4))
    stream = b"".join(len(record).to_bytes(4, "big") + record for record in records)
    end: bytes = draw(st.binary(max_size=8))
    return stream + end


INPUTS = frames() | frames() | nearly_frames() | st.binary(max_size=64) | streams()

VECTORS = seeds()
LONGEST = 20_000


def mutated(vector: int, times: int, seed: int) -> bytes:
    """A test vector after some mutations: quick to draw, so a million of them can be tried."""
    return after_mutations(VECTORS[vector], times, seed)


def after_mutations(data: bytes, times: int, seed: int) -> bytes:
    """The bytes after some mutations, about half of which make another valid frame of one."""
    mutator.random.seed(seed)
    for _ in range(times):
        data = mutator.mutate(_speedups, data, LONGEST, _other_bytes)
    return data


def _other_bytes(data: bytes, longest: int) -> bytes:
    """The bytes with a few of them replaced, left out or added."""
    at = mutator.random.randrange(len(data) + 1)
    removed, added = mutator.random.randrange(4), mutator.random.randrange(4)
    return (data[:at] + mutator.random.randbytes(added) + data[at + removed :])[:longest]


MUTATED = st.builds(
    mutated, st.integers(0, len(VECTORS) - 1), st.integers(0, 6), st.integers(0, (1 << 64) - 1)
)

#: What fuzz.arguments makes arguments of encoders from.
CHOICES = st.binary(max_size=120)
