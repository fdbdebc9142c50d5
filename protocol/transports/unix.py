"""Unix sockets: connecting to a path, and listening on one without taking it from somebody.

A name alone cannot be taken safely: to bind fails where a dead socket lies, and to rename replaces
a live one without an error. So a socket is bound under another name of the folder, listens, and
takes its name while it has the folder's lock and has seen that nobody answers there.
"""

import asyncio
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from string import ascii_letters
from typing import Final

from ..draws import RANDOM
from ..limits import Limits
from .accepting import Acceptor, SocketListener
from .address import UnixAddress
from .opening import AnyProtocol, opened, within

BACKLOG: Final = 1024
_OWNER_ONLY: Final = 0o600
#: Seconds between two attempts, where too many wait to be accepted or the folder is locked.
_AGAIN: Final = 0.01
#: Seconds for which somebody else may lock the folder.
_LOCKED: Final = 10.0
#: A name that is bound for a moment is no longer than this, nor than the one that it is for.
_NAME: Final = 12
#: Attempts at such a name.
_NAMES: Final = 100


async def open_unix(
    address: UnixAddress, factory: Callable[[], AnyProtocol], tls: None, limits: Limits
) -> AnyProtocol:
    """Connects to a path. OSError if nobody answers."""
    async with within(limits.connect_seconds, address):
        connected = await _connected(address.path)
        return await opened(factory, connected)


async def listen_unix(
    address: UnixAddress, acceptor: Acceptor, tls: None, limits: Limits
) -> SocketListener:
    """Listens on a path that its owner alone may use. A dead socket there is replaced."""
    path, process = address.path, os.getpid()
    listening, name = _bound(path)
    try:
        os.chmod(name, _OWNER_ONLY)
        listening.listen(BACKLOG)
        file = os.lstat(name)  # a name changes, what it is for does not
        await _take(path, name)
    except BaseException:
        listening.close()
        if os.getpid() == process:  # else the parent goes on with it
            with suppress(OSError):
                os.unlink(name)
        raise
    release = partial(_unlink, path, file.st_dev, file.st_ino)
    return SocketListener([listening], str(address), acceptor, release=release)


async def _connected(path: str) -> socket.socket:
    """A socket that is connected to the path.

    Where too many wait to be accepted, Linux says EAGAIN, which asyncio takes for a connection that
    is being made. Nothing tells when there is room.
    """
    connecting = _new_socket()
    try:
        while True:
            try:
                connecting.connect(path)
            except BlockingIOError:
                await asyncio.sleep(_AGAIN)
            else:
                return connecting
    except BaseException:
        connecting.close()
        raise


def _new_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _bound(path: str) -> tuple[socket.socket, str]:
    """A socket that is bound to another name of the folder, and that name."""
    folder, last = os.path.split(path)
    longest = min(len(os.fsencode(last)), _NAME)
    bound = _new_socket()
    try:
        os.fchmod(bound.fileno(), _OWNER_ONLY)  # before it has a name that others could open
        for _ in range(_NAMES):
            name = os.path.join(folder, _random_name(longest))
            try:
                if name != path:
                    bound.bind(name)
                    break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise _about(error, path) from error
        else:
            raise OSError(errno.EADDRINUSE, f"every short name in {folder} is taken", path)
    except BaseException:
        bound.close()
        raise
    return bound, name


def _random_name(length: int) -> str:
    return "".join(RANDOM.choices(ascii_letters, k=length))


def _about(error: OSError, path: str) -> OSError:
    """The same error, of the path that was meant."""
    if error.errno is None:  # Python's own, of a path that is too long
        return OSError(errno.ENAMETOOLONG, str(error), path)
    return OSError(error.errno, error.strerror, path)


async def _take(path: str, name: str) -> None:
    """Gives the path to what is bound to the name. OSError with EADDRINUSE if somebody has it."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        await _lock(folder, path)
        with _new_socket() as probe:
            if _is_taken(probe, path):
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)
        os.rename(name, path)
    finally:
        os.close(folder)  # which unlocks it


async def _lock(folder: int, path: str) -> None:
    """By sleeping, since the loop must not stand still. OSError if others keep it too long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _LOCKED
    while True:
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if loop.time() >= until:
                said = f"others have locked the folder for {_LOCKED:.0f} s"
                raise OSError(errno.EAGAIN, said, path) from None
        await asyncio.sleep(_AGAIN)


def _is_taken(probe: socket.socket, path: str) -> bool:
    """Whether somebody listens there, or it is no socket. Never waits."""
    try:
        probe.connect(path)
    except FileNotFoundError:
        return os.path.lexists(path)  # a link to nothing
    except ConnectionRefusedError:
        return not stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError as error:
        if error.errno is None:  # which a shorter name did not show
            raise _about(error, path) from error
        return True  # its queue is full, or we may not ask
    return True


def _unlink(path: str, device: int, inode: int) -> None:
    """While the socket is open, so that no other has its inode: another may be there by now."""
    with suppress(FileNotFoundError):
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) == (device, inode):
            os.unlink(path)
