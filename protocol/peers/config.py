"""PeerConfig: what all peers of one listener, or of one connector, have in common."""

from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import TypeVar

from ..connection.grease import Grease
from ..connection.in_flight import ConcurrencyLimit
from ..connection.messages import default_agent
from ..constants import MODES, TRUSTS, Mode, Trust
from ..draws import RANDOM
from ..limits import Limits
from ..tracing import Tracing
from .call import HandlerInterceptor
from .calling import CallInterceptor
from .service import Service

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class PeerConfig:
    """Raises ValueError for a word or a number that is none of the option's.

    ``service``: what the other side may call. ``trust``: parent, link or ignore (section 8.1).
    ``handler_interceptors``, ``call_interceptors``: what runs around each, the outermost first.
    ``grease``: one frame in so many has grease, none of 0. ``concurrency``: of the server.
    ``counts``: what connections passed over in silence, by name. ``context``: the variables that
    each handler begins with; none of who happened to connect.
    """

    url: str
    connector: bool
    service: Service
    mode: Mode = "framed"
    trust: Trust = "link"
    tracing: Tracing = field(default_factory=Tracing)
    limits: Limits = field(default_factory=Limits)
    agent: str | None = None
    handler_interceptors: Sequence[HandlerInterceptor] = ()
    call_interceptors: Sequence[CallInterceptor] = ()
    grease: int = 0
    concurrency: ConcurrencyLimit = field(
        default_factory=lambda: ConcurrencyLimit(Limits().in_flight_server)
    )
    counts: Counter[str] = field(default_factory=Counter)
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, not {self.mode!r}")
        if self.trust not in TRUSTS:
            raise ValueError(f"trust must be one of {TRUSTS}, not {self.trust!r}")
        if isinstance(self.grease, bool) or not isinstance(self.grease, int) or self.grease < 0:
            raise ValueError(f"grease must be 0, or one frame in so many, not {self.grease!r}")
        self.handler_interceptors = _checked(self.handler_interceptors, "handler_interceptors")
        self.call_interceptors = _checked(self.call_interceptors, "call_interceptors")
        if self.agent is None:
            self.agent = default_agent()

    def new_grease(self) -> Grease | None:
        """For one connection."""
        return Grease(self.grease, RANDOM) if self.grease else None


def _checked(interceptors: Sequence[_T], name: str) -> tuple[_T, ...]:
    """TypeError for one function, which is no list of them."""
    if callable(interceptors):
        raise TypeError(f"{name} is a list of functions: write [{interceptors!r}]")
    return tuple(interceptors)
