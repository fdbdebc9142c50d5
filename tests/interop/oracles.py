"""Generated frames, valid and nearly, are judged by others than us too: where they differ, why.

python -m tests.interop.oracles [--frames 100000] [--write docs/oracles.md]
"""

import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cbor2
import click
import pycddl

import tracewire.spec
from tests.interop import matrix
from tests.interop.shape import TAG, is_frame
from tests.property.strategies import after_mutations
from tests.unit.test_cddl import FAULTS, KEY, PLAIN_KEY
from tests.unit.vector_files import data, load
from tracewire.codec import Frame, FrameError, reference
from tracewire.codec.compiled import _speedups as compiled

FRAMES: Final = 100_000
SEED: Final = TAG
LONGEST: Final = 20_000

#: What we say of a frame, if it is not the rule that it breaks.
VALID: Final = "valid"
TWICE: Final = "valid, with a key twice inside a value"

#: What an oracle says of a frame, if it does not say what it read.
REFUSED: Final = "refused"
FITS: Final = "fits"

Difference = tuple[str, str, str]

LONG_HEADS: Final = "it takes heads that are longer than they need be"
INDEFINITE: Final = "it takes indefinite lengths"
ONE_ITEM: Final = "it does not look at what follows the item"
ORDER: Final = "it takes keys in any order, and twice"
LEFT: Final = "of keys that are the same it keeps one, and what is left is short enough"
LAST: Final = "of keys that are the same it keeps the last, and we the first"
BIGNUMS: Final = "it reads a bignum as a number"
FLOATS: Final = f"{BIGNUMS}, and a float without a fraction"
SIMPLE: Final = f"{BIGNUMS}, and so a simple value"
IN_PYTHON: Final = "in Python 1, 1.0 and true are the same key"
RANGES: Final = "its fault: bytes, or an array that holds a number, where a range is asked for"
PLACES_OF_NUMBERS: Final = ("F-7", "F-8", "F-13", "F-14", "F-15")

#: By oracle and rule: why it accepts frames that break the rule.
ACCEPTED: Final[dict[str, dict[str, str]]] = {
    "cbor2": {
        "F-3": INDEFINITE,
        "F-4": LONG_HEADS,
        "F-5": LONG_HEADS,
        "F-18": ONE_ITEM,
        **dict.fromkeys(PLACES_OF_NUMBERS, BIGNUMS),
        "X-3": LEFT,
        "X-4": f"{BIGNUMS}; {IN_PYTHON}",
        "X-7": ORDER,
        "X-8": f"{BIGNUMS}; {LEFT}",
        "X-10": f"{BIGNUMS}; {IN_PYTHON}",
    },
    "cbor-x": {
        "F-2": "it takes F8 before a byte below 20",
        "F-3": INDEFINITE,
        "F-4": LONG_HEADS,
        "F-5": LONG_HEADS,
        "F-16": "it reads text that is no UTF-8, with other characters in its place",
        **dict.fromkeys(PLACES_OF_NUMBERS, FLOATS),
        "X-3": LEFT,
        "X-4": f"{FLOATS}; what it writes is read in Python: {IN_PYTHON}",
        "X-7": ORDER,
        "X-8": f"{FLOATS}; {LEFT}",
        "X-10": f"{FLOATS}; what it writes is read in Python: {IN_PYTHON}",
    },
    "fxamacker": {
        "F-4": LONG_HEADS,
        "F-5": LONG_HEADS,
        "F-18": ONE_ITEM,
        **dict.fromkeys((*PLACES_OF_NUMBERS, "X-4", "X-10"), SIMPLE),
        "X-7": "it takes keys in any order",
        "X-8": f"{SIMPLE}; it reads undefined as null",
    },
    "pycddl": {
        **{rule: f"its fault: {why}" for rule, why in FAULTS.items()},
        **dict.fromkeys(PLACES_OF_NUMBERS, RANGES),
        "F-2": "heads are beyond CDDL, and it takes F8 before a byte below 20",
        "F-3": "lengths are beyond CDDL",
        "F-4": "heads are beyond CDDL",
        "F-18": ONE_ITEM,
        "X-2": "its fault: it counts keys that are numbers and keys that are text apart",
        "X-3": "the encoded length is beyond CDDL",
        "X-7": "the order of keys is beyond CDDL",
        "X-9": "depth is beyond CDDL",
    },
}

#: By oracle, what we say, and how the oracle differs: why. In no other way may one differ from us.
EXPLAINED: Final[dict[Difference, str]] = {
    ("cbor2", TWICE, "reads otherwise"): LAST,
    ("cbor-x", TWICE, "reads otherwise"): LAST,
    ("fxamacker", TWICE, "refuses"): "it was told to refuse keys that are the same",
    **{
        (name, rule, "accepts"): why
        for name, rules in ACCEPTED.items()
        for rule, why in rules.items()
    },
}

#: Frames but for one number, and what a decoder may take for that number: a bignum, a float, true,
#: a simple value, a number in a tag that says nothing, bytes, and an array.
PLACES: Final = (
    *("84{1}010040", "8400{1}616140", "840101{1}40", "840300{0}40", "840800{1}40"),
    *("850001616140a1{1}f4", "850001616140a10f{1}", "850001616140a10fa1{1}f4"),
)
NUMBERS: Final = (
    *(("c240", "c24101"), ("f90000", "f93c00"), ("f4", "f5"), ("e0", "e1")),
    *(("d9d9f700", "d9d9f701"), ("4100", "4101"), ("8100", "8101")),
)
ALIKE: Final = tuple("d9d4f7" + place.format(*pair) for place in PLACES for pair in NUMBERS)


def frames(count: int, seed: int = SEED) -> Iterator[bytes]:
    """ALIKE, then vectors and frames of another encoder, most of them after mutations."""
    chance = random.Random(seed)
    alike = [bytes.fromhex(each) for each in ALIKE]
    vectors = [data(vector["hex"]) for area in ("frames", "values") for vector in load(area)]
    yield from alike
    for _ in range(count - len(alike)):
        start = written(chance) if chance.random() < 0.5 else chance.choice(vectors)
        yield after_mutations(start, chance.choice((0, 1, 1, 1, 2, 3)), chance.getrandbits(64))


def written(chance: random.Random) -> bytes:
    """A valid frame."""
    kind = chance.choice((0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, chance.randrange(65_536)))
    id = 0 if kind in (2, 3, 4) else chance.choice((1, 24, 65_536, chance.randrange(1, 1 << 32)))
    target: int | str = 0
    if kind in (0, 2):
        target = chance.choice(("m", "guild.join", "é" * 20, "x" * chance.randrange(1, 256)))
    elif kind == 1:
        target = chance.choice((0, 12, (1 << 32) - 1))
    payload = chance.randbytes(chance.choice((0, 5, 23, 24, 255, 256)))
    elements: list[Any] = [kind, id, target, payload]
    if chance.random() < 0.7:
        keys = {chance.choice((*range(1, 16, 2), 65_537, "app", "é")) for _ in range(5)}
        elements.append({key: value(chance, 0) for key in sorted(keys, key=cbor2.dumps)})
    return cbor2.dumps(cbor2.CBORTag(TAG, elements))


def value(chance: random.Random, depth: int) -> Any:
    """Of the subset."""
    if depth < 3 and chance.random() < 0.3:
        items = [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        if chance.random() < 0.5:
            return items
        return {chance.choice((n, str(n))): item for n, item in enumerate(items)}
    numbers = (0, 23, 24, 255, 1 << 32, (1 << 53) + 1, (1 << 64) - 1, -1, -(1 << 64))
    others = ("", "text", "é", b"", b"\xff" * 30, chance.randbytes(29), False, True, None)
    return chance.choice(numbers if chance.random() < 0.4 else others)


def ours(frame: bytes) -> tuple[str, str]:
    """What we say of it, and if it is valid, what we read."""
    said = {_said_by(codec.decode, frame) for codec in (compiled, reference)}
    if len(said) != 1:
        raise AssertionError(f"our codecs differ about {frame.hex()}: {said}")
    verdict, _, read = said.pop()
    return verdict, read


def _said_by(decode: Callable[[bytes], Frame], frame: bytes) -> tuple[str, int | None, str]:
    try:
        read = decode(frame)
    except FrameError as error:
        return error.rule, error.offset, ""
    assert read.kind is not None
    elements: list[object] = [int(read.kind), read.id, read.target, read.payload]
    values = {key: item.value for key, item in read.raw_extensions.items()}
    if values:
        elements.append(values)
    plain = in_one_order(cbor2.CBORTag(TAG, elements))
    return VALID if len(plain) == 2 * len(frame) else TWICE, None, plain


def in_one_order(read: object) -> str:
    """What was read, written so that the same is written the same, by one encoder for all."""
    return cbor2.dumps(read, canonical=True).hex()


def judged(read: object) -> str:
    """What a decoder is taken to say, that read this: it knows CBOR, and no frames."""
    return in_one_order(read) if is_frame(read) else REFUSED


def by_cbor2(some: list[bytes]) -> list[str]:
    return [_cbor2(frame) for frame in some]


def _cbor2(frame: bytes) -> str:
    try:
        return judged(cbor2.loads(frame))
    except (cbor2.CBORDecodeError, ValueError, TypeError):
        return REFUSED


def by_cbor_x(some: list[bytes]) -> list[str]:
    matrix.install_node()
    return _by_process(["node", str(matrix.PEERS / "node" / "oracle.js")], some)


def by_fxamacker(some: list[bytes]) -> list[str]:
    return _by_process([str(matrix.build_go()), "oracle"], some)


def _by_process(command: list[str], some: list[bytes]) -> list[str]:
    """By a process that answers each line with what it read, written by its own encoder."""
    lines = "".join(f"{frame.hex()}\n" for frame in some)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    return [REFUSED if each == REFUSED else _cbor2(bytes.fromhex(each)) for each in answers]


def by_pycddl(some: list[bytes]) -> list[str]:
    text = Path(tracewire.spec.__file__).with_name("frame.cddl").read_text()
    schema = pycddl.Schema(text.replace(KEY, PLAIN_KEY))
    return [_pycddl(schema, frame) for frame in some]


def _pycddl(schema: pycddl.Schema, frame: bytes) -> str:
    try:
        schema.validate_cbor(frame)
    except pycddl.ValidationError:
        return REFUSED
    return FITS


ORACLES: Final[dict[str, Callable[[list[bytes]], list[str]]]] = {
    "cbor2": by_cbor2,
    "cbor-x": by_cbor_x,
    "fxamacker": by_fxamacker,
    "pycddl": by_pycddl,
}


def differences(count: int) -> tuple[int, Counter[Difference], dict[Difference, bytes]]:
    """How many are valid; how often an oracle differs in a way; the shortest frame of each way."""
    some = list(frames(count))
    verdicts = [ours(frame) for frame in some]
    found: Counter[Difference] = Counter()
    shown: dict[Difference, bytes] = {}
    for name, oracle in ORACLES.items():
        for frame, (verdict, read), said in zip(some, verdicts, oracle(some), strict=True):
            if (how := difference(verdict, read, said)) is None:
                continue
            found[name, verdict, how] += 1
            shortest = shown.get((name, verdict, how), frame)
            shown[name, verdict, how] = min(frame, shortest, key=len)
    return sum(verdict in (VALID, TWICE) for verdict, _ in verdicts), found, shown


def difference(verdict: str, read: str, said: str) -> str | None:
    if verdict not in (VALID, TWICE):
        return None if said == REFUSED else "accepts"
    if said == REFUSED:
        return "refuses"
    return None if said in (FITS, read) else "reads otherwise"


def unexplained(found: Counter[Difference]) -> list[str]:
    """Differences that the table does not explain, and rows of it that did not occur."""
    return [
        *(f"{name} {how}: {verdict}" for name, verdict, how in found.keys() - EXPLAINED),
        *(f"not seen: {name} {how}: {verdict}" for name, verdict, how in EXPLAINED.keys() - found),
    ]


def page(count: int, valid: int, found: Counter[Difference], shown: dict[Difference, bytes]) -> str:
    rows = [
        f"{count:,} frames, {valid:,} of them valid.",
        "",
        "| oracle | we say | it | times | why | such as |",
        "|---|---|---|---|---|---|",
    ]
    for each in sorted(found, key=_in_order):
        name, verdict, how = each
        frame = shown[each].hex()
        example = frame if len(frame) <= 60 else f"{frame[:60]}…"
        why = EXPLAINED.get(each, "UNEXPLAINED")
        rows.append(f"| {name} | {verdict} | {how} | {found[each]:,} | {why} | `{example}` |")
    return "\n".join(rows)


def _in_order(each: Difference) -> tuple[str, str, int, str]:
    name, verdict, how = each
    letter, _, number = verdict.partition("-")
    return name, letter, int(number) if number.isdecimal() else 0, how


@click.command()
@click.option("--frames", "count", default=FRAMES, show_default=True)
@click.option("--write", "path", type=click.Path(path_type=Path), help="The page with the table.")
@click.pass_context
def main(context: click.Context, count: int, path: Path | None) -> None:
    """Ask the oracles, and print where they differ from us."""
    valid, found, shown = differences(count)
    content = page(count, valid, found, shown)
    click.echo(content)
    wrong = unexplained(found)
    for each in wrong:
        click.echo(each, err=True)
    if path is not None:
        before, begin, rest = path.read_text().partition("<!-- oracles -->\n")
        _, end, after = rest.partition("<!-- end -->")
        path.write_text(f"{before}{begin}\n{content}\n\n{end}{after}")
    context.exit(bool(wrong))


if __name__ == "__main__":
    main()
