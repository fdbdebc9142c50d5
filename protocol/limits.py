"""Every limit of peers that can be set, in one table."""

from dataclasses import dataclass
from typing import Final

from tracewire.codec.constants import MAX_FRAME, STREAM_PREFIX

from . import constants as c


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a connection, and of the server that accepted it. Times are in seconds.

    ``max_frame``: bytes of a record that is read, announced in the hello (S-2, C-8).
    ``in_flight``: requests of a connection that are handled at once (C-25).
    ``in_flight_server``: the same for all connections of a server (C-25).
    ``write_buffer``: bytes that wait to be written before the connection is given up (C-26).
    ``record_seconds``: the longest that a record may take to arrive (C-26).
    ``linger_seconds``: how long input is read on after a drain (C-17).
    ``discard_seconds``: how long input is discarded after a connection error (C-20).
    ``connect_seconds``: for connecting, for all addresses of a host together, TLS included.
    ``connections``: connections of a server, from before their handshake; further ones are closed
    at once.
    ``keepalive_seconds``: silence after which a ping is sent to a side whose hello said that it
    reads pings; a pong that does not come in the same time ends the connection. None: no pings.
    """

    max_frame: int = MAX_FRAME
    in_flight: int = c.IN_FLIGHT_CONNECTION
    in_flight_server: int = c.IN_FLIGHT_SERVER
    write_buffer: int = 16 * MAX_FRAME
    record_seconds: float = c.RECORD_SECONDS
    linger_seconds: float = c.LINGER_SECONDS
    discard_seconds: float = c.DISCARD_SECONDS
    connect_seconds: float = 10.0
    connections: int = 20_000
    keepalive_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be at least {least}")
        if self.max_frame > _LONGEST:  # S-1
            raise ValueError(f"max_frame must be at most {_LONGEST}")
        if self.keepalive_seconds is not None and self.keepalive_seconds <= c.PING_INTERVAL_SECONDS:
            raise ValueError("keepalive_seconds must be over 1, or pings would count as strikes")


_LEAST: Final = {
    "max_frame": c.MAX_FRAME_LEAST,  # C-8
    "in_flight": 1,
    "in_flight_server": 1,
    "connections": 1,
    "write_buffer": 0,
    "record_seconds": 0,
    "linger_seconds": 0,
    "discard_seconds": 0,
    "connect_seconds": 0,
}
_LONGEST: Final = (1 << 8 * STREAM_PREFIX) - 1
