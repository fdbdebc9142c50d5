"""The numbers of connections, as spec/registry.toml assigns them; the words of options, checked."""

from enum import IntEnum
from typing import Final, Literal, TypeVar, get_args

_T = TypeVar("_T")

GENERATION: Final = 2

# Limits of the format of connections; the rule that sets each stands in registry.toml.
MAX_FRAME_LEAST: Final = 65_536
AGENT_BYTES: Final = 64
ERROR_BYTES: Final = 4_096
INVALID_RECORDS: Final = 16
LINGER_SECONDS: Final = 5
DISCARD_SECONDS: Final = 1
PING_STRIKES: Final = 3
PING_INTERVAL_SECONDS: Final = 1
RECORD_SECONDS: Final = 30
IN_FLIGHT_CONNECTION: Final = 1_000
IN_FLIGHT_SERVER: Final = 10_000
FANOUT_NUMBER: Final = 9_007_199_254_740_992

# Waiting and stalls (section 7.10), in bytes and seconds.
UNQUEUED_BYTES: Final = 1_048_576
WRITE_BUFFER: Final = 67_108_864
QUEUED_BYTES: Final = 64
WRITE_BUFFER_SERVER: Final = 1_073_741_824
STALL_BYTES: Final = 65_536
STALL_SECONDS: Final = 30
STALL_IDLE_TIMES: Final = 6

#: Methods and text keys that begin so are the specification's. N-3
RESERVED_PREFIX: Final = "tracewire."


#: What a listener reads, or a connector that knows no better (section 5.4).
Mode = Literal["framed", "both", "bare"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

#: Whose trace context counts (section 8.1).
Trust = Literal["parent", "link", "ignore"]
TRUSTS: Final[tuple[Trust, ...]] = get_args(Trust)


def one_of(what: str, word: object, words: tuple[_T, ...]) -> _T:
    """The word; ValueError, naming those that there are, where it is none of them."""
    for each in words:
        if word == each:
            return each
    raise ValueError(f"{what} must be one of {words}, not {word!r}")


def instance_of(what: str, value: object, type: type[_T]) -> _T:
    """The value; TypeError where it is of another type."""
    if not isinstance(value, type):
        raise TypeError(f"{what} must be of type {type.__name__}, not {value!r}")
    return value


class HelloKey(IntEnum):
    """Keys of a hello's payload (section 7.2)."""

    GENERATION = 0
    EVEN_KEYS = 1
    KINDS = 2
    MAX_FRAME = 3
    AGENT = 4


class GoawayKey(IntEnum):
    """Keys of a goaway's payload (section 7.5)."""

    LAST_ID = 0
    STATUS = 1
    TEXT = 2


class ErrorKey(IntEnum):
    """Keys of an error's body (section 7.7)."""

    MESSAGE = 0
    DETAILS = 1
    EXECUTED = 2
    TRUNCATED = 3


class Executed(IntEnum):
    """Whether the call that failed ran (section 7.7)."""

    NO = 0
    MAYBE = 1
    YES = 2
