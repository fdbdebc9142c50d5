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
from .call import check_metadata, running_call


class OutgoingCall:
    """A call that is about to be made, as interceptors get it; they may change all of it.

    ``deadline``: a time of the event loop's clock, or None. ``metadata``: a dict of its own.
    """

    __slots__ = ("_clock", "body", "deadline", "metadata", "method")

    def __init__(
        self,
        method: str,
        body: object,
        metadata: Mapping[str, object] | None,
        deadline: float | None,
        clock: Callable[[], float],
    ) -> None:
        self.method = method
        self.body = body
        self.metadata = dict(metadata or {})
        self.deadline = deadline
        self._clock = clock

    def __repr__(self) -> str:
        return f"<OutgoingCall {self.method!r} timeout={self.timeout}>"

    @property
    def timeout(self) -> float | None:
        """Seconds that are left until the deadline, which is set anew by setting them.

        A longer one, or None, lasts no longer than what the running handler has left.
        """
        return None if self.deadline is None else self.deadline - self._clock()

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self.deadline = None if seconds is None else self._clock() + seconds


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
    return lambda call: interceptor(call, proceed)


def cascaded_deadline(cascade: bool) -> float | None:
    """The deadline of the call that is being handled here, which holds for calls below it. C-24"""
    outer = running_call() if cascade else None
    return None if outer is None or outer.over else outer.deadline


def earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two deadlines, of which None is never."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def written(body: object, metadata: Mapping[str, object] | None) -> tuple[bytes, Extensions | None]:
    """The payload and the extensions of what is sent."""
    payload, content_format = write_body(body)
    extensions: Extensions | None = check_metadata(metadata) if metadata else None
    if content_format is not None:
        extensions = {**(extensions or {}), CONTENT_FORMAT: content_format}
    return payload, extensions


def result(method: str, frame: Frame, returns: Any) -> Any:
    """What a response returns."""
    content_format = frame.extensions.get(CONTENT_FORMAT)
    try:
        return read_body(frame.payload, content_format, returns)  # type: ignore[arg-type]
    except RpcError as error:
        said = f"the response of {method} is not as expected: {error.message}"
        unexpected = RpcError(Status.INTERNAL, said, executed=Executed.YES)
        unexpected.nested = True
        raise unexpected from None


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
