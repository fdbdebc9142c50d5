"""One notification to many peers: encoded once, and sampled for some of them (section 8.2)."""

import asyncio
from collections.abc import Iterable, Mapping

from tracewire.codec import encode_notification

from .outgoing import written
from .peer import Peer
from .status import RpcError
from .tracing import Tracing


async def notify_all(
    peers: Iterable[Peer],
    method: str,
    body: object = None,
    *,
    metadata: Mapping[str, object] | None = None,
    tracing: Tracing | None = None,
) -> dict[Peer, RpcError]:
    """Tells all of them something; nobody answers. Gives those it could not be sent to, and why.

    A peer that takes no more at the moment is waited for, and holds up no other. ``tracing``: says
    who keeps the trace; that of the first peer unless given.
    """
    recipients = list(peers)
    if not recipients:
        return {}
    payload, extensions = written(body, metadata)
    tracing = tracing or recipients[0].tracing
    images = tracing.images(
        len(recipients),
        lambda trace, keys: encode_notification(method, payload, trace, keys),
        extensions,
    )
    failed: dict[Peer, RpcError] = {}
    waiting = []
    for peer, image in zip(recipients, images, strict=True):
        if peer.takes_more:
            _send(peer, image, failed)
        else:
            waiting.append(_send_later(peer, image, failed))
    await asyncio.gather(*waiting)
    return failed


def _send(peer: Peer, image: bytes, failed: dict[Peer, RpcError]) -> None:
    try:
        peer.forward(image)
    except RpcError as error:
        failed[peer] = error


async def _send_later(peer: Peer, image: bytes, failed: dict[Peer, RpcError]) -> None:
    await peer.wait_for_room()
    _send(peer, image, failed)
