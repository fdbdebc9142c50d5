"""How many planted bugs the suite sees: one at a time, in a copy of a peer.

    python -m tests.interop.mutants [NAME…]

The bugs stand in mutants.toml. Those of a codec and of a live peer are planted in a copy of the
peer in Node, those of a caller in a copy of this package. For each a line says which case failed
first, or that none did.
"""

import asyncio
import os
import shutil
import sys
import tomllib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import tracewire
from tests.interop import matrix
from tracewire.spec.suite.case import FAILED, Outcome
from tracewire.spec.suite.codec_cases import codec_cases
from tracewire.spec.suite.live_cases import caller_cases, live_cases
from tracewire.spec.suite.orders import Program
from tracewire.spec.suite.process import CannotStart
from tracewire.spec.suite.running import run_on_caller, run_on_peer, run_on_testee
from tracewire.spec.suite.wire import CannotReach, PeerLimits

NODE: Final = matrix.PEERS / "node"
OURS: Final = Path(tracewire.__file__).parent
LIMITS: Final = PeerLimits(in_flight=20, record_seconds=0.5)
PATIENCE: Final = 8.0
#: Bugs that are looked for at once.
AT_ONCE: Final = 2

Tell = Callable[[Outcome], object]


@dataclass(frozen=True)
class Bug:
    """``of``: codec, peer or caller. ``old``: a text of the file, which ``new`` replaces; no file
    stands for no bug."""

    of: str
    name: str
    file: str
    old: str
    new: str


def planted() -> Iterator[Bug]:
    """Every bug; first none at all, of which nothing is to be seen."""
    for of in ("codec", "peer", "caller"):
        yield Bug(of, f"no-bug-{of}", "", "", "")
    read = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    for of, files in read.items():
        for file, bugs in files.items():
            for name, (old, new) in bugs.items():
                yield Bug(of, name, file, old, new)


class Seen(Exception):
    """A case failed: the bug was seen."""


def tell(outcome: Outcome) -> None:
    if outcome.verdict == FAILED:
        raise Seen(outcome.case.id)


async def ask(bug: Bug, folder: Path) -> None:
    """Runs the cases of what the bug is in. Seen where one fails."""
    match bug.of:
        case "codec":
            command = ("node", str(folder / "testee.js"))
            await run_on_testee(command, list(codec_cases()), PATIENCE, tell)
        case "peer":
            await ask_peer(folder)
        case "caller":
            lines = Program(
                ("env", f"PYTHONPATH={folder}", sys.executable, "-m", "tracewire.spec.caller"),
                PATIENCE,
            )
            await run_on_caller(f"unix://{folder}/caller.sock", lines, caller_cases(), tell)


async def ask_peer(folder: Path) -> None:
    environment = {**os.environ, "RECORD_SECONDS": "0.5", "IN_FLIGHT": "20"}
    url = f"unix://{folder}/peer.sock"
    child = await asyncio.create_subprocess_exec(
        "node", str(folder / "peer.js"), url, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        env=environment,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    try:
        await child.stdout.readline()
        await run_on_peer(url, live_cases(), PATIENCE, LIMITS, tell)
    finally:
        child.stdin.close()
        await child.wait()


def copied(bug: Bug, folder: Path) -> Path:
    """A copy with the bug in it."""
    if bug.of == "caller":
        home = folder / "tracewire"
        shutil.copytree(OURS, home)
    else:
        home = folder
        for path in NODE.glob("*.js*"):
            shutil.copy(path, home)
        (home / "node_modules").symlink_to(NODE / "node_modules")
    if not bug.file:
        return folder
    changed = home / bug.file
    text = changed.read_text()
    if bug.old not in text:
        raise LookupError(f"{bug.name}: {bug.file} has no {bug.old!r}")
    changed.write_text(text.replace(bug.old, bug.new, 1))
    return folder


async def look(bug: Bug) -> str:
    """The case that saw it, empty where none did."""
    said = ""
    with TemporaryDirectory(prefix="mutant-") as name:
        try:
            await ask(bug, copied(bug, Path(name)))
        except* (Seen, CannotStart, CannotReach) as seen:
            said = str(first(seen))
    return said


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception in it, or the first of them."""
    each: BaseException = group
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return each


async def main(names: Sequence[str]) -> None:
    matrix.install_node()
    bugs = [bug for bug in planted() if not names or bug.name in names]
    room = asyncio.Semaphore(AT_ONCE)

    async def one(bug: Bug) -> bool:
        async with room:
            seen = await look(bug)
        print(f"{bug.of:7} {bug.name:40} {seen or '-- not seen'}", flush=True)
        return bool(seen)

    looked: list[Coroutine[Any, Any, bool]] = [one(bug) for bug in bugs]
    seen = await asyncio.gather(*looked)
    real = [found for bug, found in zip(bugs, seen, strict=True) if bug.file]
    print(f"{sum(real)} of {len(real)} are seen")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
