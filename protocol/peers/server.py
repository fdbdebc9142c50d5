"""serve: accepts connections on an address, each one a Peer."""

import asyncio
import ssl
from collections.abc import Generator, Sequence
from typing import Any, Self

from ..connection.grease import EVERY
from ..connection.messages import check_text
from ..constants import Mode, Trust
from ..limits import Limits
from ..tracing import Tracing
from ..transports.schemes import Listener, listen, takes_tls
from .call import HandlerInterceptor
from .calling import CallInterceptor, deadline_after
from .config import PeerConfig, checked_tls
from .connections import Connections
from .handlers import handler_context
from .peer import DRAIN_SECONDS, Peer, closing, waiting_for_an_end
from .per_loop import LoopAffinity
from .service import Service
from .signals import stop_signals


class Server:
    """What ``serve`` gives. As a context manager it closes at the end.

    ``drain`` and ``close`` do all that needs no waiting at once, so each may be cancelled, repeated
    and made up for by the other. It belongs to the event loop and the process that made it, and is
    not safe for threads.
    """

    def __init__(self, config: PeerConfig) -> None:
        self._config = config
        self._connections = Connections(config)
        self._listener: Listener | None = None
        self._ending = False
        self._affinity = LoopAffinity("this server", "serve again in this one")

    @property
    def url(self) -> str:
        """Where it listens; a port that was 0 is the one that was given."""
        return self._config.url

    @property
    def peers(self) -> frozenset[Peer]:
        """The connections that are open now."""
        return frozenset(self._connections.open)

    @property
    def in_flight(self) -> int:
        """How many requests are handled now."""
        return self._config.concurrency.taken

    def counts(self) -> dict[str, int]:
        """What connections passed over in silence since the start.

        Returns:
            Counts by name, a copy.
        """
        return dict(self._config.counts)

    async def drain(
        self, text: str | None = None, *, timeout: float | None = DRAIN_SECONDS
    ) -> bool:
        """Accepts no more, and ends every connection in good order: no accepted call is lost.

        In a handler, or a task that it started, it returns once all others have ended: the call
        of that handler is answered afterwards.

        Args:
            text: why, for the other sides.
            timeout: seconds after which it goes on as `close`; None for never.

        Returns:
            Whether all had ended in time.

        Raises:
            RuntimeError: another event loop or process made this server.
            OSError: something could not be removed, such as the file of a Unix socket; all else
                was done.
        """
        self._affinity.check()
        deadline = None if timeout is None else deadline_after(timeout)
        check_text(text)
        failed = self._stop_listening()
        self._connections.end_all(lambda peer: peer.leave(text))
        with waiting_for_an_end() as is_over:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._connections.wait(is_over)
                in_time = True
            except TimeoutError:
                await self.close()
                in_time = False
        if failed is not None:
            raise failed
        return in_time

    async def close(self) -> None:
        """Accepts no more, and ends every connection now: calls fail, handlers are cancelled.

        It returns once every handler ended, but for one that closes it, which is not cancelled
        either. For accepted calls to be answered first, `drain`.

        Raises:
            RuntimeError: another event loop or process made this server.
            OSError: something could not be removed, such as the file of a Unix socket; all else
                was done.
        """
        self._affinity.check()
        with closing() as is_over:
            failed = self._end()
            await self._connections.wait(is_over)
        if failed is not None:
            raise failed

    async def serve_forever(self, *, drain_seconds: float | None = DRAIN_SECONDS) -> None:
        """Serves until SIGTERM or SIGINT, and drains then; a second signal closes at once.

        It also returns once the server was drained or closed by others; cancelled, it closes. All
        servers of a loop get each signal. Signals come in the main thread alone; earlier handlers
        of them are put back at the end.

        Args:
            drain_seconds: how long the drain may take before it goes on as `close`; None for as
                long as it takes.

        Raises:
            RuntimeError: another event loop or process made this server.
        """
        self._affinity.check()
        signalled = 0

        def arrived() -> None:
            nonlocal signalled
            signalled += 1
            if signalled > 1:
                self._end()
            self._connections.notify()

        with stop_signals() as signals:
            signals.call(arrived)
            try:
                await self._connections.wait_until(lambda: signalled or self._has_ended)
                if signalled:
                    await self.drain(timeout=drain_seconds)
            finally:
                signals.forget(arrived)
                await self.__aexit__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._affinity.forked:  # else it is the parent's
            await self.close()

    async def listen(self, tls: ssl.SSLContext | None) -> None:
        """Begins to accept connections; `serve` does it. Whoever is cancelled meanwhile leaves
        nothing.

        Args:
            tls: the context of a tls address, else None.

        Raises:
            OSError: it cannot listen.
        """
        config = self._config
        self._listener = await listen(config.url, self._connections, tls, config.limits)
        config.url = self._listener.url

    @property
    def _has_ended(self) -> bool:
        return self._ending and not (self._connections.opening or self._connections.open)

    def _stop_listening(self) -> OSError | None:
        """Gives what could not be done, to be raised when all else is."""
        self._ending = True
        self._connections.notify()
        try:
            if self._listener is not None:
                self._listener.stop()
        except OSError as error:
            return error
        return None

    def _end(self) -> OSError | None:
        """What of closing needs no waiting."""
        failed = self._stop_listening()
        if self._listener is not None:
            self._listener.abandon()
        self._connections.end_all(Peer.end)
        return failed


class Serving:
    """What ``serve`` returns: awaited it gives a Server; ``async with`` closes it at the end."""

    __slots__ = ("_config", "_entered", "_server", "_tls")

    def __init__(self, config: PeerConfig, tls: ssl.SSLContext | None) -> None:
        self._config, self._tls = config, tls
        self._entered = False
        self._server: Server | None = None

    def __await__(self) -> Generator[Any, Any, Server]:
        return self._open().__await__()

    async def __aenter__(self) -> Server:
        if self._entered:
            raise RuntimeError("this was entered before; call serve() again for another server")
        self._entered = True
        try:
            self._server = await self
        except BaseException:
            self._entered = False
            raise
        return self._server

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await self._server.__aexit__()

    async def _open(self) -> Server:
        server = Server(self._config)
        await server.listen(self._tls)
        return server


def serve(
    url: str,
    service: Service,
    *,
    mode: Mode = "framed",
    tracing: Tracing | None = None,
    trust: Trust | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    agent: str | None = None,
    handler_interceptors: Sequence[HandlerInterceptor] = (),
    call_interceptors: Sequence[CallInterceptor] = (),
    grease: int = EVERY,
) -> Serving:
    """Serves on ``tcp://host:port``, ``tls://host:port``, ``unix:///path`` or ``memory://name``.

    Args:
        url: where; port 0 is a free one, which ``server.url`` names.
        service: what connections may call.
        mode: framed, both or bare (section 5.4; see rule M-6 before using both).
        tracing: how traces are sent, trusted and recorded.
        trust: parent, link or ignore; by default that of ``tracing``, or as section 8.1 says for
            the address.
        tls: the context of a tls listener; with client certificates where it requires them.
        limits: of the server and its connections.
        agent: its name in hello, at most 64 bytes; host:pid by default.
        handler_interceptors: each runs around every handler, the outermost first: given the call
            and a function that runs the rest, it gives the result.
        call_interceptors: the same around each call that is made over its connections: given an
            `OutgoingCall`, and a function that takes one and makes it.
        grease: one frame in about so many has an extension that nobody knows (N-2); 0 for none.

    Returns:
        What is awaited, or entered by ``async with``, for a `Server`.

    Raises:
        ValueError: the URL or a word is none, or a tls address and ``tls`` do not come together.
        TypeError: an option is of another type than it says, as one function for a list of them.
        OSError: when awaited, if it cannot listen.
    """
    if takes_tls(url) != (tls is not None):
        raise ValueError("a tls:// address takes a context as tls=, and no other address does")
    certified = tls is not None and checked_tls(tls).verify_mode is ssl.CERT_REQUIRED
    config = PeerConfig(
        url=url,
        connector=False,
        service=service,
        mode=mode,
        tracing=tracing,
        trust=trust,
        proved=certified,
        limits=limits,
        agent=agent,
        handler_interceptors=handler_interceptors,
        call_interceptors=call_interceptors,
        grease=grease,
        context=handler_context(),
    )
    return Serving(config, tls)
