"""Accepting on sockets: each connection has an owner from the moment in which it is accepted."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, Final, Protocol

from ..fence import FENCE

logger: Final = logging.getLogger("tracewire.peer")

#: Connections that are accepted in one turn of the loop, at most.
_AT_ONCE: Final = 64
#: Seconds for which nothing is accepted where the system has no room for more.
_PAUSE: Final = 1.0
#: Seconds between two lines that say so.
_SAY_AGAIN: Final = 60.0
#: Of a connection that was gone before it could be accepted: the next one may be there.
_GONE: Final = frozenset({errno.ECONNABORTED, errno.EINTR, errno.EPROTO})


class Acceptor(Protocol):
    """Who takes the connections of a listener."""

    def admit(self) -> asyncio.Protocol | None:
        """A protocol for one more connection, which counts from now on; None refuses it."""

    def failed(self, protocol: Any, /) -> None:
        """Nothing came of what was admitted: it never had a connection, or has none any more."""


class SocketListener:
    """Accepts connections on sockets that listen, until it is stopped.

    ``url``: where, with the port that was given. ``times``: of TLS. ``release``: called first when
    it stops, and may raise OSError. Made without waiting, so that nobody can be cancelled while the
    sockets have no owner.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        url: str,
        acceptor: Acceptor,
        tls: ssl.SSLContext | None = None,
        times: dict[str, float] | None = None,
        prepare: Callable[[socket.socket], None] = lambda _: None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.url = url
        self._loop = asyncio.get_running_loop()
        self._acceptor = acceptor
        self._tls, self._times = tls, times or {}
        self._prepare, self._release = prepare, release
        self._sockets = list(sockets)
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._accepting: set[asyncio.Task[None]] = set()  # where the loop has no add_reader
        self._opening: set[asyncio.Task[None]] = set()
        self._said = -inf
        for each in self._sockets:
            self._start(each)

    def stop(self) -> None:
        """Accepts no more, at once; may be called again. OSError, at the end, of the release."""
        sockets, self._sockets = self._sockets, []
        if not sockets:
            return
        try:
            self._release()
        finally:
            for task in self._accepting:
                task.cancel()
            for each in sockets:
                self._stop(each)

    def abandon(self) -> None:
        """Gives up the connections that are still being opened."""
        for task in self._opening:
            # Not before its first step: a task that never ran would not close its socket.
            self._loop.call_soon(task.cancel)

    def _start(self, listening: socket.socket) -> None:
        self._pauses.pop(listening, None)
        try:
            self._loop.add_reader(listening.fileno(), self._accept, listening)
        except NotImplementedError:
            task = asyncio.Task(self._accept_by_loop(listening), loop=self._loop)
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    def _stop(self, listening: socket.socket) -> None:
        pause = self._pauses.pop(listening, None)
        if pause is not None:
            pause.cancel()
        else:
            with suppress(NotImplementedError):
                self._loop.remove_reader(listening.fileno())
        with suppress(OSError):  # not every system takes it for a socket that listens
            listening.shutdown(socket.SHUT_RDWR)  # forked children have copies
        listening.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _ = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:
                    continue
                self._loop.remove_reader(listening.fileno())
                self._pause(listening, error)
                return
            self._open(accepted)
            if not self._sockets:  # what it was opened for has stopped this
                return

    async def _accept_by_loop(self, listening: socket.socket) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(listening)
            except OSError as error:
                if error.errno in _GONE:
                    continue
                return self._pause(listening, error)
            self._open(accepted)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """Descriptors or memory are out: the loop would tell of it in each turn."""
        self._pauses[listening] = self._loop.call_later(_PAUSE, self._start, listening)
        now = self._loop.time()
        if now >= self._said + _SAY_AGAIN:
            self._said = now
            try:
                logger.error("%s cannot accept connections now: %s", self.url, error)
            except BaseException as failure:  # of a filter or a handler of the application's
                FENCE.contain(logger, "a pause in accepting cannot be logged", failure)

    def _open(self, accepted: socket.socket) -> None:
        """Begins to make a connection of what was accepted."""
        protocol = self._acceptor.admit()
        if protocol is None:
            accepted.close()
            return
        accepted.setblocking(False)
        opening = _Opening(accepted, protocol)
        # Not by a task factory of the application: one that fails would leave it without an owner.
        opens = opening.run(self._tls, self._times, self._prepare)
        task = asyncio.Task(opens, loop=self._loop)
        self._opening.add(task)
        task.add_done_callback(partial(self._opened, opening))

    def _opened(self, opening: "_Opening", task: "asyncio.Task[None]") -> None:
        self._opening.discard(task)
        if task.cancelled() or task.exception() is not None:
            opening.give_up()
            self._acceptor.failed(opening.protocol)


class _Opening:
    """A connection that was accepted, until its protocol was told."""

    __slots__ = ("_accepted", "_has_transport", "protocol")

    def __init__(self, accepted: socket.socket, protocol: asyncio.Protocol) -> None:
        self._accepted = accepted
        self._has_transport = False
        self.protocol = protocol

    async def run(
        self,
        tls: ssl.SSLContext | None,
        times: dict[str, float],
        prepare: Callable[[socket.socket], None],
    ) -> None:
        prepare(self._accepted)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(self._hand_over, self._accepted, ssl=tls, **times)

    def give_up(self) -> None:
        """A transport closes its socket itself, once the other side closed too where it is TLS."""
        if self._has_transport:
            with suppress(OSError):
                self._accepted.shutdown(socket.SHUT_RDWR)
        else:
            self._accepted.close()

    def _hand_over(self) -> asyncio.Protocol:
        self._has_transport = True
        return self.protocol
