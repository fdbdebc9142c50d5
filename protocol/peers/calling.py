"""A call that this side makes: what interceptors see, what is sent, what the response returns."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tracewire.codec import Frame, Status
from tracewire.codec.constants import CONTENT_FORMAT
from tracewire.codec.writing import Extensions

from ..body.body import read_body, write_body
from ..constants import Executed
from ..errors import RpcError
from ..tracing.spans import CallTelemetry
from .call import awaitable, check_metadata


class OutgoingCall:
    """A call that is about to be made, as interceptors get it; they may change all of it.

    Attributes:
        method: the name to call.
        body: one value, not written yet.
        metadata: always a dict, this call's own.
        deadline: a time of the event loop's clock, or None. One that is later than the running
            handler's does not outlive that.
    """

    __slots__ = ("body", "deadline", "metadata", "method")

    def __init__(
        self,
        method: str,
        body: object = None,
        metadata: Mapping[str, object] | None = None,
        deadline: float | None = None,
    ) -> None:
        self.method = method
        self.body = body
        self.metadata: dict[str, object] = {**(metadata or {})}
        self.deadline = deadline

    def __repr__(self) -> str:
        return f"<OutgoingCall {self.method!r} deadline={self.deadline}>"

    @property
    def timeout(self) -> float | None:
        """Seconds that are left until the deadline, which is set anew by setting them.

        A longer one, or None, lasts no longer than what the running handler has left.
        """
        return None if self.deadline is None else self.deadline - asyncio.get_running_loop().time()

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self.deadline = None if seconds is None else deadline_after(seconds)


#: Makes a call and gives its result.
Proceed = Callable[[OutgoingCall], Awaitable[Any]]
#: Runs around a call: given it and what makes it, gives its result.
CallInterceptor = Callable[[OutgoingCall, Proceed], Awaitable[Any]]


def intercepted(interceptors: Sequence[CallInterceptor], proceed: Proceed) -> Proceed:
    """The call with all that runs around it, the first one outermost."""
    for interceptor in reversed(interceptors):
        proceed = _around(interceptor, proceed)
    return proceed


def _around(interceptor: CallInterceptor, proceed: Proceed) -> Proceed:
    return lambda call: awaitable(interceptor(call, proceed), interceptor)


def deadline_after(seconds: float) -> float:
    """A time of the running loop's clock. TypeError or ValueError for what is no length of time."""
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"timeout is a number of seconds, or None, not {seconds!r}")
    if seconds != seconds:
        raise ValueError("timeout is a number of seconds, or None, not NaN")
    return asyncio.get_running_loop().time() + seconds


def earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two deadlines, of which None is never."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def written(
    method: str, body: object, metadata: Mapping[str, object] | None
) -> tuple[bytes, Extensions | None]:
    """The payload and the extensions of what is sent to a method.

    TypeError or ValueError where there is no such method, body or metadata.
    """
    if not isinstance(method, str):
        raise TypeError(f"a method is text, not {method!r}")
    if not method:  # a notification of none would be an envelope
        raise ValueError("a method has a name; a message without one is sent by send()")
    payload, content_format = write_body(body)
    extensions = check_metadata(metadata) if metadata else None
    if content_format is not None:
        extensions = extensions or {}
        extensions[CONTENT_FORMAT] = content_format
    return payload, extensions


def result(method: str, frame: Frame, returns: Any) -> Any:
    """What a response returns."""
    content_format = frame.extensions.get(CONTENT_FORMAT)
    try:
        return read_body(frame.payload, content_format, returns)  # type: ignore[arg-type]
    except RpcError as error:
        raise _unexpected(method, error) from None


def _unexpected(method: str, error: RpcError) -> RpcError:
    said = f"the response of {method} is not as expected: {error.message}"
    unexpected = RpcError(Status.INTERNAL, said, executed=Executed.YES)
    unexpected.nested = True
    return unexpected


def status_of(error: BaseException) -> Status:
    """How a call that ended so is recorded."""
    if isinstance(error, RpcError):
        return error.status
    return Status.CANCELLED if isinstance(error, asyncio.CancelledError) else Status.UNKNOWN


async def recorded(telemetry: CallTelemetry, call: Awaitable[Any]) -> Any:
    """A call with its span and its duration, which end with what the application gets."""
    try:
        result = await call
    except BaseException as error:
        telemetry.finish(status_of(error), error)
        raise
    telemetry.finish(Status.OK)
    return result
