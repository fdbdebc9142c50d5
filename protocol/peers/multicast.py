"""One notification to many: encoded once, and sampled for some of them (section 8.2)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from tracewire.codec import encode_notification

from ..errors import RpcError
from ..tracing import Tracing
from .caller import Caller
from .calling import deadline_after, written


class Recipient(Caller, Protocol):
    """Who can be sent a notification that is encoded already: a peer, or a kept one."""

    @property
    def tracing(self) -> Tracing: ...
    @property
    def takes_more(self) -> bool:
        """Whether ``forward`` sends now."""

    def forward(self, frame: bytes) -> None:
        """Raises RpcError where it cannot be sent now."""

    async def forward_in_turn(self, frame: bytes, deadline: float | None = None) -> None:
        """Sends it once there is room. Raises RpcError at the deadline, a time of the loop."""


_R = TypeVar("_R", bound=Recipient)


async def notify_all(
    peers: Iterable[_R],
    method: str,
    body: object = None,
    *,
    metadata: Mapping[str, object] | None = None,
    tracing: Tracing | None = None,
    timeout: float | None = None,
) -> dict[_R, RpcError]:
    """Tells all of them something; nobody answers.

    It is encoded once, and of a sampled trace only some get the ids: see `Tracing.fan_out`. One
    that takes no more at the moment is waited for, and holds up no other. That it was sent says
    not that it arrived: who has to know, calls.

    Args:
        peers: peers, and what ``connect(...).kept()`` gives.
        method: its name, as all of them serve it.
        body: one value; see `Body` for raw bytes.
        metadata: text keys, and values of the subset of section 3.2.
        tracing: says who keeps the trace; that of the first peer unless given.
        timeout: seconds until those that still take no more are given up.

    Returns:
        Those it could not be sent to, and why: who was late, DEADLINE_EXCEEDED; who had no
        connection at the end of the time, UNAVAILABLE.

    Raises:
        TypeError: the body or the metadata cannot be written.
        ValueError: no method has that name, or a key of the metadata is kept for Tracewire (N-3).
    """
    recipients = list(peers)
    if not recipients:
        return {}
    payload, extensions = written(method, body, metadata)
    deadline = None if timeout is None else deadline_after(timeout)
    tracing = tracing or recipients[0].tracing
    copies = tracing.copies(
        len(recipients),
        lambda trace, keys: encode_notification(method, payload, trace, keys),
        extensions,
    )
    failed: dict[_R, RpcError] = {}
    waiting = []
    for peer, copy in zip(recipients, copies, strict=True):
        if peer.takes_more:
            _send(peer, copy, failed)
        else:
            waiting.append(_send_later(peer, copy, deadline, failed))
    await asyncio.gather(*waiting)
    return failed


def _send(peer: _R, frame: bytes, failed: dict[_R, RpcError]) -> None:
    try:
        peer.forward(frame)
    except RpcError as error:
        failed[peer] = error


async def _send_later(
    peer: _R, frame: bytes, deadline: float | None, failed: dict[_R, RpcError]
) -> None:
    try:
        await peer.forward_in_turn(frame, deadline)
    except RpcError as error:
        failed[peer] = error
