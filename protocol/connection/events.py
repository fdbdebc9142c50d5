"""What a connection makes of its input, for the side that owns it.

``caller`` is what was given to Connection.request: the outcome of that call goes to it. ``expires``
is a time of the connection's clock, or None.
"""

from typing import NamedTuple

from tracewire.codec import Frame, Status

from ..errors import RpcError
from .messages import Goaway, Hello


class RequestReceived(NamedTuple):
    """A request to handle: respond(id) must follow, once."""

    id: int
    frame: Frame
    expires: float | None


class RequestRefused(NamedTuple):
    """A request that was refused, and answered so, before its method was asked for.

    ``frame``: None where it was invalid. ``status`` and ``message``: of the answer.
    """

    frame: Frame | None
    status: Status
    message: str


class NotificationReceived(NamedTuple):
    """A notification with a method."""

    frame: Frame
    expires: float | None


class MessageReceived(NamedTuple):
    """A message without a method: an envelope, or a bare message, which has no frame."""

    message: bytes
    frame: Frame | None


class CallAnswered(NamedTuple):
    """The response to a call of ours, its status OK."""

    caller: object
    frame: Frame


class CallFailed(NamedTuple):
    """A call of ours failed."""

    caller: object
    error: RpcError


class RequestCancelled(NamedTuple):
    """The handler of this request is to be cancelled; its response is still owed. C-16"""

    id: int
    status: Status


class HelloReceived(NamedTuple):
    """The other side's hello. C-10"""

    hello: Hello


class GoawayReceived(NamedTuple):
    """The other side's goaway: no call may begin."""

    goaway: Goaway


class PongReceived(NamedTuple):
    """A ping of ours was answered."""

    id: int


Event = (
    RequestReceived
    | RequestRefused
    | NotificationReceived
    | MessageReceived
    | CallAnswered
    | CallFailed
    | RequestCancelled
    | HelloReceived
    | GoawayReceived
    | PongReceived
)
