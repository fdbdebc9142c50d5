"""What the benchmarks share: the floor, built once, and ratios that are judged and recorded."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench import samples
from tests.bench.measure import Comparison, Timed, build_floor, compare

Ratio = Callable[[str, Timed, Timed, float], Comparison]

_RATIOS = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that floor.pyx was built into; `import floor` finds it."""
    directory = tmp_path_factory.mktemp("floor")
    build_floor(directory)
    sys.path.append(str(directory))
    return directory


@pytest.fixture(scope="session")
def names(floor: Path) -> Mapping[str, object]:
    """What the statements of samples.py use."""
    found: dict[str, object] = {}
    exec(samples.SETUP + samples.STREAMS + samples.RIVALS, found)
    return found


@pytest.fixture
def ratio(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Ratio:
    """Compares two statements and records the ratio, for the report and for --benchmark-json."""

    def measured(name: str, ours: Timed, theirs: Timed, limit: float) -> Comparison:
        comparison = compare(ours, theirs)
        benchmark.name = name
        benchmark.extra_info.update(comparison._asdict(), limit=limit, calls=ours.calls)
        benchmark.pedantic(ours.run, rounds=10)  # type: ignore[no-untyped-call]
        lines = pytestconfig.stash.setdefault(_RATIOS, [])
        lines.append(f"{name}: {comparison}, at most {limit:g}")
        return comparison

    return measured


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash.get(_RATIOS, [])
    if lines:
        terminalreporter.section("ratios")
    for line in lines:
        terminalreporter.write_line(line)
