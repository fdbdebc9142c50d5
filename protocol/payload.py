"""Payloads of hello, goaway and errors: CBOR maps of the value subset (sections 7.2, 7.5, 7.7)."""

from collections.abc import Mapping
from typing import TypeGuard

from tracewire.codec.constants import MAX_EXTENSION_BYTES
from tracewire.codec.errors import FrameError
from tracewire.codec.value import RawItem, encode_value


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
