"""connect: opens a connection to an address; it is a Peer."""

import ssl
from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

from ..connection.grease import EVERY
from ..constants import Mode, Trust
from ..limits import Limits
from ..tracing import Tracing
from ..transports.schemes import open_connection, takes_tls
from .call import HandlerInterceptor
from .calling import CallInterceptor
from .config import PeerConfig, checked_tls
from .peer import Peer
from .reconnecting import Reconnecting
from .service import Service


@runtime_checkable
class ModeSource(Protocol):
    """What says how an address is spoken to, such as a Rollout. It may raise ModeUnknown."""

    def mode(self, destination: str, /) -> Mode: ...


class Connecting:
    """What ``connect`` returns: awaited it gives a Peer; ``async with`` closes it at the end."""

    __slots__ = ("_config", "_modes", "_peer", "_tls")

    def __init__(
        self, config: PeerConfig, tls: ssl.SSLContext | None, modes: ModeSource | None
    ) -> None:
        """``modes``: asked for each connection; None where the config's mode holds."""
        self._config = config
        self._tls = tls
        self._modes = modes
        self._peer: Peer | None = None

    def __await__(self) -> Generator[Any, Any, Peer]:
        return self._open().__await__()

    async def __aenter__(self) -> Peer:
        self._peer = await self
        return self._peer

    async def __aexit__(self, *_: object) -> None:
        assert self._peer is not None
        await self._peer.close()

    def kept(self) -> Reconnecting:
        """The same, but the connection is made again when it ends."""
        return Reconnecting(self._open, self._config.url, self._config.tracing)

    async def _open(self) -> Peer:
        config = self._config
        if self._modes is not None:
            config = config.with_mode(self._modes.mode(config.url))
        return await open_connection(config.url, lambda: Peer(config), self._tls, config.limits)


def connect(
    url: str,
    service: Service | None = None,
    *,
    mode: Mode | ModeSource = "framed",
    tracing: Tracing | None = None,
    trust: Trust | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    agent: str | None = None,
    handler_interceptors: Sequence[HandlerInterceptor] = (),
    call_interceptors: Sequence[CallInterceptor] = (),
    grease: int = EVERY,
) -> Connecting:
    """Connects to ``tcp://host:port``, ``tls://host:port``, ``unix:///path`` or ``memory://name``.

    Args:
        url: where somebody listens.
        service: what the other side may call here.
        mode: framed where the other side is known to read frames, else both or bare; a Rollout is
            asked about the URL for each connection that is made.
        tracing: how traces are sent, trusted and recorded.
        trust: of what the other side calls; by default that of a listener of this address.
        tls: the context of a tls address, by default one that checks the server's certificate.
        limits: of the connection.
        agent: its name in hello, at most 64 bytes; host:pid by default.
        handler_interceptors: each runs around every handler, the outermost first: given the call
            and a function that runs the rest, it gives the result.
        call_interceptors: the same around each call that is made: given an `OutgoingCall`, and a
            function that takes one and makes it.
        grease: one frame in about so many has an extension that nobody knows (N-2); 0 for none.

    Returns:
        What is awaited, or entered by ``async with``, for a `Peer`; ``kept()`` reconnects.

    Raises:
        ValueError: the URL or a word is none, or ``tls`` is given for another address.
        TypeError: an option is of another type than it says, as one function for a list of them.
        OSError: when awaited, if nobody answers.
        ModeUnknown: when awaited, by a Rollout.
    """
    if takes_tls(url):
        tls = ssl.create_default_context() if tls is None else checked_tls(tls)
    elif tls is not None:
        raise ValueError(f"tls= is for tls:// addresses, not {url}")
    modes = mode if isinstance(mode, ModeSource) else None
    config = PeerConfig(
        url=url,
        connector=True,
        service=Service() if service is None else service,
        mode="bare" if isinstance(mode, ModeSource) else mode,
        tracing=tracing,
        trust=trust,
        limits=limits,
        agent=agent,
        handler_interceptors=handler_interceptors,
        call_interceptors=call_interceptors,
        grease=grease,
    )
    return Connecting(config, tls, modes)
