"""What the codec passed over in silence: context shed by encoders, values unusable to readers."""

from threading import Lock

from .keys import KEYS, ROWS, SHED

_lock = Lock()
_counts = {
    **{f"shed_{row.name}": 0 for row in ROWS if row.number in SHED},
    **{f"unusable_{row.name}": 0 for row in ROWS},
}


def counters() -> dict[str, int]:
    """A snapshot of this process's counts, all of which only grow.

    ``shed_*``: members of tracestate, entries of baggage, and whole keys that encoders left out
    (E-2 to E-5, E-13), and traces that a frame had no room for when it was restamped (L-5).
    ``unusable_*``: values of known keys that were read as absent (G-7), once for each frame.
    """
    with _lock:
        return dict(_counts)


def count_shed(key: int, amount: int) -> None:
    _count(f"shed_{KEYS[key].name}", amount)


def count_unusable(key: int) -> None:
    _count(f"unusable_{KEYS[key].name}", 1)


def _count(name: str, amount: int) -> None:
    with _lock:
        _counts[name] += amount
