"""What a handler can ask about the call that it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from tracewire.codec import Frame

from ..constants import RESERVED_PREFIX, Trust
from .caller import Caller

_T = TypeVar("_T")


class Call:
    """A request, notification or envelope that is being handled.

    It belongs to its event loop's thread. To keep what it says for later, keep the values and not
    the call: it holds the whole frame.

    Attributes:
        frame: as it came.
        peer: the side that sent it, which can be called back.
        trust: how far that side is trusted: parent, link or ignore.
        deadline: a time of the event loop's clock, or None.
        ran: whether its handler was started.
        over: whether that ended; a task that goes on is not bound by the deadline.
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
        """The name that was called; empty for an envelope."""
        return self.frame.method or ""

    @property
    def metadata(self) -> Mapping[str, object]:
        """The sender's text keys and their values, without those kept for Tracewire (N-3)."""
        if self._metadata is None:
            self._metadata = _read_metadata(self.frame)
        return self._metadata

    def time_left(self) -> float | None:
        """How long the caller still waits.

        Returns:
            Seconds until the deadline, 0 once it has passed; None where there is none.
        """
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
        run = partial(_run_around, interceptor, call, run)
    return run()


def _run_around(
    interceptor: HandlerInterceptor, call: Call, run: Callable[[], Awaitable[object]]
) -> Awaitable[object]:
    return awaitable(interceptor(call, run), interceptor)


def awaitable(returned: Awaitable[_T], interceptor: object) -> Awaitable[_T]:
    """What the interceptor returned; TypeError where it cannot be awaited."""
    if not isinstance(returned, Awaitable):
        raise TypeError(f"the interceptor {interceptor!r} returned {returned!r}: use async def")
    return returned


_running: Final[ContextVar[Call | None]] = ContextVar("tracewire_call", default=None)


def enter(call: Call | None) -> None:
    """From here on, in this task and those that it starts, ``call`` is the current one, or none."""
    _running.set(call)


def running_call() -> Call | None:
    """As current_call, but None outside a handler."""
    return _running.get()


def current_call() -> Call:
    """The call that the running handler answers, also in the tasks that it starts.

    Returns:
        The call: its metadata, deadline, trust, frame, and the peer that made it.

    Raises:
        LookupError: no handler runs here. Threads do not inherit it, unless their context is
            copied.
    """
    call = _running.get()
    if call is None:
        raise LookupError("current_call() is for handlers: no call is being handled here")
    return call


def check_metadata(metadata: Mapping[str, object]) -> dict[int | str, object]:
    """The extensions that carry metadata; what their values may be is for the encoder to say.

    Raises TypeError for what is no mapping and for a key that is not text, ValueError for one kept
    for Tracewire (N-3).
    """
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata is a mapping of text keys to values, not {metadata!r}")
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
        key: value
        for key, value in frame.extensions.items()
        if isinstance(key, str) and not key.startswith(RESERVED_PREFIX)
    }
    return MappingProxyType(texts)
