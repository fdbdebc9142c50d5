"""What the tests of peers share: event loops for tests, addresses to serve on, certificates."""

import asyncio
import gc
import inspect
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.places import Certificates, Place, make_certificates, place_of

#: Seconds after which a test that waits for something is a failure.
DEADLINE = 10


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an ``async def`` test on a loop of its own: the fixture ``loop_factory``'s if there."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    values = pyfuncitem.funcargs
    arguments = {name: values[name] for name in inspect.signature(test).parameters}
    factory: Any = values.get("loop_factory")
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_within_deadline(test, arguments))
    return True


async def _within_deadline(test: Any, arguments: dict[str, Any]) -> None:
    """The test passes if also nothing failed behind it and it leaves no task."""
    behind: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: behind.append(context))
    running = asyncio.create_task(test(**arguments))
    if not (await asyncio.wait({running}, timeout=DEADLINE))[0]:
        stack = io.StringIO()
        running.print_stack(file=stack)
        await _end_all()
        pytest.fail(f"it still waits after {DEADLINE} s:\n{stack.getvalue()}")
    running.result()
    await asyncio.sleep(0)  # what has ended may leave the loop
    left = asyncio.all_tasks() - {asyncio.current_task()}
    gc.collect()  # shows tasks whose exception nobody read
    assert not behind
    assert not left


async def _end_all() -> None:
    """Cancels every other task until it ends: some handlers ignore that at first."""
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.1)


@pytest.fixture(scope="session", autouse=True)
def _small_heap() -> Iterator[None]:
    """The collection after each test need not look at all that was imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["tcp", "unix", "memory", "tls"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An address of each kind that a server can listen on."""
    return _place(request, tmp_path)


@pytest.fixture(params=["tcp", "unix", "memory"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same without TLS: writing can be shut down, and bytes are what was written."""
    return _place(request, tmp_path)


@pytest.fixture(params=["tcp", "unix"])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An address of a socket that the kernel buffers."""
    return _place(request, tmp_path)


def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    scheme = request.param
    certificates = request.getfixturevalue("certificates") if scheme == "tls" else None
    return place_of(scheme, tmp_path, certificates)
