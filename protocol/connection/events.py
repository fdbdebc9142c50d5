"""What a connection makes of its input, for the side that owns it.

``caller`` is what was given to Connection.request: the outcome of that call goes to it. ``expires``
is a time of the connection's clock, or None.
"""

import msgspec

from tracewire.codec import Frame, Status

from ..errors import RpcError
from .messages import Goaway, Hello


class RequestReceived(msgspec.Struct, frozen=True):
    """A request to handle: respond(id) must follow, once."""

    id: int
    frame: Frame
    expires: float | None


class RequestRefused(msgspec.Struct, frozen=True):
    """A request that was refused, and answered so, before its method was asked for.

    ``frame``: None where it was invalid. ``status`` and ``message``: of the answer.
    """

    frame: Frame | None
    status: Status
    message: str


class NotificationReceived(msgspec.Struct, frozen=True):
    """A notification with a method."""

    frame: Frame
    expires: float | None


class MessageReceived(msgspec.Struct, frozen=True):
    """A message without a method: an envelope, or a bare message, which has no frame."""

    message: bytes
    frame: Frame | None


class CallAnswered(msgspec.Struct, frozen=True):
    """The response to a call of ours, its status OK."""

    caller: object
    frame: Frame


class CallFailed(msgspec.Struct, frozen=True):
    """A call of ours failed, or a notification or message that waited to be sent."""

    caller: object
    error: RpcError


class MessageSent(msgspec.Struct, frozen=True):
    """A notification or message that had to wait is on its way; ``sender`` was given with it."""

    sender: object


class RequestCancelled(msgspec.Struct, frozen=True):
    """The handler of this request is to be cancelled; its response is still owed. C-16"""

    id: int
    status: Status


class HelloReceived(msgspec.Struct, frozen=True):
    """The other side's hello. C-10"""

    hello: Hello


class GoawayReceived(msgspec.Struct, frozen=True):
    """The other side's goaway: no call may begin."""

    goaway: Goaway


class PongReceived(msgspec.Struct, frozen=True):
    """A ping of ours was answered."""

    id: int


Event = (
    RequestReceived
    | RequestRefused
    | NotificationReceived
    | MessageReceived
    | CallAnswered
    | CallFailed
    | MessageSent
    | RequestCancelled
    | HelloReceived
    | GoawayReceived
    | PongReceived
)
