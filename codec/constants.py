"""The numbers of the format, as spec/registry.toml assigns them. Both codecs read them here."""

from enum import IntEnum
from typing import Final


class Kind(IntEnum):
    """What a frame is for (specification, section 2)."""

    REQUEST = 0
    RESPONSE = 1
    NOTIFICATION = 2
    HELLO = 3
    GOAWAY = 4
    CANCEL = 5
    PING = 6
    PONG = 7


class Status(IntEnum):
    """How a call ended: gRPC's codes (specification, section 2.2)."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


MAGIC: Final = bytes.fromhex("d9d4f7")  # the head of tag 54519

# Keys of the extension map that code asks for by name; keys.py has a row for each that is assigned.
TRACE: Final = 1
TRACESTATE: Final = 3
BAGGAGE: Final = 5
TIMEOUT: Final = 7
CONTENT_FORMAT: Final = 9
FANOUT: Final = 11
CREATION: Final = 13

# Limits; the rule that sets each stands in registry.toml.
MAX_KIND: Final = 65_535
MAX_ID: Final = 4_294_967_295
MAX_TARGET_BYTES: Final = 255
MAX_TARGET_NUMBER: Final = 4_294_967_295
MAX_EXTENSION_ENTRIES: Final = 64
MAX_EXTENSION_BYTES: Final = 16_384
MAX_EXTENSION_KEY: Final = 4_294_967_295
MAX_EXTENSION_KEY_BYTES: Final = 64
MAX_VALUE_DEPTH: Final = 16
TRACE_BYTES: Final = 29
MAX_TRACE_VERSION: Final = 254
MAX_TRACESTATE_BYTES: Final = 512
MAX_TRACESTATE_MEMBERS: Final = 32
LONG_TRACESTATE_MEMBER: Final = 128
MAX_BAGGAGE_ENTRIES: Final = 64
MAX_BAGGAGE_BYTES: Final = 8_192
MAX_TIMEOUT: Final = 140_737_488_355_328
MAX_CONTENT_FORMAT: Final = 65_535
STREAM_PREFIX: Final = 4
MAX_FRAME: Final = 4_194_304
