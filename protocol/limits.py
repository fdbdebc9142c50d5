"""Every limit of peers that can be set, in one table."""

from typing import Final

import msgspec

from tracewire.codec.constants import MAX_FRAME, STREAM_PREFIX

from . import constants as c


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a connection, and of the server that accepted it. Times are in seconds.

    They bound what this side holds and waits for. They are not there to shape load: a call over
    ``in_flight`` is refused, it does not wait.

    Args:
        max_frame: bytes of a record that is read, announced in the hello (S-2, C-8).
        in_flight: requests of a connection that are handled at once (C-25).
        in_flight_server: the same for all connections of a server (C-25).
        write_buffer: bytes that may wait to be written. What is sent beyond them waits, no handler
            starts meanwhile, and the payloads of what was read and may not start yet have as many
            bytes at most; further requests are refused (C-82, C-87, C-89).
        write_buffer_server: bytes that may wait in all connections of a server together, to be
            written or to start; beyond them the connection with most of it ends (C-94).
        stall_seconds: how long a side may take less than 64 KiB while more than ``write_buffer``
            waits for it, and six times as long nothing at all while less waits; then the connection
            is cut (C-95, C-96).
        record_seconds: the longest that a record may take to arrive (C-26).
        linger_seconds: how long input is read on after a drain (C-17).
        discard_seconds: how long input is discarded after a connection error (C-59).
        connect_seconds: for connecting, for all addresses of a host together, TLS included.
        connections: connections of a server, from before their handshake; further ones are closed
            at once.
        keepalive_seconds: silence after which a ping is sent to a side whose hello said that it
            reads pings; a pong that does not come in the same time ends the connection. None: no
            pings.

    Raises:
        ValueError: a limit is below the least that works, or ``max_frame`` is more than the 4
            bytes of a record's length can say.
    """

    max_frame: int = MAX_FRAME
    in_flight: int = c.IN_FLIGHT_CONNECTION
    in_flight_server: int = c.IN_FLIGHT_SERVER
    write_buffer: int = c.WRITE_BUFFER
    write_buffer_server: int = c.WRITE_BUFFER_SERVER
    stall_seconds: float = c.STALL_SECONDS
    record_seconds: float = c.RECORD_SECONDS
    linger_seconds: float = c.LINGER_SECONDS
    discard_seconds: float = c.DISCARD_SECONDS
    connect_seconds: float = 10.0
    connections: int = 20_000
    keepalive_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            _check(name, getattr(self, name), least)
        if self.max_frame > _LONGEST:  # S-1
            raise ValueError(f"max_frame must be at most {_LONGEST}")
        if self.keepalive_seconds is None:
            return
        _check("keepalive_seconds", self.keepalive_seconds, 0)
        if self.keepalive_seconds <= c.PING_INTERVAL_SECONDS:
            raise ValueError("keepalive_seconds must be over 1, or pings would count as strikes")


def _check(name: str, value: object, least: int) -> None:
    seconds = name.endswith("_seconds")
    if isinstance(value, bool) or not isinstance(value, (int, float) if seconds else int):
        number = "a number of seconds" if seconds else "a whole number"
        raise TypeError(f"{name} must be {number}, not {value!r}")
    if not value >= least:  # nor NaN
        raise ValueError(f"{name} must be at least {least}, not {value!r}")


_LEAST: Final = {
    "max_frame": c.MAX_FRAME_LEAST,  # C-8
    "in_flight": 1,
    "in_flight_server": 1,
    "connections": 1,
    "write_buffer": 1,
    "write_buffer_server": 1,
    "stall_seconds": 0,
    "record_seconds": 0,
    "linger_seconds": 0,
    "discard_seconds": 0,
    "connect_seconds": 0,
}
_LONGEST: Final = (1 << 8 * STREAM_PREFIX) - 1
