"""All cases of live peers and of callers, in the specification's order."""

from tracewire.spec.specification import read_rules

from . import (
    caller_calls,
    caller_ends,
    peer_connection,
    peer_end,
    peer_errors,
    peer_hello,
    peer_records,
)
from .asking import CASES
from .calling import CASES as CALLER_CASES
from .case import Case

#: The modules whose cases are registered where they are loaded.
__all__ = [
    "caller_calls",
    "caller_cases",
    "caller_ends",
    "live_cases",
    "peer_connection",
    "peer_end",
    "peer_errors",
    "peer_hello",
    "peer_records",
]


def live_cases() -> list[Case]:
    """What a peer is asked that is called."""
    return _in_order(CASES)


def caller_cases() -> list[Case]:
    """What a caller is asked."""
    return _in_order(CALLER_CASES)


def _in_order(cases: list[Case]) -> list[Case]:
    order = {rule.id: place for place, rule in enumerate(read_rules())}
    return sorted(cases, key=lambda case: order[case.rule])
