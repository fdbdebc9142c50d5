"""The method tracewire.top: a live peer's timings and census, for `tracewire top`.

It exists only where an application serves it, and answers only those who are trusted as parents:
entities and instances are nobody else's business.
"""

from typing import Annotated, Final

import msgspec

from tracewire.codec import Status

from ..constants import Executed
from ..errors import RpcError
from ..peers.call import current_call
from ..peers.service import ReservedService, Service
from .census import Census
from .timings import Timings

#: Rows of each part that are sent at most.
MOST_ROWS: Final = 1_000


class Asked(msgspec.Struct, frozen=True):
    """The body: how many rows of each part are wanted, and of how many minutes the timings."""

    rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = 100
    minutes: Annotated[int, msgspec.Meta(ge=1)] = 2


_ALL_BY_DEFAULT: Final = Asked()


def top_service(timings: Timings | None = None, census: Census | None = None) -> Service:
    """A new service of tracewire.top, to serve alone or to include in another.

    The method returns a map of ``timings`` and ``census``: lists of maps, or null for what is not
    given here. They are the rows of `Timings.snapshot` and `Census.snapshot`. It answers callers
    who are trusted as parents, and nobody else: on a listener of strangers it is of no use.

    Args:
        timings: those of the event loop that serves it.
        census: may be shared.

    Returns:
        The service.
    """

    def top(asked: Asked = _ALL_BY_DEFAULT) -> dict[str, object]:
        _check_trust(current_call().trust)
        return {
            "timings": None if timings is None else timings.snapshot(asked.minutes)[: asked.rows],
            "census": None if census is None else census.snapshot()[: asked.rows],
        }

    service = ReservedService("tracewire")
    service.method(top)
    return service


def _check_trust(trust: str) -> None:
    if trust != "parent":
        raise RpcError(
            Status.PERMISSION_DENIED,
            "tracewire.top answers where callers are trusted: on a Unix socket, over TLS with "
            'client certificates, or with trust="parent"',
            executed=Executed.NO,
        )
