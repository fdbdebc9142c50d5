"""connect: opens a connection to an address; it is a Peer."""

import asyncio
import ssl
from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from ..connection.grease import EVERY
from ..constants import Mode, Trust
from ..limits import Limits
from ..tracing import Tracing
from ..transports.schemes import open_connection, takes_tls
from .call import HandlerInterceptor
from .calling import CallInterceptor
from .config import PeerConfig, checked_tls
from .peer import Peer
from .per_loop import LoopAffinity
from .reconnecting import FIRST_PAUSE, LONGEST_PAUSE, Reconnecting
from .service import Service


@runtime_checkable
class ModeSource(Protocol):
    """What says how an address is spoken to, such as a Rollout. It may raise ModeUnknown."""

    def mode(self, destination: str, /) -> Mode: ...


class Connecting:
    """What ``connect`` returns: awaited it gives a Peer; ``async with`` closes it at the end.

    Each ``async with`` has a connection of its own, also in several tasks at once.
    """

    __slots__ = ("_config", "_entered", "_modes", "_tls")

    def __init__(
        self, config: PeerConfig, tls: ssl.SSLContext | None, modes: ModeSource | None
    ) -> None:
        """``modes``: asked for each connection; None where the config's mode holds."""
        self._config = config
        self._tls = tls
        self._modes = modes
        #: What was entered and not left yet, and by whom.
        self._entered: list[_Entered] = []

    def __await__(self) -> Generator[Any, Any, Peer]:
        return self._open().__await__()

    async def __aenter__(self) -> Peer:
        peer = await self
        self._entered.append(_Entered(asyncio.current_task(), peer, LoopAffinity("", "")))
        return peer

    async def __aexit__(self, *_: object) -> None:
        if self._entered and self._entered[-1].affinity.forked:
            return  # it is the parent's, and no task is known here
        own = [each for each in self._entered if each.task is asyncio.current_task()]
        if not own and len(self._entered) != 1:
            raise RuntimeError("several tasks entered this, and another one leaves it: which?")
        left = (own or self._entered)[-1]
        self._entered.remove(left)
        await left.peer.close()

    def kept(
        self, wait: bool = False, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE
    ) -> Reconnecting:
        """The same, but the connection is made again when it ends.

        Args:
            wait: whether it begins without a connection, also where nobody answers yet: calls wait
                for the first one by their timeouts. Else awaiting it connects, or raises.
            first: seconds of the longest first pause after a failure.
            longest: of the longest of all. Where nobody answers, an attempt takes as long at most,
                at least 1 s.

        Raises:
            ValueError: a time is not above 0, or the first is the longer one.
        """
        if not 0 < first <= longest:
            raise ValueError("the pauses of kept() are above 0, the first at most the longest")
        config = self._config
        return Reconnecting(self._open, config.url, config.tracing, wait, (first, longest))

    async def _open(self) -> Peer:
        config = self._config
        if self._modes is not None:
            config = config.with_mode(self._modes.mode(config.url))
        return await open_connection(config.url, lambda: Peer(config), self._tls, config.limits)


class _Entered(msgspec.Struct, frozen=True):
    """One ``async with`` of what connect gave."""

    task: "asyncio.Task[Any] | None"
    peer: Peer
    affinity: LoopAffinity


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
        trust: of what the other side calls; by default that of ``tracing``, or parent, since the
            server was chosen.
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
