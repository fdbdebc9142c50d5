"""A message as `tracewire bench` measures it."""

from collections.abc import Mapping
from typing import NamedTuple

from .timing import Statement


class Message(NamedTuple):
    """One message in one system with some context, and how to make and read it.

    ``size``: in bytes. ``peek``: how to learn the sampling decision alone, where there is a way.
    """

    system: str
    context: str
    size: int
    encode: Statement
    decode: Statement
    peek: Statement | None


def message(
    system: str,
    context: str,
    names: Mapping[str, object],
    encode: str,
    decode: str,
    peek: str | None = None,
) -> Message:
    """A message of three pieces of code. ``encode`` is an expression; the others read ``data``."""
    writing = Statement(encode, names)
    data = writing.value()
    reading = {**names, "data": data}
    peeking = None if peek is None else Statement(peek, reading)
    return Message(system, context, len(data), writing, Statement(decode, reading), peeking)
