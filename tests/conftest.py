"""What every test shares: both implementations, and the switch that forbids skips."""

import gc
import importlib
import os
import tracemalloc
from collections.abc import Generator
from types import ModuleType

import pytest
from hypothesis import settings

from tracewire.protocol.fence import FENCE

# No deadline: a test never judges wall time. In CI the same examples are drawn every time.
settings.register_profile("tracewire", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tracewire")

NO_SKIPS = os.environ.get("TRACEWIRE_NO_SKIPS") == "1"


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("tracewire.codec.reference", id="reference"),
        pytest.param("tracewire.codec.compiled._speedups", id="compiled"),
    ],
)
def codec(request: pytest.FixtureRequest) -> ModuleType:
    """One implementation of the codec; a compiled one that is missing fails its tests."""
    return importlib.import_module(request.param)


@pytest.fixture(autouse=True)
def fence() -> None:
    """What failed in another test is not taken for told."""
    FENCE.forget()


def pytest_collection_finish() -> None:
    """Tens of thousands of tests stay for the whole run, and no part of what one collects."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """The fuzzer's invariants go on tracing memory, which would slow every later test."""
    if tracemalloc.is_tracing():
        tracemalloc.stop()


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    expected_failure = hasattr(report, "wasxfail")
    if NO_SKIPS and report.skipped and not expected_failure:
        report.outcome = "failed"
        report.longrepr = f"skipped, which TRACEWIRE_NO_SKIPS=1 forbids: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report
