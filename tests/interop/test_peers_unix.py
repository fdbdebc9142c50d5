"""Who listens on a Unix path: one at a time, however they race, and never by waiting."""

import asyncio
import errno
import fcntl
import os
import resource
import socket
import stat
import string
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.calls import Gate
from tracewire.protocol import Service, connect, serve
from tracewire.protocol.transports import unix


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "peers.sock"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[int]:
    """The folder's lock, which somebody else has."""
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    yield folder
    os.close(folder)


async def in_use(path: Path) -> bool:
    with pytest.raises(OSError, match=r"peers\.sock") as refused:
        await serve(f"unix://{path}", Service())
    return refused.value.errno == errno.EADDRINUSE


async def test_a_dead_socket_is_replaced_and_the_file_goes_with_the_server(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serve(f"unix://{path}", Gate().service) as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [*path.parent.iterdir()] == [path]
        async with connect(server.url) as peer:
            assert await peer.call("ready", 1) == 1
        assert await in_use(path)
    assert [*path.parent.iterdir()] == []


async def test_of_those_that_begin_at_once_one_listens(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    begun = [asyncio.ensure_future(serve(f"unix://{path}", Service())) for _ in range(8)]
    await asyncio.wait(begun)
    (server,) = [each.result() for each in begun if each.exception() is None]
    errors = [each.exception() for each in begun if each.exception() is not None]
    assert {getattr(error, "errno", None) for error in errors} == {errno.EADDRINUSE}
    await server.close()
    assert [*path.parent.iterdir()] == []


async def test_a_server_whose_queue_is_full_is_not_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as owner, socket.socket(socket.AF_UNIX) as waiting:
        owner.bind(str(path))
        owner.listen(0)
        waiting.connect(str(path))
        assert await in_use(path)
        assert [*path.parent.iterdir()] == [path]


async def test_what_is_no_socket_is_not_replaced(path: Path) -> None:
    path.write_text("mine")
    assert await in_use(path)
    assert path.read_text() == "mine"
    path.unlink()
    path.symlink_to("nowhere")
    assert await in_use(path)
    assert path.is_symlink()


async def test_the_file_of_a_successor_stays(path: Path) -> None:
    server = await serve(f"unix://{path}", Service())
    path.unlink()
    async with serve(f"unix://{path}", Gate().service) as successor:
        await server.close()
        async with connect(successor.url) as peer:
            assert await peer.call("ready", 1) == 1


async def test_a_folder_that_is_locked_is_waited_for(path: Path, locked: int) -> None:
    beginning = asyncio.ensure_future(serve(f"unix://{path}", Service()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not path.exists()
    fcntl.flock(locked, fcntl.LOCK_UN)
    await (await beginning).close()


async def test_who_is_cancelled_while_the_folder_is_locked_leaves_nothing(
    path: Path, locked: int
) -> None:
    beginning = asyncio.ensure_future(serve(f"unix://{path}", Service()))
    await asyncio.sleep(0)
    assert len([*path.parent.iterdir()]) == 1  # under another name
    beginning.cancel()
    await asyncio.wait({beginning})
    assert [*path.parent.iterdir()] == []


async def test_a_child_that_is_cancelled_meanwhile_leaves_its_parent_the_name(
    path: Path, locked: int
) -> None:
    beginning = asyncio.ensure_future(serve(f"unix://{path}", Service())._open())
    await asyncio.sleep(0)
    child = os.fork()
    if not child:
        try:
            beginning.get_coro().throw(asyncio.CancelledError())
        except asyncio.CancelledError:
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    fcntl.flock(locked, fcntl.LOCK_UN)
    await (await beginning).close()


@pytest.mark.usefixtures("locked")
async def test_a_folder_that_stays_locked_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_LOCKED", 0.05)
    with pytest.raises(OSError, match="locked"):
        await serve(f"unix://{path}", Service())
    assert [*path.parent.iterdir()] == []


async def test_the_longest_path_and_the_shortest_name_can_be_served(tmp_path: Path) -> None:
    short = tmp_path / "s"
    long = tmp_path / ("x" * (107 - len(str(tmp_path)) - 1))
    for path in (short, long):
        async with serve(f"unix://{path}", Gate().service) as server, connect(server.url) as peer:
            assert await peer.call("ready", 1) == 1
    with pytest.raises(OSError, match=str(long)) as refused:
        await serve(f"unix://{long}x", Service())
    assert refused.value.errno == errno.ENAMETOOLONG


async def test_where_every_short_name_is_taken_it_says_so(tmp_path: Path) -> None:
    for name in set(string.ascii_letters) - {"a"}:
        (tmp_path / name).touch()
    with pytest.raises(OSError, match="every short name"):
        await serve(f"unix://{tmp_path}/a", Service())
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("free", range(4))
async def test_where_descriptors_are_out_nothing_is_left(path: Path, free: int) -> None:
    before = os.listdir("/proc/self/fd")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as held:
        for _ in before:  # so that no lower one is free
            held.enter_context(open(os.devnull))
        highest = held.enter_context(open(os.devnull)).fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + free, hard))
        try:
            async with serve(f"unix://{path}", Service()):
                began = True
        except OSError as error:
            assert error.errno == errno.EMFILE
            began = False
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert began is (free > 2)
    assert os.listdir("/proc/self/fd") == before
    assert not path.exists()
    assert not [*path.parent.iterdir()]
