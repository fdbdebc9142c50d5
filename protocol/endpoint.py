"""Endpoint: what all peers of one listener, or of one connector, have in common."""

import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from .grease import Grease
from .limits import Limits
from .load import Load
from .outgoing import AroundCalls
from .service import Service
from .tracing import Tracing
from .trust import Trust

if TYPE_CHECKING:
    from .call import Call
    from .peer import Peer

#: Runs around a handler: given its call and a function that runs it, gives its result.
AroundHandlers = Callable[["Call", Callable[[], Awaitable[object]]], Awaitable[object]]


def default_agent() -> str:
    """Host and process, as an instance is named where its deployer did not."""
    return f"{socket.gethostname()}:{os.getpid()}"[-64:]


_random: Final = Random()


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """``service``: what the other side may call. ``trust``: parent, link or ignore (section 8.1).

    ``grease``: one frame in so many has grease, none of 0. ``counts``: what connections passed over
    in silence, by name. ``opened`` and ``closed`` are told of each peer as it comes and goes.
    """

    url: str
    connector: bool
    service: Service
    mode: str = "framed"
    trust: Trust = "link"
    tracing: Tracing = field(default_factory=Tracing)
    limits: Limits = field(default_factory=Limits)
    agent: str | None = field(default_factory=default_agent)
    around_handlers: AroundHandlers | None = None
    around_calls: AroundCalls | None = None
    grease: int = 0
    load: Load = field(default_factory=lambda: Load(Limits().in_flight_server))
    counts: Counter[str] = field(default_factory=Counter)
    opened: Callable[["Peer"], None] = lambda peer: None
    closed: Callable[["Peer"], None] = lambda peer: None

    def new_grease(self) -> Grease | None:
        """For one connection."""
        return Grease(self.grease, _random) if self.grease else None
