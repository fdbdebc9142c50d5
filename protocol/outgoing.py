"""A call on its way out: what it was given, what is sent of it, and what its response returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tracewire.codec import Frame, Status
from tracewire.codec.constants import CONTENT_FORMAT

from .body import read_body, write_body
from .call import check_metadata, running_call
from .constants import Executed
from .status import RpcError

Extensions = dict[int | str, object]


@dataclass(slots=True)
class Outgoing:
    """A call that is about to be made: as Peer.call was given it. It may be changed."""

    method: str
    body: object
    timeout: float | None
    metadata: Mapping[str, object] | None


#: Runs around a call: given it and a function that makes it, gives its result.
AroundCalls = Callable[[Outgoing, Callable[[Outgoing], Awaitable[Any]]], Awaitable[Any]]


def written(body: object, metadata: Mapping[str, object] | None) -> tuple[bytes, Extensions | None]:
    """The payload and the extensions of what is sent."""
    payload, content_format = write_body(body)
    extensions = check_metadata(metadata) if metadata else None
    if content_format is not None:
        extensions = extensions or {}
        extensions[CONTENT_FORMAT] = content_format
    return payload, extensions


def cascaded(timeout: float | None) -> float | None:
    """The timeout, or what the call that is being handled here has left, if that is less. C-24"""
    outer = running_call()
    left = None if outer is None else outer.time_left()
    if left is None or timeout is None:
        return timeout if left is None else left
    return min(timeout, left)


def result(method: str, frame: Frame, returns: Any) -> Any:
    """What a response returns."""
    content_format = frame.extensions.get(CONTENT_FORMAT)
    try:
        return read_body(frame.payload, content_format, returns)  # type: ignore[arg-type]
    except RpcError as error:
        said = f"the response of {method} is not as expected: {error.message}"
        raise RpcError(Status.INTERNAL, said, executed=Executed.YES) from None
