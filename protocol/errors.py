"""How a call fails: RpcError and the body that carries it (C-21, C-22, C-61); ModeUnknown."""

from tracewire.codec import FrameError, Status

from .constants import ERROR_BYTES, ErrorKey, Executed
from .wire import is_uint, read_map, write_map

#: Bytes of a body beside its message and details: heads, keys, executed and truncated.
_FRAME_OF_BODY = 16
_EXECUTED = frozenset(Executed)


class ModeUnknown(LookupError):
    """A rollout's function never gave a dialect for a destination. Nothing may be sent."""


class RpcError(Exception):
    """A call that failed. A handler raises it to fail its call so.

    Args:
        status: decides; any but OK. A number is read as the Status that it is.
        message: for people, never to be compared.
        details: a value of the subset of section 3.2, or None.
        executed: whether the call ran, here or behind what answered; None where nobody said.

    Raises:
        ValueError: the status is OK, or status or executed is no number of theirs.
    """

    def __init__(
        self,
        status: Status,
        message: str = "",
        details: object = None,
        executed: Executed | None = None,
    ) -> None:
        self.args = status, message, details, executed  # what a copy is made of
        if not status:
            raise ValueError("a call that failed has a status other than OK")
        # To look a member up by its number costs more than all the rest.
        self.status = status if type(status) is Status else Status(status)
        self.message = message
        self.details = details
        if executed is not None and type(executed) is not Executed:
            executed = Executed(executed)
        self.executed = executed
        #: Whether a call that was made here came to it, and not a handler: ``executed`` is then of
        #: that call.
        self.nested = False

    def __str__(self) -> str:
        ran = "" if self.executed is None else f" (executed: {self.executed.name.lower()})"
        said = f": {self.message}" if self.message else ""
        return f"{self.status.name}{said}{ran}"


def not_executed(status: Status, message: str) -> RpcError:
    """The error of a call that never began."""
    error = RpcError(status, message, executed=Executed.NO)
    error.nested = True
    return error


def write_error(error: RpcError) -> bytes:
    """The error's body, at most 4,096 bytes: details that do not fit go, then the message's end.

    Details outside the value subset, which no peer could read, go as well. C-61
    """
    message = str(error.message).encode(errors="replace").decode()
    body = _body(error, message, error.details)
    if body is not None and len(body) <= ERROR_BYTES:
        return body
    room = ERROR_BYTES - _FRAME_OF_BODY
    message = message.encode()[:room].decode(errors="ignore")
    shortened = _body(error, message, None, truncated=True)
    assert shortened is not None
    return shortened


def _body(
    error: RpcError, message: str, details: object, truncated: bool | None = None
) -> bytes | None:
    fields: dict[int, object] = {
        ErrorKey.MESSAGE: message,
        ErrorKey.DETAILS: details,
        ErrorKey.EXECUTED: error.executed,
        ErrorKey.TRUNCATED: truncated,
    }
    try:
        return write_map(fields)
    except (TypeError, FrameError):
        return None


def read_error(status: Status, payload: bytes) -> RpcError:
    """The error that a response with this status and body tells of. C-22"""
    fields = read_map(payload)
    if fields is None or not isinstance(fields.get(ErrorKey.MESSAGE), str):
        return RpcError(status)
    executed = fields.get(ErrorKey.EXECUTED)
    return RpcError(
        status,
        str(fields[ErrorKey.MESSAGE]),
        fields.get(ErrorKey.DETAILS),
        Executed(executed) if is_uint(executed) and executed in _EXECUTED else None,
    )
