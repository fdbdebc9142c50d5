"""A program: each system call of a scenario fails once, for real; what is wrong is printed.

It runs with ``failing_calls.c`` loaded before the C library, or makes descriptors run out by the
process's limit. `run` starts it.
"""

import argparse
import asyncio
import ctypes
import errno
import logging
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.interop.places import Place, make_certificates, place_of
from tests.sweeps.leaks import LeakCheck, LogLines, descriptors
from tracewire.protocol import Limits, Peer, RpcError, Server, Service
from tracewire.protocol.transports import accepting, sockets, unix

_SOURCE: Final = Path(__file__).with_name("failing_calls.c")
_ROOT: Final = Path(__file__).parents[2]
_NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_GONE: Final = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)
#: How each call may fail, the most likely first. Python makes a call that was interrupted again.
#: Not setsockopt: where asyncio's own fails, its half-made transport keeps the socket until it is
#: collected, and ours are let fail.
ERRORS: Final[dict[str, tuple[int, ...]]] = {
    "socket": _NO_ROOM,
    "bind": (errno.EACCES, errno.EADDRINUSE, errno.ENOSPC, errno.ENOMEM),
    "listen": (errno.EADDRINUSE, errno.ENOBUFS),
    "accept4": (*_NO_ROOM, errno.ECONNABORTED, errno.EINTR),
    "connect": (errno.ECONNREFUSED, errno.EACCES, errno.ETIMEDOUT, errno.EINTR),
    "send": (errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS, errno.EINTR, errno.EAGAIN),
    "recv": (errno.ECONNRESET, errno.ENOMEM, errno.EINTR, errno.EAGAIN, errno.ETIMEDOUT),
    "shutdown": _GONE,
    "getsockname": (errno.ENOBUFS,),
    "getpeername": _GONE,
    "unlink": (errno.EACCES, errno.ENOENT),
    "rename": (errno.EACCES, errno.ENOSPC),
    "flock": (errno.ENOLCK, errno.EAGAIN, errno.EINTR),
    "fcntl": (errno.EMFILE,),
    "chmod": (errno.EPERM,),
    "fchmod": (errno.EPERM,),
}
_LIMITS: Final = Limits(linger_seconds=0.2, discard_seconds=0.2, connect_seconds=2)
_ENDS_WITHIN: Final = 5.0
#: Seconds; while descriptors are out a server takes nobody.
_ANSWERED_WITHIN: Final = 0.5
#: Descriptors that are left at most, when they run out.
_MOST_LEFT: Final = 12

Arm = Callable[[], None]


class Attempt:
    """A server, a peer and a call, with a fault on the way; and again, without.

    ``wrong``: what went otherwise than it must.
    """

    def __init__(self, place: Place, folder: Path, arm: Arm, disarm: Arm) -> None:
        self._place, self._folder = place, folder
        self._arm, self._disarm = arm, disarm
        self.wrong: list[str] = []

    async def run(self) -> None:
        check = LeakCheck(self._folder)
        with LogLines() as lines:
            self._arm()
            try:
                async with asyncio.timeout(_ENDS_WITHIN):
                    await self._faulty()
            except TimeoutError:
                self.wrong.append("it did not end")
            except (OSError, RpcError):
                pass  # the fault, told to who asked
            self._disarm()
            self.wrong += await check.settle(1.0)
            for file in self._folder.iterdir():  # told above; the next attempt is another one's
                file.unlink()
            async with await self._serve() as server:  # nothing stands in the way of the next one
                await self._use(server)
        self.wrong += [*lines.repeated(), *(await check.settle(1.0))]

    async def _faulty(self) -> None:
        server = await self._serve()
        try:
            try:
                await self._use(server)
            except (OSError, RpcError):
                self._disarm()
                await self._use(server)  # a server survives what becomes of connections
        finally:
            await server.close()

    async def _serve(self) -> Server:
        service = Service()
        service.method(echo)
        return await self._place.serve(service, limits=_LIMITS)

    async def _use(self, server: Server) -> None:
        async with self._place.connect(server, limits=_LIMITS) as peer:
            await self._call(peer)
            await peer.drain()

    async def _call(self, peer: Peer) -> None:
        body = "x" * 100_000
        if await peer.call("echo", body, timeout=_ANSWERED_WITHIN) != body:
            self.wrong.append("an answer is another one's")


async def echo(value: object) -> object:
    return value


def sweep_calls(
    place: Place, folder: Path, stride: int, only: str | None
) -> Iterator[tuple[str, list[str]]]:
    """Each call of the attempt that fails, and what was wrong then; one in so many of the later."""
    library = ctypes.CDLL(None)
    library.fault_count.restype = ctypes.c_long

    def attempt(call: str, nth: int, error: int) -> tuple[list[str], int]:
        counted = 0

        def disarm() -> None:
            nonlocal counted
            counted = counted or library.fault_count(call.encode())
            library.fault_arm(b"", 0, 0)

        def arm() -> None:
            library.fault_arm(call.encode(), nth, error)

        made = Attempt(place, folder, arm, disarm)
        asyncio.run(made.run())
        if call == "unlink":  # the file could not be removed, and close said so
            return [
                each for each in made.wrong if each != place.url.removeprefix("unix://")
            ], counted
        return made.wrong, counted

    for call, errors in ERRORS.items():
        if only not in (None, call):
            continue
        wrong, count = attempt(call, -1, 0)
        yield f"{call} does not fail", wrong
        for nth in range(1, count + 1):
            for number, error in enumerate(errors):
                if stride == 1 or (nth + number) % stride == 1:
                    yield f"{call} {nth}: {errno.errorcode[error]}", attempt(call, nth, error)[0]


def sweep_limit(place: Place, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Descriptors run out after so many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for left in range(_MOST_LEFT):

        def arm(left: int = left) -> None:
            most = max(descriptors() | {2: ""}) + 1 + left
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

        def disarm() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        made = Attempt(place, folder, arm, disarm)
        asyncio.run(made.run())
        yield f"{left} descriptors are left", made.wrong


def _plant() -> None:
    """A fault that the sweep must find: a connection that could not be made is kept open."""
    kept: list[socket.socket] = []

    def prepare(connected: socket.socket) -> None:
        with suppress(OSError):
            kept.append(connected.dup())

    sockets._set_options = prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scheme", choices=["tcp", "tls", "unix"])
    parser.add_argument("--stride", type=int, default=1, help="one failure in so many is tried")
    parser.add_argument("--only", choices=ERRORS, help="this call alone")
    parser.add_argument("--planted", action="store_true", help="nobody closes what has failed")
    options = parser.parse_args()
    if options.planted:
        _plant()
    logging.getLogger("tracewire").addHandler(logging.NullHandler())
    logging.getLogger("tracewire").propagate = False
    # As they are at work, but for their patience: it is not what is tried.
    accepting._PAUSE = 0.02  # type: ignore[misc]
    unix._LOCKED = 0.5  # type: ignore[misc]
    tried = found = 0
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as keys:
        folder = Path(name)
        certificates = make_certificates(Path(keys)) if options.scheme == "tls" else None
        place = place_of(options.scheme, folder, certificates)
        sweeps = [sweep_calls(place, folder, options.stride, options.only)]
        if options.only is None:
            sweeps.append(sweep_limit(place, folder))
        for sweep in sweeps:
            for said, wrong in sweep:
                tried += 1
                found += bool(wrong)
                if wrong:
                    print(f"{said}: {wrong}"[:1000], flush=True)
    print(f"{tried} failures of {options.scheme}, {found} with something wrong")
    sys.exit(bool(found))


def run(folder: Path, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """The program with the library before it, which is built in the folder."""
    library = folder / "failing_calls.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    return subprocess.run(
        [sys.executable, "-m", "tests.sweeps.system_calls", *arguments],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
