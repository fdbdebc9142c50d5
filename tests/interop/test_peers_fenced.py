"""What is not ours fails, while connections are opened: task factories and handlers of logs."""

import asyncio
import logging
import socket
from typing import Any

import pytest

from tests.interop.calls import Gate
from tests.interop.descriptors import none_left
from tests.interop.places import Place
from tracewire.protocol import connect, serve


class FailingHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.asked += 1
        raise ValueError("no log")


@pytest.fixture
def failing_log(request: pytest.FixtureRequest) -> FailingHandler:
    handler = FailingHandler()
    logger = logging.getLogger("tracewire.peer")
    logger.addHandler(handler)
    request.addfinalizer(lambda: logger.removeHandler(handler))
    return handler


async def test_connections_are_accepted_and_kept_without_the_loops_task_factory(
    place: Place,
) -> None:
    gate = Gate()
    loop = asyncio.get_running_loop()

    def failing(loop: Any, coroutine: Any, **options: Any) -> Any:
        coroutine.close()
        raise RuntimeError("no task")

    async with await place.serve(gate.service) as server:
        loop.set_task_factory(failing)
        try:
            async with place.connect(server).kept():
                while not server.peers:
                    await asyncio.sleep(0)
        finally:
            loop.set_task_factory(None)


async def test_a_log_that_raises_keeps_nothing_from_being_accepted(
    failing_log: FailingHandler,
) -> None:
    gate = Gate()
    async with await serve("tcp://127.0.0.1:0", gate.service) as server:
        host, _, port = server.url.removeprefix("tcp://").rpartition(":")
        client = socket.socket()
        with none_left():
            client.connect((host, int(port)))
            while not failing_log.asked:
                await asyncio.sleep(0)
        async with connect(server.url) as peer:
            assert await peer.call("ready", 1, timeout=5) == 1
        client.close()


class OddError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


async def test_a_failure_that_cannot_be_told_is_survived(
    place: Place, failing_log: FailingHandler
) -> None:
    gate = Gate()
    failures: list[Exception] = []

    class Modes:
        def mode(self, destination: str, /) -> Any:
            if failures:
                raise failures.pop()
            return "framed"

    async with await place.serve(gate.service) as server:
        connecting = connect(server.url, mode=Modes(), tls=place.client_tls)
        async with connecting.kept() as kept:
            assert await kept.call("ready", 1) == 1
            failures.append(OddError())
            for peer in server.peers:
                await peer.close()
            assert await kept.call("ready", 2, timeout=5) == 2
    assert failing_log.asked
