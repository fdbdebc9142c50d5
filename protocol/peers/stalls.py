"""Whether the other side takes what is sent to it (C-95, C-96)."""

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress
from math import inf
from typing import Any, Final

from ..constants import STALL_BYTES, STALL_IDLE_TIMES

#: It is looked at so many times in the seconds that a stall takes, and so many bytes of Linux's
#: ``struct tcp_info`` stand before those that count what was acknowledged.
_LOOKS: Final = 8
_TCP_INFO, _TCP_INFO_BYTES, _ACKED_AT = getattr(socket, "TCP_INFO", None), 128, 120
_INTERNET: Final = (socket.AF_INET, socket.AF_INET6)


def bytes_taken(transport: asyncio.BaseTransport, written: int) -> int:
    """A number that grows by the bytes that the other side's system took.

    Where it cannot be asked, by those that this side's system took, of which ``written`` says how
    many there were: a write buffer alone stands still for long under a slow reader.
    """
    sock: Any = transport.get_extra_info("socket")
    if sock is None:
        return written
    with suppress(OSError, struct.error, AttributeError):
        if sock.family in _INTERNET and _TCP_INFO is not None:
            info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_BYTES)
            return int(struct.unpack_from("=Q", info, _ACKED_AT)[0])
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(struct.calcsize("i")))
        return written - int(struct.unpack("i", queued)[0])
    return written


class Stalls:
    """Watches one connection while something is left to be written.

    ``due``: when ``check`` is to be called, inf while nothing is left. Only time that was seen to
    pass counts, so that a pause of the loop's own does not.
    """

    __slots__ = ("_checked", "_full", "_idle", "_last", "_mark", "_seconds", "due")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._checked = 0.0
        #: Seconds since 64 KiB were taken while too much waited, since ``_mark`` were; and since
        #: anything was, since ``_last`` were.
        self._full = self._idle = 0.0
        self._mark = self._last = 0
        self.due = inf

    def begin(self, now: float, taken: int) -> None:
        """Something is left from now on."""
        self._checked = now
        self._full = self._idle = 0.0
        self._mark = self._last = taken
        self.due = now + self._seconds / _LOOKS

    def end(self) -> None:
        """Nothing is left."""
        self.due = inf

    def check(self, now: float, taken: int, over: bool) -> bool:
        """Whether the other side takes too little. ``over``: more than the limit waits."""
        look = self._seconds / _LOOKS
        passed = min(now - self._checked, look)
        self._checked, self.due = now, now + look
        if not over or taken - self._mark >= STALL_BYTES:
            self._mark, self._full = taken, 0.0
        else:
            self._full += passed
        if taken != self._last:
            self._last, self._idle = taken, 0.0
        else:
            self._idle += passed
        return self._full >= self._seconds or self._idle >= STALL_IDLE_TIMES * self._seconds


#: Of every connection that kept nothing back yet.
NOT_WATCHED: Final = Stalls(inf)
