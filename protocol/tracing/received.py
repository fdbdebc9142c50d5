"""A message that was received, while it is handled."""

import asyncio
from contextvars import Token
from threading import get_ident
from typing import Protocol, Self

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Link

from tracewire.codec import Frame

from .context import FALSE_KEY, Values, around
from .sampling import Pair, enter, leave


class Reader(Protocol):
    """What reads a message's context, and draws where it is to be drawn."""

    def read(self, frame: Frame) -> Values | None: ...
    def links(self, frame: Frame) -> list[Link]: ...


class Received:
    """Makes the context of a message current inside its block, which several tasks may enter.

    The context is read, and drawn for, once.

    Attributes:
        frame: the message.
    """

    __slots__ = ("_entered", "_reader", "_values", "frame")

    _values: Values | None

    def __init__(self, frame: Frame, reader: Reader) -> None:
        self.frame = frame
        self._reader = reader
        #: By the task or thread that entered, the latest last.
        self._entered: dict[object, list[tuple[Token[Pair | None], Token[Context]]]] = {}

    @property
    def body(self) -> bytes:
        """The message without its envelope."""
        return self.frame.payload

    @property
    def is_bare(self) -> bool:
        """Whether it came without an envelope."""
        return self.frame.kind is None

    @property
    def links(self) -> list[Link]:
        """For the span of its handling, or of a batch that it is handled in."""
        values = self._read()
        if values is not None and FALSE_KEY in values:
            return []  # it came so, or others were drawn
        return self._reader.links(self.frame)

    def __enter__(self) -> Self:
        values = self._read()
        surroundings = get_current()
        context = surroundings if values is None else around(values, surroundings)
        tokens = enter(context), attach(context)
        self._entered.setdefault(_here(), []).append(tokens)
        return self

    def __exit__(self, *raised: object) -> None:
        entered = self._entered.get(here := _here())
        if not entered:
            return  # a generator that its loop closes, in a task that never entered
        ours, theirs = entered.pop()
        if not entered:
            del self._entered[here]
        try:
            leave(ours)
        except ValueError:
            return  # the same in another execution context, where nothing of it is current
        detach(theirs)

    def _read(self) -> Values | None:
        try:
            return self._values
        except AttributeError:
            self._values = self._reader.read(self.frame)
            return self._values


def _here() -> object:
    try:
        return asyncio.current_task() or get_ident()
    except RuntimeError:
        return get_ident()
