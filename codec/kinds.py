"""The kinds of frames, one row each: what id and target they have, and whether relays pass them on.

Both halves ask whether a kind is in one of the sets below, or look its row up.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from . import constants as c
from .constants import Kind
from .item import TSTR, UINT


class KindRow(NamedTuple):
    """What is known of a kind. ``id_rule`` and ``target_rule``: the rules that a frame of this kind
    breaks whose id or target is another one.

    ``relayed``: a relay passes it on and may give it another trace (L-3).
    """

    kind: Kind
    id_rule: str
    target_rule: str
    relayed: bool = False


ROWS: Final = (
    KindRow(Kind.REQUEST, "F-9", "F-11", relayed=True),
    KindRow(Kind.RESPONSE, "F-9", "F-13", relayed=True),
    KindRow(Kind.NOTIFICATION, "F-10", "F-12", relayed=True),
    KindRow(Kind.HELLO, "F-10", "F-14"),
    KindRow(Kind.GOAWAY, "F-10", "F-14"),
    KindRow(Kind.CANCEL, "F-9", "F-14"),
    KindRow(Kind.PING, "F-9", "F-14"),
    KindRow(Kind.PONG, "F-9", "F-14"),
)

KINDS: Final = frozenset(Kind)
NUMBERED: Final = frozenset(row.kind for row in ROWS if row.id_rule == "F-9")
UNNUMBERED: Final = frozenset(row.kind for row in ROWS if row.id_rule == "F-10")
RELAYED: Final = frozenset(row.kind for row in ROWS if row.relayed)
TARGET_RULES: Final[Mapping[int, str]] = {row.kind: row.target_rule for row in ROWS}


def id_fault(kind: int, id: int) -> str | None:
    """The rule that an id breaks, given the kind."""
    if kind in NUMBERED and id == 0:
        return "F-9"  # F-9
    if kind in UNNUMBERED and id != 0:
        return "F-10"  # F-10
    return None


def target_fault(kind: int, major: int, argument: int) -> str | None:
    """The rule that a target of this type and number or length breaks, given the kind."""
    text = major == TSTR and argument <= c.MAX_TARGET_BYTES
    number = major == UINT and argument <= c.MAX_TARGET_NUMBER
    rule = TARGET_RULES.get(kind, "F-15")
    fine = {
        "F-11": text and argument > 0,  # F-11
        "F-12": text,  # F-12
        "F-13": number,  # F-13
        "F-14": number and argument == 0,  # F-14
        "F-15": text or number,  # F-15
    }
    return None if fine[rule] else rule
