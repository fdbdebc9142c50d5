"""`tracewire bench`: what context costs on this machine, for a message of one's own."""

import json
import platform
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import click
from rich.console import Console

import tracewire
from tracewire.codec import IMPLEMENTATION, FrameError
from tracewire.codec.constants import MAX_FRAME
from tracewire.spec.tool.inputs import Unreadable, open_input
from tracewire.spec.tool.options import PercentRange, WholeRange, finite
from tracewire.spec.tool.safe import counted, quoted
from tracewire.spec.tool.screen import columns, complain, show

from .overhead import Measurement, Overhead

BODY: Final = b"x" * 64
LONG: Final = 1_000_000  # nanoseconds; beyond, nobody reads single ones

EPILOG: Final = """\
\b
Examples:
  tracewire bench
  tracewire bench --payload message.json --method guild.join
  tracewire bench --check --max-overhead 100

\b
encode     making the bytes, from the fields and the context
decode     decoding them and reading id, method, payload and context
peek       the sampling decision alone, from the bytes
overhead   of encode + decode: (with context - without) / without
share      of encode + decode: (with context - without) / with
noise      the same for a message measured against itself (A/A)
Times are medians of rounds in which every message takes its turn, less
those of an empty loop.

\b
--check fails if the overhead of a sampled context is over --max-overhead:
choose a limit well beyond the noise. It is inconclusive where the noise is
over the limit: take more --rounds.
Exit status: 0, 1 if the check failed or is inconclusive, 2 for wrong usage.
"""


class Unit(NamedTuple):
    """A unit of time: its name, how many nanoseconds it has, and the decimals that matter."""

    name: str
    size: int
    decimals: int

    def of(self, nanoseconds: float) -> str:
        return f"{nanoseconds / self.size:,.{self.decimals}f}"


NANOSECONDS: Final = Unit("ns", 1, 0)
MICROSECONDS: Final = Unit("µs", 1000, 1)


@click.command(epilog=EPILOG)
@click.option("--payload", metavar="FILE", help="The body.  [default: 64 bytes]")
@click.option("--method", default="guild.join", show_default=True, metavar="NAME")
@click.option(
    "--rounds",
    type=WholeRange(1),
    default=25,
    show_default=True,
    metavar="N",
    help="Samples of each time.",
)
@click.option("--check", is_flag=True, help="Fail where context costs too much.")
@click.option(
    "--max-overhead",
    type=PercentRange(0),
    callback=finite,
    metavar="PCT",
    help="What is too much.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def bench(
    context: click.Context,
    payload: str | None,
    method: str,
    rounds: int,
    check: bool,
    max_overhead: float | None,
    as_json: bool,
) -> None:
    """Measure what context costs on this machine.

    Alternatives that are installed are measured beside it.
    """
    if check != (max_overhead is not None):
        raise click.UsageError("--check and --max-overhead PCT go together.")
    try:
        body = BODY if payload is None else _read(payload)
    except Unreadable as error:
        complain(payload or "", error)
        context.exit(2)
    try:
        overhead = Overhead(method, body)
    except FrameError as error:
        raise click.BadParameter(f"{error}.", param_hint="--method") from None
    with Console(stderr=True).status("measuring"):
        overhead.measure(rounds)
    verdict = None if max_overhead is None else _judge(overhead, max_overhead)
    if as_json:
        print(json.dumps(_facts(overhead, method, body, rounds, verdict)))
    else:
        _report(overhead, method, body, verdict)
    context.exit(0 if verdict is None or verdict["passed"] else 1)


def _read(name: str) -> bytes:
    """The body in the file. Raises Unreadable, and BadParameter for one that is too long."""
    try:
        with open_input(name) as file:
            # Piece by piece: a pipe gives what it has.
            pieces, left = [], MAX_FRAME + 1
            while left and (piece := file.read(left)):
                pieces.append(piece)
                left -= len(piece)
    except OSError as error:
        raise Unreadable(error.strerror) from None
    if not left:
        raise click.BadParameter(f"over {MAX_FRAME:,} bytes.", param_hint="--payload")
    return b"".join(pieces)


def _judge(overhead: Overhead, limit: float) -> dict[str, Any]:
    measured = overhead.overhead(overhead.sampled)
    conclusive = overhead.noise <= limit
    return {
        "max_overhead": limit,
        "overhead": round(measured, 1),
        "conclusive": conclusive,
        "passed": conclusive and measured <= limit,
    }


def _report(
    overhead: Overhead, method: str, body: bytes, verdict: Mapping[str, Any] | None
) -> None:
    codec = f"{IMPLEMENTATION} codec, Python {platform.python_version()}"
    print(f"Tracewire {tracewire.__version__}, {codec}")
    print(f"A request of method {quoted(method)} with a body of {counted(len(body), 'byte')}.")
    if IMPLEMENTATION == "reference":
        print("Warning: this is the codec in pure Python; the compiled one is much faster.")
    _show_rows(overhead)
    if overhead.missing:
        print(f"Not installed: {', '.join(overhead.missing)}.")
    print(f"Noise: a message against itself (A/A) differs by up to {overhead.noise:.1f} %.")
    if verdict is not None:
        _show_verdict(verdict, overhead.noise)


def _show_verdict(verdict: Mapping[str, Any], noise: float) -> None:
    outcome = "passed" if verdict["passed"] else "FAILED"
    advice = ""
    if not verdict["conclusive"]:
        outcome, advice = "INCONCLUSIVE", ": take more --rounds"
    added = f"a sampled context adds {verdict['overhead']:.1f} % to encode + decode."
    print(f"Check {outcome}: {added}")
    print(f"Allowed are {verdict['max_overhead']:g} %; the noise is {noise:.1f} %{advice}.")


def _show_rows(overhead: Overhead) -> None:
    unit = MICROSECONDS if max(row.total for row in overhead.rows) > LONG else NANOSECONDS
    print(f"Times in {unit.name}.\n")
    table = columns("", "bytes", "encode", "decode", "peek", "share", "overhead")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in overhead.rows:
        base = overhead.base(row)
        size = f"{row.message.size:,}"
        watches = (row.encode, row.decode, row.peek)
        times = ["" if watch is None else unit.of(watch.nanoseconds) for watch in watches]
        if row is base:
            table.add_row(row.message.system)
            table.add_row(f"  {row.message.context}", size, *times)
            continue
        size += f" (+{row.message.size - base.message.size})"
        parts = [percent(overhead.share(row)), percent(overhead.overhead(row))]
        table.add_row(f"  {row.message.context}", size, *times, *parts)
    show(table)
    print()


def percent(value: float) -> str:
    """With a decimal where it is of interest."""
    return f"{value:,.1f} %" if value < 1000 else f"{value:,.0f} %"


def _facts(
    overhead: Overhead,
    method: str,
    body: bytes,
    rounds: int,
    verdict: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "version": tracewire.__version__,
        "implementation": IMPLEMENTATION,
        "python": platform.python_version(),
        "method": method,
        "body_bytes": len(body),
        "rounds": rounds,
        "messages": [_fact(overhead, row) for row in overhead.rows],
        "not_installed": overhead.missing,
        "noise": round(overhead.noise, 1),
        "check": verdict,
    }


def _fact(overhead: Overhead, row: Measurement) -> dict[str, Any]:
    return {
        "system": row.message.system,
        "context": row.message.context,
        "bytes": row.message.size,
        "encode_ns": round(row.encode.nanoseconds, 1),
        "decode_ns": round(row.decode.nanoseconds, 1),
        "peek_ns": None if row.peek is None else round(row.peek.nanoseconds, 1),
        "share": round(overhead.share(row), 1),
        "overhead": round(overhead.overhead(row), 1),
    }
