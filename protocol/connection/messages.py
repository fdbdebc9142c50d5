"""What hello and goaway say: their payloads (sections 7.2 and 7.5)."""

import os
import socket
from typing import Final

import msgspec

from tracewire.codec import Frame, Kind, Status, encode, encode_response
from tracewire.codec.constants import MAGIC, MAX_FRAME, MAX_ID

from ..constants import (
    AGENT_BYTES,
    ERROR_BYTES,
    GENERATION,
    MAX_FRAME_LEAST,
    GoawayKey,
    HelloKey,
    instance_of,
)
from ..wire import is_uint, read_map, write_map

#: Characters of a goaway's text, so that it has no more bytes than an error may have.
_TEXT: Final = ERROR_BYTES // 4


#: Where a kind of one byte ends: after the tag and the array's head.
_KIND_END: Final = len(MAGIC) + 2
#: A cancel up to its kind. What follows is that of the response which returns nothing.
_CANCEL: Final = encode(Frame(Kind.CANCEL, 1, 0))[:_KIND_END]


def cancel_frame(id: int) -> bytes:
    """A cancel of the call with that id: those that share a deadline are sent all at once."""
    return _CANCEL + encode_response(id)[_KIND_END:]


def default_agent() -> str:
    """Host and process, as an instance is named where its deployer did not."""
    return f"{socket.gethostname()}:{os.getpid()}"[-AGENT_BYTES:]


def check_agent(agent: str) -> str:
    """The name; ValueError or TypeError where no hello can have it. C-8"""
    if len(instance_of("agent", agent, str).encode()) > AGENT_BYTES:
        raise ValueError(f"an agent is at most {AGENT_BYTES} bytes of UTF-8, not {agent!r}")
    return agent


def check_text(text: str | None) -> None:
    """TypeError where no goaway can have it."""
    if text is not None:
        instance_of("what a drain says to the other side", text, str)


class Hello(msgspec.Struct, frozen=True):
    """What a side can read. ValueError where C-8 does not hold.

    ``even_keys``: those that are understood. ``kinds``: those above 2 that are read.
    ``max_frame``: bytes of the longest record that is accepted. ``agent``: who speaks, at most 64
    bytes, None where that is not said.
    """

    generation: int = GENERATION
    even_keys: tuple[int, ...] = ()
    kinds: tuple[int, ...] = (Kind.HELLO, Kind.GOAWAY, Kind.CANCEL, Kind.PING, Kind.PONG)
    max_frame: int = MAX_FRAME
    agent: str | None = None

    def __post_init__(self) -> None:
        if self.max_frame < MAX_FRAME_LEAST:  # C-8
            raise ValueError(f"a hello announces a max frame of at least {MAX_FRAME_LEAST} bytes")
        if self.agent is not None:
            check_agent(self.agent)

    def frame(self) -> Frame:
        """The frame that says so."""
        fields: dict[int, object] = {
            HelloKey.GENERATION: self.generation,
            HelloKey.EVEN_KEYS: self.even_keys,
            HelloKey.KINDS: self.kinds,
            HelloKey.MAX_FRAME: self.max_frame,
            HelloKey.AGENT: self.agent,
        }
        return Frame(Kind.HELLO, 0, 0, write_map(fields))


def read_hello(payload: bytes) -> Hello | None:
    """What the payload says, None where it is unreadable. C-10"""
    fields = read_map(payload)
    if fields is None:
        return None
    generation, max_frame = fields.get(HelloKey.GENERATION), fields.get(HelloKey.MAX_FRAME)
    keys, kinds = _uints(fields.get(HelloKey.EVEN_KEYS)), _uints(fields.get(HelloKey.KINDS))
    agent = fields.get(HelloKey.AGENT, "")
    if keys is None or kinds is None or not is_uint(generation) or not is_uint(max_frame):
        return None
    if not isinstance(agent, str):
        return None
    try:
        return Hello(generation, keys, kinds, max_frame, agent or None)
    except ValueError:
        return None


def _uints(value: object) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(map(is_uint, value)):
        return tuple(value)
    return None


class Goaway(msgspec.Struct, frozen=True):
    """The end of calls. ``last_id``: of the last request that was accepted. ``status``: OK in a
    drain."""

    last_id: int
    status: int = Status.OK
    text: str | None = None

    def frame(self) -> Frame:
        """The frame that says so; a text that is too long loses its end."""
        fields: dict[int, object] = {
            GoawayKey.LAST_ID: self.last_id,
            GoawayKey.STATUS: int(self.status),
            GoawayKey.TEXT: None if self.text is None else self.text[:_TEXT],
        }
        return Frame(Kind.GOAWAY, 0, 0, write_map(fields))


#: What a goaway means that cannot be read: any request may have been accepted.
UNREADABLE = Goaway(MAX_ID)


def read_goaway(payload: bytes) -> Goaway:
    """What the payload says, as far as it is readable."""
    fields = read_map(payload) or {}
    last_id, status = fields.get(GoawayKey.LAST_ID), fields.get(GoawayKey.STATUS)
    text = fields.get(GoawayKey.TEXT)
    if not is_uint(last_id) or not is_uint(status):
        return UNREADABLE
    return Goaway(last_id, status, text if isinstance(text, str) else None)
