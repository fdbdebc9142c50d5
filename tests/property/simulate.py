"""Many runs of the simulation, in several processes.

``python -m tests.property.simulate --runs 10000`` prints what came up, or the first seeds whose
history is wrong, and then fails.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.property.simulation import simulate

_BATCH = 250
_SHOWN = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    last = options.first + options.runs
    batches = [range(n, min(n + _BATCH, last)) for n in range(options.first, last, _BATCH)]
    began = time.monotonic()
    wrong: dict[int, list[str]] = {}
    kinds: Counter[str] = Counter()
    with ProcessPoolExecutor(options.processes) as pool:
        for found, counted in pool.map(try_seeds, batches):
            wrong |= found
            kinds += counted
    for seed, faults in list(wrong.items())[:_SHOWN]:
        print(f"seed {seed}:", *faults, sep="\n  ")
    seconds = time.monotonic() - began
    print(f"{options.runs:,} runs in {seconds:.0f} s, {len(wrong)} wrong; the calls ended so:")
    for kind, times in kinds.most_common():
        print(f"{times:>10,}  {kind}")
    sys.exit(bool(wrong))


def try_seeds(seeds: range) -> tuple[dict[int, list[str]], Counter[str]]:
    """The faults of each seed that has any, and how often each kind of outcome came up."""
    wrong: dict[int, list[str]] = {}
    kinds: Counter[str] = Counter()
    for seed in seeds:
        faults, counted = simulate(seed)
        kinds += counted
        if faults:
            wrong[seed] = faults
    return wrong, kinds


if __name__ == "__main__":
    main()
