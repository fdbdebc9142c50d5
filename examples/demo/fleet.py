"""Who takes part in the demo: four peers of three generations, and the relay between them."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .processes import Process, running


@dataclass(frozen=True)
class Peer:
    """``dialect``: what senders that know frames are configured to send to it. ``program``: what
    the interpreter runs."""

    name: str
    generation: int
    dialect: str
    program: tuple[str, ...]


PEERS = (
    Peer("bare", 0, "bare", ("-m", "examples.demo.bare_peer")),
    Peer("framed", 1, "framed", ("tests/interop/peers/old_framed.py",)),
    Peer("tracing-a", 2, "framed", ("-m", "examples.demo.tracing_peer")),
    Peer("tracing-b", 2, "framed", ("-m", "examples.demo.tracing_peer")),
)


@dataclass(frozen=True)
class Fleet:
    """``addresses``: where to send what is for a peer, by its name. The relay listens there."""

    addresses: dict[str, str]
    processes: dict[str, Process]


@asynccontextmanager
async def fleet(capture: Path) -> AsyncIterator[Fleet]:
    """All processes, ready; none is left when the block is."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="tracewire-"))
        own = {peer.name: f"{folder}/{peer.name}.sock" for peer in PEERS}
        relayed = {peer.name: f"{folder}/to-{peer.name}.sock" for peer in PEERS}
        destinations = json.dumps({peer.name: (relayed[peer.name], peer.dialect) for peer in PEERS})
        passages = json.dumps({name: (relayed[name], own[name]) for name in own})
        starts = [running("relay", "-m", "examples.demo.relay", str(capture), passages)]
        starts += [running(p.name, *p.program, own[p.name], destinations) for p in PEERS]
        started = [await stack.enter_async_context(start) for start in starts]
        for process in started:
            await process.report("ready")
        yield Fleet(relayed, {process.name: process for process in started})
