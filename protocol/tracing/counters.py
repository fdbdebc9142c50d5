"""What tracing itself does: counts for this process, as a snapshot and as metrics."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from weakref import WeakSet

from tracewire.codec import counters

from ..fence import FENCE
from .semconv import meter_of

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation


class SelfCost:
    """Counts that only grow. Nothing else is kept, so one addition is all that a message pays.

    A thread cannot lose a count of another: CPython does not switch inside ``+= 1`` on a slot.
    """

    __slots__ = (
        "carriers_shed",
        "carriers_unusable",
        "continued",
        "decoded",
        "fanouts_thinned",
        "rerooted",
        "roots_refused",
        "sampler_ignores_parent",
        "skipped",
        "undecided",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    carriers_shed: int
    carriers_unusable: int
    continued: int
    decoded: int
    fanouts_thinned: int
    rerooted: int
    roots_refused: int
    sampler_ignores_parent: int
    skipped: int
    undecided: int


COST = SelfCost()
_exported: "WeakSet[MeterProvider]" = WeakSet()


def self_cost() -> dict[str, int]:
    """A snapshot of this process's counts, those of `tracewire.codec.counters` among them.

    ``peeked``: messages whose decision was read. Of them ``skipped`` were not sampled,
    ``undecided`` had no context and ``continued`` were sampled. ``decoded``: contexts whose ids
    were really made. ``rerooted``: contexts of strangers that a root replaced; ``roots_refused``:
    roots over the rate (T-7). ``fanouts_thinned``: recipients drawn as not sampled (T-11).
    ``sampler_ignores_parent``: sampled spans below a message that was decided not sampled.
    ``carriers_shed``, ``carriers_unusable``: text carriers of foreign propagators left out, unread.
    ``foreign_failures``: what code of others raised where it could break no call.

    Returns:
        Counts by name, a copy. They only grow, and are of the whole process, whoever traces in it.
    """
    counts = {name: getattr(COST, name) for name in COST.__slots__}
    counts["peeked"] = COST.skipped + COST.undecided + COST.continued
    counts["foreign_failures"] = FENCE.failures
    return counts | counters()


def export_self_cost(meter_provider: "MeterProvider") -> None:
    """Reports the counts as one observable counter, an attribute naming the count."""
    if meter_provider in _exported:
        return
    _exported.add(meter_provider)
    meter_of(meter_provider).create_observable_counter(
        "tracewire.self_cost.events",
        callbacks=[_observe],
        unit="{event}",
        description="What carrying trace context did to messages",
    )


def _observe(options: "CallbackOptions") -> "Iterable[Observation]":
    from opentelemetry.metrics import Observation

    return [Observation(count, {"tracewire.event": name}) for name, count in self_cost().items()]
