"""A program: the sweeps in their long form, in two processes.

``python -m tests.sweeps.soak`` prints how often each was tried, or what was wrong, and then fails.
"""

import argparse
import asyncio
import gc
import logging
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.interop.places import Certificates, Place, make_certificates
from tests.sweeps import callables, system_calls, turns
from tests.sweeps.conftest import PLACES, place_named
from tests.sweeps.forks import STAGES, forked_at
from tests.sweeps.load import Load
from tests.sweeps.loops import run_loops
from tests.sweeps.scenarios import early, hanging, whole_life

#: Up to this turn none is left out.
_EACH: Final = 2_000
#: Calls of one run over a flaky wire.
_CALLS: Final = 150
_TIMES: Final = (1, 50)

#: How often it was tried, by what it is counted as.
Tried = Counter[str]
Sweep = Callable[[Place, Path], Tried]


def cancelled(place: Place, folder: Path) -> Tried:
    runs = 0
    for scenario in (whole_life, early, hanging):
        for times in _TIMES:
            again = partial(scenario, place)
            runs += turns.sweep(again, place.new_loop, folder, times, each=_EACH)
    return Counter({"turns in which a life was cancelled": runs})


def raising(place: Place, folder: Path) -> Tried:
    return Counter({"days on which a callable raised": callables.sweep(place, folder)})


def forking(place: Place, folder: Path) -> Tried:
    forks = 0
    for stage in STAGES:
        for lingers in (False, True):
            left = forked_at(place, stage, lingers, folder)
            assert not left, f"{stage}: {left}"
            forks += 1
    return Counter({"children that were forked": forks})


def looping(place: Place, folder: Path, loops: int) -> Tried:
    wrong = run_loops(place, folder, loops)
    assert not wrong, wrong
    return Counter({"event loops, one after another": loops})


def calling(place: Place, folder: Path, seeds: int) -> Tried:
    tried: Tried = Counter()
    for seed in range(seeds):
        made = Load(place, folder, seed)
        with asyncio.Runner(loop_factory=place.new_loop) as runner:
            runner.run(made.run(_CALLS))
        assert not made.wrong, f"seed {seed}: {made.wrong}"
        tried += Counter(
            {f"calls over a flaky wire: {k}": n for k, n in made.history.kinds().items()}
        )
        tried += Counter({f"connections that were {k}": n for k, n in made.met.items()})
    return tried


def failing(scheme: str) -> Tried:
    with tempfile.TemporaryDirectory() as folder:
        ran = system_calls.run(Path(folder), [scheme])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Counter({"system calls that failed": int(ran.stdout.split()[0])})


def over(name: str, keys: Path, sweep: Sweep) -> Tried:
    """One sweep over one place."""
    certificates = Certificates(keys / "server", keys / "client", keys / "stranger")
    with tempfile.TemporaryDirectory() as folder:
        return sweep(place_named(name, Path(folder), certificates), Path(folder))


def guarded(work: Callable[[], Tried]) -> tuple[Tried, str]:
    """What was tried, and what was wrong."""
    logging.getLogger("tracewire").addHandler(logging.NullHandler())
    logging.getLogger("tracewire").propagate = False
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    gc.freeze()
    try:
        return work(), ""
    except Exception:
        return Counter(), traceback.format_exc()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, default=1_000, help="of each place")
    parser.add_argument(
        "--seeds", type=int, default=25, help="runs over a flaky wire, of each place"
    )
    options = parser.parse_args()
    began, tried, wrong = time.monotonic(), Counter[str](), 0
    sweeps: list[Sweep] = [
        raising,
        cancelled,
        forking,
        partial(looping, loops=options.loops),
        partial(calling, seeds=options.seeds),
    ]
    with tempfile.TemporaryDirectory() as keys:
        make_certificates(Path(keys))
        works: list[Callable[[], Tried]] = [
            partial(failing, scheme) for scheme in ("tcp", "tls", "unix")
        ]
        works += [partial(over, name, Path(keys), sweep) for sweep in sweeps for name in PLACES]
        # Each in a process of its own, which nothing before has made bigger.
        with ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool:
            for counted, said in pool.map(guarded, works):
                tried += counted
                if said:
                    wrong += 1
                    print(said, flush=True)
    seconds = time.monotonic() - began
    print(f"{len(works)} sweeps in {seconds:.0f} s, {wrong} found something:")
    for what, times in sorted(tried.items()):
        print(f"{times:>10,}  {what}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
