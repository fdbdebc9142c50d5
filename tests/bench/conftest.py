"""What the benchmarks share: the floor, built once, and ratios that are judged and recorded."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench import samples
from tests.bench.measure import Comparison, Timed, build_floor, compare

Ratio = Callable[[str, Timed, Timed, float], Comparison]
Figure = Callable[[str, Comparison, float | None], None]

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
        benchmark.extra_info["calls"] = ours.calls
        _record(benchmark, pytestconfig, name, comparison, limit)
        benchmark.pedantic(ours.run, rounds=10)  # type: ignore[no-untyped-call]
        return comparison

    return measured


@pytest.fixture
def figure(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Figure:
    """Records a ratio that was measured elsewhere; one without a limit is not judged."""

    def recorded(name: str, comparison: Comparison, limit: float | None) -> None:
        _record(benchmark, pytestconfig, name, comparison, limit)
        benchmark.pedantic(lambda: None)  # type: ignore[no-untyped-call]

    return recorded


def _record(
    benchmark: BenchmarkFixture,
    config: pytest.Config,
    name: str,
    comparison: Comparison,
    limit: float | None,
) -> None:
    benchmark.name = name
    benchmark.extra_info.update(comparison._asdict(), limit=limit)
    allowed = "reported" if limit is None else f"at most {limit:.3g}"
    config.stash.setdefault(_RATIOS, []).append(f"{name}: {comparison}, {allowed}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash.get(_RATIOS, [])
    if lines:
        terminalreporter.section("ratios")
    for line in lines:
        terminalreporter.write_line(line)
