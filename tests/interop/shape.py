"""Whether a value that a decoder of CBOR read is a frame: sections 2 and 3 of the specification,
said of values instead of bytes. It shares nothing with the codecs, which judge bytes."""

from collections.abc import Mapping
from itertools import chain

import cbor2

TAG = 54_519
UINT16 = (1 << 16) - 1
UINT32 = (1 << 32) - 1
UINT64 = (1 << 64) - 1


def is_frame(read: object) -> bool:
    if not isinstance(read, cbor2.CBORTag) or read.tag != TAG:
        return False
    if not isinstance(read.value, (list, tuple)) or len(read.value) not in (4, 5):
        return False
    kind, id, target, payload, *extensions = read.value
    return (
        _is_uint(kind, 0, UINT16)
        and _is_id(kind, id)
        and _is_target(kind, target)
        and isinstance(payload, bytes)
        and all(map(_are_extensions, extensions))
    )


def _is_uint(read: object, least: int, most: int) -> bool:
    return type(read) is int and least <= read <= most


def _is_text(read: object, least: int, most: int) -> bool:
    return isinstance(read, str) and least <= len(read.encode()) <= most


def _is_id(kind: int, id: object) -> bool:
    if kind in (2, 3, 4):
        return _is_uint(id, 0, 0)
    return _is_uint(id, 1 if kind < 8 else 0, UINT32)


def _is_target(kind: int, target: object) -> bool:
    if kind in (0, 2):
        return _is_text(target, 1 if kind == 0 else 0, 255)
    if kind == 1:
        return _is_uint(target, 0, UINT32)
    if kind < 8:
        return _is_uint(target, 0, 0)
    return _is_text(target, 0, 255) or _is_uint(target, 0, UINT32)


def _are_extensions(read: object) -> bool:
    if not isinstance(read, Mapping) or not 1 <= len(read) <= 64:
        return False
    keys = all(_is_uint(key, 1, UINT32) or _is_text(key, 1, 64) for key in read)
    return keys and all(_is_value(value, 16) for value in read.values()) and _is_short(read)


def _is_value(read: object, levels: int) -> bool:
    """``levels``: how many containers, one in the other, it may be."""
    if isinstance(read, Mapping):
        inner = chain(read, read.values())
        keys = all(_is_uint(key, 0, UINT64) or isinstance(key, str) for key in read)
        return keys and levels > 0 and all(_is_value(each, levels - 1) for each in inner)
    if isinstance(read, (list, tuple)):
        return levels > 0 and all(_is_value(each, levels - 1) for each in read)
    if type(read) is int:
        return -UINT64 - 1 <= read <= UINT64
    return read is None or type(read) in (bool, str, bytes)


def _is_short(extensions: object) -> bool:
    return len(cbor2.dumps(extensions)) <= 16_384
