"""What the tests of peers share: event loops for tests, addresses to serve on, certificates."""

import asyncio
import gc
import inspect
import io
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.interop.clock import StillLoop
from tests.interop.places import Certificates, Place, make_certificates, place_of

#: Seconds after which a test that waits for something is a failure: none that does not hang waits
#: so long, on a machine that does much else.
DEADLINE = 30


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an ``async def`` test on a loop of its own: that of its place, if it takes one."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    values = pyfuncitem.funcargs
    arguments = {name: values[name] for name in inspect.signature(test).parameters}
    loops = [each.new_loop for each in arguments.values() if isinstance(each, Place)]
    with asyncio.Runner(loop_factory=loops[0] if loops else None) as runner:
        runner.run(_within_deadline(test, arguments))
    return True


async def _within_deadline(test: Any, arguments: dict[str, Any]) -> None:
    """The test passes if also nothing failed behind it and it leaves no task."""
    behind: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: behind.append(context))
    running = asyncio.create_task(test(**arguments))
    if not await _ends_in_time(running):
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


async def _ends_in_time(running: "asyncio.Task[None]") -> bool:
    """By the system's clock: the loop's may stand still."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGALRM, over.set)
    signal.setitimer(signal.ITIMER_REAL, DEADLINE)
    running.add_done_callback(lambda _: over.set())
    await over.wait()
    signal.setitimer(signal.ITIMER_REAL, 0)
    loop.remove_signal_handler(signal.SIGALRM)
    return running.done()


async def _end_all() -> None:
    """Cancels every other task until it ends: some handlers ignore that at first."""
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.sleep(0)


@pytest.fixture(scope="session", autouse=True)
def _small_heap() -> Iterator[None]:
    """The collection after each test need not look at all that was imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["tcp", "tcp-uvloop", "unix", "memory", "tls", "tls-uvloop"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An address of each kind that a server can listen on."""
    return _place(request, tmp_path)


@pytest.fixture(params=["tcp", "tcp-uvloop", "unix", "memory"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same without TLS: writing can be shut down, and bytes are what was written."""
    return _place(request, tmp_path)


@pytest.fixture(params=["tcp", "tcp-uvloop", "unix"])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An address of a socket that the kernel buffers."""
    return _place(request, tmp_path)


@pytest.fixture(params=["tcp", "unix", "memory"])
def still(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An address in a loop where time passes only when the test says so."""
    return replace(_place(request, tmp_path), new_loop=StillLoop)


def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    scheme, _, loop = request.param.partition("-")
    certificates = request.getfixturevalue("certificates") if scheme == "tls" else None
    place = place_of(scheme, tmp_path, certificates)
    return replace(place, new_loop=uvloop.new_event_loop) if loop else place
