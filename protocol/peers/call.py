"""What a handler can ask about the call that it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType
from typing import Final

from tracewire.codec import Frame, RawItem

from ..constants import RESERVED_PREFIX, Trust
from .caller import Caller


class Call:
    """A request, notification or envelope that is being handled.

    ``frame``: as it came. ``peer``: the side that sent it, which can be called back. ``trust``: how
    far that side is trusted. ``deadline``: a time of the event loop's clock, or None. ``ran``:
    whether its handler was started. ``over``: whether that ended; a task that goes on is not bound
    by the deadline. Belongs to its event loop's thread.
    """

    __slots__ = ("_metadata", "deadline", "frame", "over", "peer", "ran", "trust")

    def __init__(
        self, frame: Frame, peer: Caller, trust: Trust, deadline: float | None = None
    ) -> None:
        self.frame = frame
        self.peer = peer
        self.trust = trust
        self.deadline = deadline
        self.ran = self.over = False
        self._metadata: Mapping[str, object] | None = None

    def __repr__(self) -> str:
        return f"<Call {self.method!r} deadline={self.deadline} trust={self.trust!r}>"

    @property
    def method(self) -> str:
        """Empty for an envelope."""
        return self.frame.method or ""

    @property
    def metadata(self) -> Mapping[str, object]:
        """The sender's text keys and their values, without those kept for Tracewire (N-3)."""
        if self._metadata is None:
            self._metadata = _read_metadata(self.frame)
        return self._metadata

    def time_left(self) -> float | None:
        """Seconds until the deadline, 0 once it has passed; None where there is none."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


#: Runs around a handler: given its call and a function that runs it, gives its result.
HandlerInterceptor = Callable[[Call, Callable[[], Awaitable[object]]], Awaitable[object]]


def run_intercepted(
    interceptors: Sequence[HandlerInterceptor], call: Call, run: Callable[[], Awaitable[object]]
) -> Awaitable[object]:
    """The handler with all that runs around it, the first one outermost."""
    for interceptor in reversed(interceptors):
        run = partial(interceptor, call, run)
    return run()


_running: Final[ContextVar[Call | None]] = ContextVar("tracewire_call", default=None)


def enter(call: Call | None) -> None:
    """From here on, in this task and those that it starts, ``call`` is the current one, or none."""
    _running.set(call)


def running_call() -> Call | None:
    """As current_call, but None outside a handler."""
    return _running.get()


def current_call() -> Call:
    """The call that the running handler answers, also in the tasks that it starts.

    Raises LookupError outside a handler.
    """
    call = _running.get()
    if call is None:
        raise LookupError("current_call() is for handlers: no call is being handled here")
    return call


def check_metadata(metadata: Mapping[str, object]) -> dict[int | str, object]:
    """The extensions that carry metadata; what their values may be is for the encoder to say.

    Raises TypeError for a key that is not text, ValueError for one kept for Tracewire (N-3).
    """
    extensions: dict[int | str, object] = {}
    for key, value in metadata.items():
        if not isinstance(key, str):
            raise TypeError(f"keys of metadata are text, not {key!r}")
        if key.startswith(RESERVED_PREFIX):
            raise ValueError(
                f"the key {key!r} begins with {RESERVED_PREFIX!r}, which is kept for Tracewire"
            )
        extensions[key] = value
    return extensions


def _read_metadata(frame: Frame) -> Mapping[str, object]:
    texts = {
        key: item.value if isinstance(item, RawItem) else item
        for key, item in frame.extensions.items()
        if isinstance(key, str) and not key.startswith(RESERVED_PREFIX)
    }
    return MappingProxyType(texts)
