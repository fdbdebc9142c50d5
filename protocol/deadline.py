"""Deadlines on the wire: the timeout key, in whole microseconds (C-24)."""

from collections.abc import Mapping
from typing import Final

from tracewire.codec.constants import MAX_TIMEOUT, TIMEOUT

_MICROSECONDS: Final = 1_000_000


def read_timeout(extensions: Mapping[int | str, object]) -> float | None:
    """Seconds that were left when it was sent; None without a usable timeout. U-4"""
    value = extensions.get(TIMEOUT)
    return value / _MICROSECONDS if isinstance(value, int) else None


def write_timeout(seconds: float) -> int:
    """Microseconds, rounded down; below 1 the deadline has passed."""
    microseconds = seconds * _MICROSECONDS
    return MAX_TIMEOUT if microseconds >= MAX_TIMEOUT else int(microseconds)
