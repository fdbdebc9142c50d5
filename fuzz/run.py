"""Fuzzes the compiled codec, one invariant after the other, and says how far each one came.

``python fuzz/run.py --seconds 60`` gives each invariant a minute; ``--executions N`` gives those of
the compiled codec alone N executions, and a tenth of it to those that ask the reference too. Exits
with 1 where an invariant was broken, and leaves the input that broke it in fuzz/regressions.
"""

import argparse
import os
import re
import site
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fuzz.build import BUILDS, Unavailable, alone, build_codec, build_module, check_tools  # noqa: E402
from fuzz.invariants import INVARIANTS, PLANTED, Invariant  # noqa: E402
from fuzz.seeds import REGRESSIONS, seeds  # noqa: E402

LIMITS = ("-timeout=20", "-rss_limit_mb=1536", "-malloc_limit_mb=256")
SANITIZER = "detect_leaks=0:malloc_context_size=1:quarantine_size_mb=8:allocator_may_return_null=1"
ROW = "{:<18}{:>12}{:>9}{:>10}{:>15}{:>8}{:>9}{:>9}"


@dataclass(frozen=True)
class Result:
    """What one run of libFuzzer came to. ``findings``: inputs that broke the invariant."""

    name: str
    executions: int
    seconds: float
    edges: int
    edges_there: int
    features: int
    corpus: int
    findings: list[str]
    ended_well: bool

    @property
    def rate(self) -> float:
        return self.executions / self.seconds if self.seconds else 0.0

    def row(self) -> str:
        coverage = f"{self.edges} of {self.edges_there}"
        figures = f"{self.executions:,}", f"{self.seconds:.0f}", f"{self.rate:,.0f}/s", coverage
        outcome = len(self.findings) if self.ended_well or self.findings else "ended"
        return ROW.format(self.name, *figures, self.features, self.corpus, outcome)


HEADINGS = ROW.format(
    "invariant", "executions", "seconds", "rate", "edges", "features", "corpus", "findings"
)


def main() -> None:
    options = _parser().parse_args()
    names = options.invariant or [known.name for known in INVARIANTS]
    chosen = [known for known in INVARIANTS if known.name in names]
    if options.selftest:
        chosen = [PLANTED]
    try:
        results = fuzz(chosen, options)
    except Unavailable as missing:
        sys.exit(f"fuzzing is not possible here: {missing}")
    if any(result.findings or not result.ended_well for result in results):
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [known.name for known in INVARIANTS]
    parser.add_argument("--seconds", type=int, default=0, help="at most, for each invariant")
    parser.add_argument("--executions", type=int, default=0, help="at most, for each invariant")
    parser.add_argument("--invariant", action="append", choices=names, help="this one only")
    parser.add_argument("--processes", type=int, default=2, help="how many run at once")
    parser.add_argument("--regressions", type=Path, default=REGRESSIONS, help="for findings")
    parser.add_argument("--work", type=Path, default=BUILDS, help="for corpora and logs")
    parser.add_argument(
        "--own-blocks", action="store_true", help="put every object where its end is seen; slower"
    )
    parser.add_argument("--selftest", action="store_true", help="find the planted overflow")
    return parser


def fuzz(chosen: Sequence[Invariant], options: argparse.Namespace) -> list[Result]:
    """One result an invariant, printed as it comes."""
    check_tools()
    with alone():
        path = build_module(ROOT / "fuzz/selftest/overflow.pyx") if options.selftest else None
        path = path or build_codec()
        _write_seeds(options.work)

    print(HEADINGS, flush=True)

    def run(invariant: Invariant) -> Result:
        result = run_one(invariant, path, options)
        print(result.row(), flush=True)
        for finding in result.findings:
            print(f"  {finding}: see {options.work / invariant.name}.log", flush=True)
        return result

    with ThreadPoolExecutor(options.processes) as pool:
        return list(pool.map(run, chosen))


def _write_seeds(work: Path) -> None:
    directory = work / "seeds"
    directory.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (directory / f"{number}").write_bytes(data)


def run_one(invariant: Invariant, path: Path, options: argparse.Namespace) -> Result:
    """Runs the harness to its end; its log stays in build/fuzz."""
    work = options.work.resolve()
    corpus = work / f"{invariant.name}-corpus"
    corpus.mkdir(exist_ok=True)
    codec = "overflow" if invariant is PLANTED else "tracewire.codec.compiled._speedups"
    runs = options.executions // (10 if invariant.differential else 1)
    limits = [*LIMITS, f"-max_total_time={options.seconds}", f"-max_len={invariant.longest}"]
    limits += [f"-runs={runs}"] if runs else []
    kept = f"-artifact_prefix={options.regressions.resolve()}/{invariant.name}-"
    inputs = [corpus] if invariant is PLANTED else [corpus, work / "seeds", REGRESSIONS]
    program = [sys.executable, "-m", "fuzz.harness", invariant.name, codec]
    command = [*program, kept, *limits, *map(str, inputs)]
    before = set(options.regressions.iterdir())
    log = work / f"{invariant.name}.log"
    environment = _environment(path, options.own_blocks)
    began = monotonic()
    with log.open("w") as output:
        ended = subprocess.run(command, env=environment, cwd=work, stderr=output)
    new = set(options.regressions.iterdir()) - before
    findings = sorted(found.name for found in new if found.name.startswith(invariant.name))
    seconds = monotonic() - began
    text = log.read_text(errors="replace")
    return read_log(invariant.name, text, seconds, findings, ended.returncode == 0)


def _environment(path: Path, own_blocks: bool) -> dict[str, str]:
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    environment |= {"PYTHONPATH": f"{path}:{ROOT}", "ASAN_OPTIONS": SANITIZER}
    environment["LD_PRELOAD"] = str(next(map(Path, site.getsitepackages())) / "asan_with_fuzzer.so")
    if own_blocks:
        environment["PYTHONMALLOC"] = "malloc"
    return environment


def read_log(name: str, log: str, seconds: float, findings: list[str], ended_well: bool) -> Result:
    """The figures that libFuzzer printed last."""

    def last(pattern: str) -> int:
        return int(next(reversed(re.findall(pattern, log)), 0))

    return Result(
        name,
        executions=last(r"(?m)^#(\d+)\t"),
        seconds=seconds,
        edges=last(r" cov: (\d+)"),
        edges_there=last(r"\((\d+) inline 8-bit counters\)"),
        features=last(r" ft: (\d+)"),
        corpus=last(r" corp: (\d+)"),
        findings=findings,
        ended_well=ended_well,
    )


if __name__ == "__main__":
    main()
