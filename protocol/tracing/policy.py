"""What a sender says of its trace: the table of section 8 of the specification."""

from typing import Final, Literal, NamedTuple

from tracewire.codec import NOT_SAMPLED
from tracewire.codec.trace import NotSampled

Propagate = Literal["ids", "decision", "sampled-only", "off"]


class Policy(NamedTuple):
    """``on``: whether anything is sent. ``ids``: whether the ids of what is not sampled are.
    ``not_sampled``: what says *not sampled* where no ids are sent. An undecided trace is sent as
    no key under any of them (T-4)."""

    on: bool
    ids: bool
    not_sampled: NotSampled | None


POLICIES: Final[dict[Propagate, Policy]] = {
    "ids": Policy(True, True, NOT_SAMPLED),
    "decision": Policy(True, False, NOT_SAMPLED),
    "sampled-only": Policy(True, False, None),
    "off": Policy(False, False, None),
}
