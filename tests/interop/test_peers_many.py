"""Ten thousand connections to one server."""

import asyncio
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracewire.protocol import Service, serve

pytestmark = pytest.mark.once

CONNECTIONS = 10_000
CROWD = Path(__file__).parent / "peers" / "crowd.py"


@pytest.fixture
def files() -> Iterator[None]:
    """As many open files as the connections take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def crowded(url: str) -> list[str]:
    """What the crowd said of a server that drained once all had been answered."""
    service = Service()

    @service.method
    def double(number: int) -> int:
        return 2 * number

    server = await serve(url, service)
    command = sys.executable, str(CROWD), server.url, str(CONNECTIONS)
    crowd = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert crowd.stdout is not None
    first = await crowd.stdout.readline()
    assert len(server.peers) == CONNECTIONS
    await server.drain()
    assert server.peers == frozenset()
    rest, _ = await crowd.communicate()
    assert crowd.returncode == 0
    return (first + rest).decode().splitlines()


@pytest.mark.usefixtures("files")
def test_ten_thousand_connections_are_served_and_drained(tmp_path: Path) -> None:
    said = asyncio.run(crowded(f"unix://{tmp_path}/many.sock"))
    assert said == [str(CONNECTIONS * (CONNECTIONS - 1)), "all are closed"]
