"""The assigned extension keys, one row each (specification, section 3.4).

Counters, readers, writers, both halves, the tool and the suite read these rows; a key that gets one
is known to all of them.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from . import constants as c
from . import usable
from .usable import Uint


class Key(NamedTuple):
    """What is known of a key.

    ``name``: as in registry.toml and in the counters. ``rule``: tells its usable values from
    others. ``read``: what an encoded value means, None where it is unusable; where it is a Uint, a
    plain number is the value, and where it is `usable.trace_ids` a TraceContext. ``sheds``: its
    place in the order in which context leaves a full map (E-5); None where an encoder refuses what
    is unusable (E-9).
    """

    number: int
    name: str
    rule: str
    read: Callable[[bytes], object]
    sheds: int | None = None


ROWS: Final = (
    Key(c.TRACE, "trace", "U-1", usable.trace_ids, sheds=4),
    Key(c.TRACESTATE, "tracestate", "U-2", usable.tracestate, sheds=1),
    Key(c.BAGGAGE, "baggage", "U-3", usable.baggage, sheds=2),
    Key(c.TIMEOUT, "timeout", "U-4", Uint(read_as=c.MAX_TIMEOUT)),
    Key(c.CONTENT_FORMAT, "content_format", "U-5", Uint(most=c.MAX_CONTENT_FORMAT)),
    Key(c.FANOUT, "fanout", "U-6", usable.fanout),
    Key(c.CREATION, "creation", "U-7", usable.trace_ids, sheds=3),
)

#: The keys that the specification may assign (N-1).
SPECIFIED: Final = range(1, 65_536)

#: The rows by number; text keys and numbers that nobody assigned have none.
KEYS: Final[Mapping[object, Key]] = {row.number: row for row in ROWS}

#: The keys that hold the trace: `Frame.trace` gives them, `Frame.extensions` does not.
TRACED: Final = (c.TRACE, c.TRACESTATE)

#: The other keys whose value is a TraceContext.
CONTEXTS: Final = tuple(
    row.number for row in ROWS if row.read is usable.trace_ids and row.number not in TRACED
)


def _shed_order() -> tuple[int, ...]:
    places = sorted((row.sheds, row.number) for row in ROWS if row.sheds is not None)
    return tuple(number for _, number in places)


#: The order in which context leaves a map that is over its limits. E-5
SHED_ORDER: Final = _shed_order()

#: The keys that encoders leave out and count: a fanout goes with its trace. E-5, E-13
SHED: Final = (*SHED_ORDER, c.FANOUT)
