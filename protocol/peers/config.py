"""PeerConfig: what all peers of one listener, or of one connector, have in common."""

import ssl
from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from copy import copy
from typing import Self, TypeVar

from ..connection.grease import Grease
from ..connection.in_flight import ConcurrencyLimit
from ..connection.messages import check_agent, default_agent
from ..constants import MODES, TRUSTS, Mode, Trust, instance_of, one_of
from ..draws import RANDOM
from ..limits import Limits
from ..tracing import Tracing
from ..transports.schemes import default_trust
from .backlog import Backlog
from .call import HandlerInterceptor
from .calling import CallInterceptor
from .service import Service

_T = TypeVar("_T")


class PeerConfig:
    """The options of ``serve`` and ``connect``, checked, each with its default.

    ``counts``: what connections passed over in silence, by name. ``concurrency``: how many requests
    all of them handle at once. ``backlog``: what waits in them. ``context``: the variables that
    each handler begins with; none of who happened to connect.
    """

    def __init__(
        self,
        url: str,
        *,
        connector: bool,
        service: Service,
        mode: Mode,
        tracing: Tracing | None,
        trust: Trust | None,
        proved: bool = False,
        limits: Limits | None,
        agent: str | None,
        handler_interceptors: Sequence[HandlerInterceptor],
        call_interceptors: Sequence[CallInterceptor],
        grease: int,
        context: Context | None = None,
    ) -> None:
        """``proved``: whether peers show who they are, which decides how far they are trusted.

        Raises:
            ValueError: a word or a number is none of the option's.
            TypeError: an option is of another type.
        """
        self.url, self.connector = url, connector
        self.service = instance_of("service", service, Service)
        self.mode = one_of("mode", mode, MODES)
        self.tracing = Tracing() if tracing is None else instance_of("tracing", tracing, Tracing)
        self.limits = Limits() if limits is None else instance_of("limits", limits, Limits)
        if trust is not None:
            self.trust = one_of("trust", trust, TRUSTS)
        else:
            # Who connects chose the other side.
            by_address = "parent" if connector else default_trust(url, proved)
            self.trust = self.tracing.trust or by_address
        self.agent = default_agent() if agent is None else check_agent(agent)
        self.handler_interceptors = _functions("handler_interceptors", handler_interceptors)
        self.call_interceptors = _functions("call_interceptors", call_interceptors)
        if isinstance(grease, bool) or not isinstance(grease, int) or grease < 0:
            raise ValueError(f"grease must be 0, or one frame in so many, not {grease!r}")
        self._grease = grease
        self.context = Context() if context is None else context
        self.counts: Counter[str] = Counter()
        self.concurrency = ConcurrencyLimit(self.limits.in_flight_server)
        self.backlog = Backlog(self.limits.write_buffer_server)

    def with_mode(self, mode: Mode) -> Self:
        """The same, counts and all, but for the mode."""
        made = copy(self)
        made.mode = one_of("mode", mode, MODES)
        return made

    def new_grease(self) -> Grease | None:
        """For one connection."""
        return Grease(self._grease, RANDOM) if self._grease else None


def checked_tls(tls: ssl.SSLContext) -> ssl.SSLContext:
    """TypeError for what is no context."""
    return instance_of("tls", tls, ssl.SSLContext)


def _functions(name: str, interceptors: Sequence[_T]) -> tuple[_T, ...]:
    """TypeError for one function, which is no list of them, and for what is no function."""
    if callable(interceptors):
        raise TypeError(f"{name} is a list of functions: write [{interceptors!r}]")
    try:
        functions = tuple(interceptors)
    except TypeError:
        raise TypeError(f"{name} is a list of functions, not {interceptors!r}") from None
    for each in functions:
        if not callable(each):
            raise TypeError(f"{name} is a list of functions, and {each!r} in it is none")
    return functions
