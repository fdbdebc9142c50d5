"""All cases of live peers, in the specification's order."""

from tracewire.spec.specification import read_rules

from . import peer_connection, peer_end, peer_errors, peer_hello, peer_records
from .asking import CASES
from .case import Case

__all__ = [
    "live_cases",
    "peer_connection",
    "peer_end",
    "peer_errors",
    "peer_hello",
    "peer_records",
]


def live_cases() -> list[Case]:
    order = {rule.id: place for place, rule in enumerate(read_rules())}
    return sorted(CASES, key=lambda case: order[case.rule])
