"""Many examples of the differential property, in several processes that draw from different seeds.

``python -m tests.property.soak --examples 1000000`` prints how many were tried and how fast.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, given, seed, settings

from fuzz import agreement
from tests.property.strategies import MUTATED
from tracewire.codec.compiled import _speedups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=25_000, help="examples of one seed")
    options = parser.parse_args()
    seeds = range(-(-options.examples // options.batch))
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        tried = sum(pool.map(try_examples, seeds, [options.batch] * len(seeds)))
    seconds = time.monotonic() - began
    print(f"{tried:,} examples in {seconds:.0f} s, {tried / seconds:,.0f}/s: no difference")


def try_examples(number: int, examples: int) -> int:
    """How many examples of this seed were tried; AssertionError for the first that differs."""
    thorough = settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    tried = 0

    @seed(number)
    @thorough
    @given(data=MUTATED)
    def agree(data: bytes) -> None:
        nonlocal tried
        tried += 1
        agreement.check(_speedups, data)

    agree()
    return tried


if __name__ == "__main__":
    main()
