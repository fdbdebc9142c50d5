"""A message that was received, while it is handled."""

import asyncio
from contextvars import Token
from threading import get_ident
from typing import Final, Protocol, Self

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Link

from tracewire.codec import Frame

from .context import FALSE_KEY, PAIR_KEY, Values, around
from .gate import attributes_of
from .sampling import ALONE, Pair, enter, leave

#: Where a message keeps what was read of it.
_VALUES: Final = "_values"


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

    __slots__ = ("__dict__", "_entered", "_reader", "frame")

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
        links = self._reader.links(self.frame)
        pair = values.get(PAIR_KEY) if values else None
        if isinstance(pair, Pair) and pair.ratio != ALONE:  # what was drawn for it, too
            numbers = attributes_of(pair.ratio)
            return [Link(link.context, numbers) for link in links]
        return links

    def __enter__(self) -> Self:
        values = self._read()
        surroundings = get_current()
        context = surroundings if values is None else around(values, surroundings)
        tokens = enter(context), attach(context)
        self._entered.setdefault(_here(), []).append(tokens)
        return self

    def __exit__(self, *raised: object) -> None:
        entered = self._entered.get(here := _here(), [])
        for place in reversed(range(len(entered))):
            ours, theirs = entered[place]
            try:
                leave(ours)
            except ValueError:
                continue  # that was in another execution context, as other libraries have them
            detach(theirs)
            del entered[place]
            break
        # else a generator that its loop closes, where nothing of it is current
        if not entered:
            self._entered.pop(here, None)

    def _read(self) -> Values | None:
        held = self.__dict__
        if _VALUES not in held:
            # Of two threads that read, both get what was drawn for one.
            held.setdefault(_VALUES, self._reader.read(self.frame))
        values: Values | None = held[_VALUES]
        return values


def _here() -> object:
    try:
        return asyncio.current_task() or get_ident()
    except RuntimeError:
        return get_ident()
