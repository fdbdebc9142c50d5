"""Hello: what a side of a connection can read (section 7.2)."""

from dataclasses import dataclass

from tracewire.codec import Frame, Kind
from tracewire.codec.constants import MAX_FRAME

from .constants import AGENT_BYTES, GENERATION, MAX_FRAME_LEAST, HelloKey
from .payload import is_uint, read_map, write_map


@dataclass(frozen=True, slots=True)
class Hello:
    """``even_keys``: those that are understood. ``kinds``: those above 2 that are read.

    ``max_frame``: bytes of the longest record that is accepted. ``agent``: who speaks, at most 64
    bytes, None where that is not said. ValueError where C-8 does not hold.
    """

    generation: int = GENERATION
    even_keys: tuple[int, ...] = ()
    kinds: tuple[int, ...] = (Kind.HELLO, Kind.GOAWAY, Kind.CANCEL, Kind.PING, Kind.PONG)
    max_frame: int = MAX_FRAME
    agent: str | None = None

    def __post_init__(self) -> None:
        if self.max_frame < MAX_FRAME_LEAST:  # C-8
            raise ValueError(f"a hello announces a max frame of at least {MAX_FRAME_LEAST} bytes")
        if self.agent is not None and len(self.agent.encode()) > AGENT_BYTES:  # C-8
            raise ValueError(f"an agent is at most {AGENT_BYTES} bytes of UTF-8")

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
