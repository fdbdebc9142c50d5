"""What a connection makes of its input, for the side that owns it.

``caller`` is what was given to Connection.request: the outcome of that call goes to it. ``expires``
is a time of the connection's clock, or None.
"""

from typing import NamedTuple

from tracewire.codec import Frame, Status

from .goaway import Goaway
from .hello import Hello
from .status import RpcError


class Requested(NamedTuple):
    """A request to handle: respond(id) must follow, once."""

    id: int
    frame: Frame
    expires: float | None


class Notified(NamedTuple):
    """A notification with a method."""

    frame: Frame
    expires: float | None


class Received(NamedTuple):
    """A message without a method: an envelope, or a bare message, which has no frame."""

    message: bytes
    frame: Frame | None


class Answered(NamedTuple):
    """The response to a call of ours, its status OK."""

    caller: object
    frame: Frame


class Failed(NamedTuple):
    """A call of ours failed."""

    caller: object
    error: RpcError


class Cancelled(NamedTuple):
    """The handler of this request is to be cancelled; its response is still owed. C-16"""

    id: int
    status: Status


class Greeted(NamedTuple):
    """The other side's hello. C-10"""

    hello: Hello


class Leaving(NamedTuple):
    """The other side's goaway: no call may begin."""

    goaway: Goaway


class Ponged(NamedTuple):
    """A ping of ours was answered."""

    id: int


Happening = (
    Requested | Notified | Received | Answered | Failed | Cancelled | Greeted | Leaving | Ponged
)
