"""What connections put on the wire beside frames: payloads of hello, goaway and errors, which are
CBOR maps of the value subset (sections 7.2, 7.5, 7.7), and timeouts (7.8)."""

from collections.abc import Mapping
from typing import Final, TypeGuard

from tracewire.codec.constants import MAX_EXTENSION_BYTES, MAX_TIMEOUT, TIMEOUT
from tracewire.codec.errors import FrameError
from tracewire.codec.value import RawItem, encode_value

_MICROSECONDS: Final = 1_000_000  # of a second


def write_map(fields: Mapping[int, object]) -> bytes:
    """The map as bytes, by the rules for extension values. Keys whose value is None are left out.

    Raises TypeError or FrameError for a value outside the subset.
    """
    return encode_value({key: value for key, value in fields.items() if value is not None})


def read_map(payload: bytes) -> dict[object, object] | None:
    """The map, the first of duplicate keys counting; None if the payload is no such map.

    Neither is one that is longer than extensions may be: reading it would take too long.
    """
    if len(payload) > MAX_EXTENSION_BYTES:
        return None
    try:
        value = RawItem(payload).value
    except FrameError:
        return None
    return value if isinstance(value, dict) else None


def is_uint(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_timeout(extensions: Mapping[int | str, object]) -> float | None:
    """Seconds that were left when it was sent; None without a usable timeout. U-4"""
    value = extensions.get(TIMEOUT)
    return value / _MICROSECONDS if isinstance(value, int) else None


def write_timeout(seconds: float) -> int:
    """Microseconds, rounded down; below 1 the deadline has passed."""
    microseconds = seconds * _MICROSECONDS
    return MAX_TIMEOUT if microseconds >= MAX_TIMEOUT else int(microseconds)
