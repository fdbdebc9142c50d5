"""Whose trace context counts: trust per listener, and a rate for the roots that strangers cause."""

import time
from collections.abc import Callable
from functools import cache
from logging import getLogger
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

Trust = Literal["parent", "link", "ignore"]
TRUSTS: Final = get_args(Trust)

_logger = getLogger("tracewire.tracing")


def default_trust(url: str, client_certificates: bool = False, credentials: bool = False) -> Trust:
    """How far the peers at an address are trusted where nobody said.

    ``client_certificates``: a TLS listener demands them. ``credentials``: a NATS client has some.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("unix", "memory"):
        return "parent"
    if (scheme == "tls" and client_certificates) or (scheme == "nats" and credentials):
        return "parent"
    _say_once(scheme)
    return "link"


@cache
def _say_once(scheme: str) -> None:
    _logger.info(
        "%s:// peers are strangers: traces of theirs are linked to, not continued; "
        'trust="parent" continues them',
        scheme,
    )


class Roots:
    """How many roots strangers may start: a bucket of one second's worth of ``rate``. T-7

    ``clock``: seconds that only grow.
    """

    __slots__ = ("_clock", "_filled", "_most", "_rate", "_tokens")

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        if rate < 0:
            raise ValueError("the rate of roots must not be negative")
        self._rate, self._clock = rate, clock
        self._most = self._tokens = max(rate, 1.0) if rate else 0.0
        self._filled = clock()

    def left(self) -> bool:
        """Whether one may be started now."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        return self._tokens >= 1

    def take(self) -> None:
        """One was started."""
        self._tokens -= 1
