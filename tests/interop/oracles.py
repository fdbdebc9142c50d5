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
from tests.unit.test_cddl import FAULTS, KEY, PLAIN_KEY
from tests.unit.vector_files import data, load
from tracewire.codec import FrameError, reference
from tracewire.codec import _speedups as compiled

FRAMES: Final = 100_000
SEED: Final = 54519
TAG: Final = 54519
VALID: Final = "valid"

SHAPE: Final = "it knows CBOR, and nothing of the frame's shape"
SUBSET: Final = "it knows all of CBOR's values, and no limit of their depth or of keys"
#: Rules about what a frame is, which no decoder of CBOR knows.
OF_SHAPE: Final = ("F-5", "F-6", "F-7", "F-8", "F-9", *(f"F-{n}" for n in range(10, 16)), "F-17")
OF_KEYS: Final = ("X-1", "X-2", "X-4", "X-5", "X-6")
OF_VALUES: Final = ("X-8", "X-9", "X-10")

#: Why an oracle accepts frames that break a rule. In no other way may one differ from us.
EXPLAINED: Final[dict[tuple[str, str], str]] = {
    **{(name, rule): SHAPE for name in ("cbor2", "cbor-x") for rule in (*OF_SHAPE, *OF_KEYS)},
    **{(name, rule): SUBSET for name in ("cbor2", "cbor-x") for rule in OF_VALUES},
    ("cbor2", "F-3"): "it takes indefinite lengths",
    ("cbor2", "F-4"): "it takes heads that are longer than they need be",
    ("cbor2", "F-18"): "it does not look at what follows the item",
    ("cbor2", "X-7"): "it takes keys in any order, and twice",
    ("cbor-x", "F-2"): "it takes F8 before a byte below 20",
    ("cbor-x", "F-3"): "it takes indefinite lengths",
    ("cbor-x", "F-4"): "it takes heads that are longer than they need be",
    ("cbor-x", "F-16"): "it reads text that is no UTF-8, with other characters in its place",
    ("cbor-x", "X-7"): "it takes keys in any order, and twice",
    ("pycddl", "F-2"): "heads are below CDDL's data model, and it takes F8 before a byte below 20",
    ("pycddl", "F-3"): "lengths are below CDDL's data model",
    ("pycddl", "F-4"): "heads are below CDDL's data model",
    ("pycddl", "F-18"): "it does not look at what follows the item",
    ("pycddl", "X-2"): "duplicates of a key count as one, or it counts none",
    ("pycddl", "X-7"): "the order of keys is beyond CDDL",
    ("pycddl", "X-9"): "depth is beyond CDDL",
    **{("pycddl", rule): f"its fault: {why}" for rule, why in FAULTS.items()},
    ("pycddl", "F-14"): "its fault: a range where the number 0 is asked for",
}


def frames(count: int, seed: int = SEED) -> Iterator[bytes]:
    """As they are written, and with something wrong: a third of them are valid."""
    chance = random.Random(seed)
    seeds = [data(vector["hex"]) for area in ("frames", "values") for vector in load(area)]
    seeds = [each for each in seeds if len(each) < 400]
    for _ in range(count):
        made = written(chance) if chance.random() < 0.6 else chance.choice(seeds)
        yield made if chance.random() < 0.4 else damaged(made, chance)


def written(chance: random.Random) -> bytes:
    """A valid frame, by another's encoder."""
    kind = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, chance.randrange(65_536)))
    id = (
        0
        if kind in (2, 3, 4)
        else chance.choice((1, 23, 24, 2**32 - 1, chance.randrange(1, 2**32)))
    )
    target: int | str = 0
    if kind in (0, 2):
        target = chance.choice(("m", "guild.join", "é" * 20, "x" * chance.randrange(1, 256)))
    elif kind == 1:
        target = chance.choice((0, 12, 2**32 - 1))
    elements: list[Any] = [
        kind,
        id,
        target,
        chance.randbytes(chance.choice((0, 5, 23, 24, 255, 256))),
    ]
    if chance.random() < 0.7:
        keys = {
            chance.choice((1, 3, 5, 7, 9, 11, 13, 15, 65_537, "app", chance.randrange(1, 2**32)))
            for _ in range(chance.randrange(1, 6))
        }
        ordered = sorted(keys, key=cbor2.dumps)
        elements.append({key: value(chance, 0) for key in ordered})
    return cbor2.dumps(cbor2.CBORTag(TAG, elements))


def value(chance: random.Random, depth: int) -> Any:
    """Of the subset."""
    if depth < 3 and chance.random() < 0.3:
        items = [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        if chance.random() < 0.5:
            return items
        return {chance.choice((n, str(n))): item for n, item in enumerate(items)}
    return chance.choice(
        (
            0,
            23,
            24,
            255,
            2**32,
            2**64 - 1,
            -1,
            -(2**64),
            "",
            "text",
            "é",
            b"",
            b"\xff" * 30,
            False,
            True,
            None,
            chance.randbytes(29),
        )
    )


def damaged(frame: bytes, chance: random.Random) -> bytes:
    """With a byte changed, added or gone, or the end."""
    at = chance.randrange(len(frame) + 1) if frame else 0
    byte = bytes(
        [chance.choice((0, 0x1F, 0x5F, 0x7F, 0x9F, 0xF6, 0xF7, 0xFF, chance.randrange(256)))]
    )
    match chance.randrange(5):
        case 0:
            return frame[:at] + byte + frame[at + 1 :]
        case 1:
            return frame[:at] + byte + frame[at:]
        case 2:
            return frame[:at] + frame[at + 1 :]
        case 3:
            return frame[:at]
        case _:
            return frame + byte


def ours(frame: bytes) -> tuple[str, str]:
    """The rule that it breaks, or valid; and the base frame as oracles write it."""
    said = set()
    for codec in (compiled, reference):
        try:
            read = codec.decode(frame)
        except FrameError as error:
            said.add((f"{error.rule}@{error.offset}", ""))
        else:
            name = read.target if isinstance(read.target, int) else f"t{read.target.encode().hex()}"
            said.add((VALID, f"{read.kind:d} {read.id} {name} {read.payload.hex() or '-'}"))
    if len(said) != 1:
        raise AssertionError(f"our codecs differ about {frame.hex()}: {said}")
    (verdict, base) = said.pop()
    return verdict.partition("@")[0], base


def by_cbor2(some: list[bytes]) -> list[str]:
    return [_cbor2(frame) for frame in some]


def _cbor2(frame: bytes) -> str:
    try:
        read = cbor2.loads(frame)
    except (cbor2.CBORDecodeError, ValueError, TypeError):
        return "refused"
    if not isinstance(read, cbor2.CBORTag) or not isinstance(read.value, (list, tuple)):
        return "read"
    if len(read.value) < 4 or not isinstance(read.value[3], bytes):
        return "read"
    kind, id, target, payload = read.value[:4]
    name = f"t{target.encode().hex()}" if isinstance(target, str) else target
    return f"read {kind} {id} {name} {payload.hex() or '-'}"


def by_cbor_x(some: list[bytes]) -> list[str]:
    matrix.install_node()
    command = ["node", str(matrix.PEERS / "node" / "oracle.js")]
    lines = "".join(f"{frame.hex()}\n" for frame in some)
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def by_pycddl(some: list[bytes]) -> list[str]:
    text = Path(tracewire.spec.__file__).with_name("frame.cddl").read_text()
    schema = pycddl.Schema(text.replace(KEY, PLAIN_KEY))
    return ["read" if _matches(schema, frame) else "refused" for frame in some]


def _matches(schema: pycddl.Schema, frame: bytes) -> bool:
    try:
        schema.validate_cbor(frame)
    except pycddl.ValidationError:
        return False
    return True


ORACLES: Final[dict[str, Callable[[list[bytes]], list[str]]]] = {
    "cbor2": by_cbor2,
    "cbor-x": by_cbor_x,
    "pycddl": by_pycddl,
}


Difference = tuple[str, str, str]


def differences(count: int) -> tuple[int, Counter[Difference], dict[Difference, bytes]]:
    """How many are valid; how often what differs: oracle, rule, how; the shortest frame of it."""
    some = list(frames(count))
    verdicts = [ours(frame) for frame in some]
    found: Counter[Difference] = Counter()
    shown: dict[Difference, bytes] = {}
    for name, oracle in ORACLES.items():
        for frame, (rule, base), said in zip(some, verdicts, oracle(some), strict=True):
            if (how := _difference(rule, base, said)) is None:
                continue
            found[name, rule, how] += 1
            shortest = shown.get((name, rule, how), frame)
            shown[name, rule, how] = min(frame, shortest, key=len)
    return sum(rule == VALID for rule, _ in verdicts), found, shown


def _difference(rule: str, base: str, said: str) -> str | None:
    if rule != VALID:
        return "accepts" if said.startswith("read") else None
    if said == "refused":
        return "refuses"
    return "reads otherwise" if said not in ("read", f"read {base}") else None


def unexplained(found: Counter[Difference]) -> list[str]:
    """Differences that the table does not explain, and rows of it that did not occur."""
    seen = {(name, rule) for name, rule, how in found if how == "accepts"}
    return [
        *(f"{name} {how} frames that are {rule}" for name, rule, how in found if how != "accepts"),
        *(f"{name} accepts what breaks {rule}" for name, rule in seen - EXPLAINED.keys()),
        *(f"{name} does not accept what breaks {rule}" for name, rule in EXPLAINED.keys() - seen),
    ]


def page(count: int, valid: int, found: Counter[Difference], shown: dict[Difference, bytes]) -> str:
    rows = ["| oracle | accepts what breaks | times | why | such as |", "|---|---|---|---|---|"]
    order = sorted(found, key=lambda key: (key[0], key[1][0], int(key[1].partition("-")[2] or 0)))
    for name, rule, how in order:
        why = EXPLAINED.get((name, rule), f"UNEXPLAINED: {how}")
        frame = shown[name, rule, how].hex()
        example = frame if len(frame) <= 60 else f"{frame[:60]}…"
        rows.append(f"| {name} | {rule} | {found[name, rule, how]:,} | {why} | `{example}` |")
    said = (
        f"{count:,} frames, {valid:,} of them valid: no oracle refused one, or read it otherwise."
    )
    return "\n".join([said, "", *rows])


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
