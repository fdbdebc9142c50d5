"""How many random mutants of ``protocol/`` the tests see, one at a time.

    python -m tests.mutate [--count 40] [--seed 1] [--only FILE:LINE]

A mutant is a copy of the installed package in which one place is changed: a comparison, a number, a
truth value or an operator is another one, a statement is gone, or a function returns None. Files
are drawn by their length. Each mutant is judged by the tests of its wing, the quick ones first,
until one fails or takes too long. A line says which test saw it; whether one that none saw can be
seen at all is for people to judge.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import tracewire

OURS: Final = Path(tracewire.__file__).parent
#: Seconds for one round of tests. A mutant that makes them wait for ever is seen by that.
PATIENCE: Final = 400

#: The tests of each wing, in rounds: those without sockets, then those of whole peers.
CONNECTION: Final = (
    "unit/test_conn* unit/test_hello.py unit/test_goaway.py unit/test_states.py "
    "unit/test_records.py unit/test_messages.py unit/test_status.py property/test_connection*"
)
PEERS: Final = (
    "interop/test_peers* interop/test_serve_forever.py interop/test_interceptors.py "
    "interop/test_multicast.py interop/test_wrong_arguments.py"
)
TRACING: Final = "unit/test_trac* unit/test_fanout.py unit/test_fence.py"
TRACED: Final = "interop/test_tracing* interop/test_guild.py"
ROUNDS: Final = {
    "connection": (CONNECTION, PEERS),
    "peers": ("unit/test_call.py unit/test_service.py unit/test_conformance.py", PEERS, TRACED),
    "tracing": (TRACING, TRACED, PEERS),
    "transports": ("unit/test_transports.py unit/test_address.py unit/test_memory.py", PEERS),
    "body": ("unit/test_body.py unit/test_cbor.py", "interop/test_peers_bodies.py"),
    "operations": (
        "unit/test_census.py unit/test_rollout.py unit/test_timings*",
        "interop/test_timings.py interop/test_roll* interop/test_census* interop/test_cli_top.py",
    ),
    "": (
        f"{CONNECTION} {TRACING} unit/test_limits.py unit/test_errors.py unit/test_options.py",
        PEERS,
    ),
}

#: What fails on a machine that is busy, whatever was planted.
BY_LOAD: Final = ("test_peers_rolling.py",)

COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """``old`` at an offset of the file's bytes is ``new``."""

    file: Path
    line: int
    start: int
    old: str
    new: str

    def __str__(self) -> str:
        old, new = (" ".join(text.split())[:60] for text in (self.old, self.new))
        return f"{self.file.relative_to(OURS)}:{self.line}: {old} -> {new}"

    def plant(self, package: Path) -> None:
        file = package / self.file.relative_to(OURS)
        text = file.read_bytes()
        end = self.start + len(self.old.encode())
        file.write_bytes(text[: self.start] + self.new.encode() + text[end:])


def mutants_of(file: Path) -> list[Mutant]:
    """Every one that we know how to make."""
    text = file.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, new in _changes(ast.parse(text)):
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutant(file, node.lineno, start, text[start:end].decode(), new))
    return found


def _changes(module: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A node of what runs, not of what only describes, and what stands in its place."""
    left: list[ast.AST] = [module]
    while left:
        node = left.pop()
        yield from _changed(node)
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "decorator_list", "bases"):
                children = value if isinstance(value, list) else [value]
                left += (each for each in children if isinstance(each, ast.AST))


def _changed(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            other = ast.Compare(node.left, [COMPARED[type(op)]()], node.comparators)
            yield node, f"({ast.unparse(other)})"
        case ast.BinOp(op=op) if type(op) in COUNTED and not isinstance(node.left, ast.Constant):
            other_sum = ast.BinOp(node.left, COUNTED[type(op)](), node.right)
            yield node, f"({ast.unparse(other_sum)})"
        case ast.BoolOp(op=op):
            other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, f"({ast.unparse(ast.BoolOp(other_op, node.values))})"
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"({ast.unparse(node.operand)})"
        case ast.Constant(value=bool() as truth):
            yield node, str(not truth)
        case ast.Constant(value=int() as number):
            yield node, str(number + 1)
        case ast.If(test=test) if "TYPE_CHECKING" not in ast.unparse(test):
            yield test, f"(not ({ast.unparse(test)}))"
        case ast.Return(value=value) if value is not None and ast.unparse(value) != "None":
            yield node, "return None"
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Raise():
            yield node, "pass"


def drawn(count: int, seed: int) -> list[Mutant]:
    """Files are drawn by how long they are, then one of its mutants."""
    random = Random(seed)
    files = sorted((OURS / "protocol").rglob("*.py"))
    of = {file: mutants_of(file) for file in files}
    files = [file for file in files if of[file]]
    lengths = [len(file.read_text().splitlines()) for file in files]
    chosen: list[Mutant] = []
    while len(chosen) < count:
        mutant = random.choice(of[random.choices(files, lengths)[0]])
        if mutant not in chosen:
            chosen.append(mutant)
    return chosen


def seen_by(mutant: Mutant | None, tests: Path) -> str | None:
    """The test that fails; None where all pass. Without a mutant: of the package as it is."""
    wing = mutant.file.parent.name if mutant is not None else ""
    with TemporaryDirectory() as folder:
        package = Path(folder, "tracewire")
        shutil.copytree(OURS, package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            mutant.plant(package)
        for patterns in ROUNDS.get(wing, ROUNDS[""]):
            found = (file for each in patterns.split() for file in sorted(tests.glob(each)))
            files = [str(file) for file in found if file.name not in BY_LOAD]
            if (failed := _failing(files, folder)) is not None:
                return failed
    return None


def _failing(files: list[str], folder: str) -> str | None:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    environment = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            said, _ = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, 9)
            return f"nothing for {PATIENCE} s"
        if running.returncode == 0:
            return None
    failed = [line for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failed[0].split(" - ")[0] if failed else said.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first", help="how many to pass over")
    parser.add_argument("--only", default="", help="those whose description has this text")
    parser.add_argument("--list", action="store_true", help="say which there are, and no more")
    options = parser.parse_args()
    chosen = [each for each in drawn(options.count, options.seed) if options.only in str(each)]
    chosen = chosen[options.first :]
    if options.list:
        print(*chosen, sep="\n")
        return
    tests = Path(__file__).parent
    _report(chosen, lambda mutant: seen_by(mutant, tests))


def _report(chosen: list[Mutant], judge: Callable[[Mutant], str | None]) -> None:
    missed = 0
    for mutant in chosen:
        failed = judge(mutant)
        missed += failed is None
        print(f"{'NOT SEEN' if failed is None else 'seen    '}  {mutant}", flush=True)
        if failed is not None:
            print(f"            {failed}", flush=True)
    print(f"{len(chosen)} mutants, {missed} not seen")


if __name__ == "__main__":
    main()
