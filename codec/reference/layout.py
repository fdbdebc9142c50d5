"""Where the fields of a frame lie: sections 2.1 and 3 of the specification, in one pass."""

from dataclasses import dataclass
from typing import NamedTuple

from .. import constants as c
from ..item import ARRAY, BSTR, MAP, TSTR, UINT, Cursor
from ..kinds import id_fault, target_fault


class Entry(NamedTuple):
    """One extension: where its key begins, and its value as encoded."""

    offset: int
    data: bytes


Entries = dict[int | str, Entry]


@dataclass(frozen=True, slots=True)
class Layout:
    """A valid frame's fields; ``kind`` is None for a bare message."""

    kind: int | None
    id: int
    target: str | int
    payload: slice
    entries: Entries  # in the order of the frame


def read_layout(data: bytes) -> Layout:
    """The fields of the frame in ``data``. FrameError names the first violation and where it is."""
    cursor = Cursor(data)
    extended = _read_array(cursor)
    kind = _read_kind(cursor)
    id = _read_id(cursor, kind)
    target = _read_target(cursor, kind)
    payload = _read_payload(cursor)
    entries = _read_entries(cursor) if extended else {}
    if cursor.offset != len(data):
        cursor.field = None
        cursor.fail("F-18", cursor.offset)  # F-18
    return Layout(kind, id, target, payload, entries)


def _read_array(cursor: Cursor) -> bool:
    """Whether the frame has a fifth element."""
    cursor.field = "tag"
    for expected in c.MAGIC:
        if cursor.take(1)[0] != expected:
            cursor.fail("F-5")  # F-5
    cursor.field = "array"
    if (head := cursor.head()) not in ((ARRAY, 4), (ARRAY, 5)):
        cursor.fail("F-6")  # F-6
    return head[1] == 5


def _read_kind(cursor: Cursor) -> int:
    cursor.field = "kind"
    major, kind = cursor.head()
    if major != UINT or kind > c.MAX_KIND:
        cursor.fail("F-7")  # F-7
    cursor.kind = kind
    return kind


def _read_id(cursor: Cursor, kind: int) -> int:
    cursor.field = "id"
    major, id = cursor.head()
    if major != UINT or id > c.MAX_ID:
        cursor.fail("F-8")  # F-8
    if (rule := id_fault(kind, id)) is not None:
        cursor.fail(rule)
    cursor.id = id
    return id


def _read_target(cursor: Cursor, kind: int) -> str | int:
    cursor.field = "target"
    major, argument = cursor.head()
    if (rule := target_fault(kind, major, argument)) is not None:
        cursor.fail(rule)
    return cursor.text(argument) if major == TSTR else argument


def _read_payload(cursor: Cursor) -> slice:
    cursor.field = "payload"
    major, length = cursor.head()
    if major != BSTR:
        cursor.fail("F-17")  # F-17
    start = cursor.offset
    cursor.take(length)
    return slice(start, cursor.offset)


def _read_entries(cursor: Cursor) -> Entries:
    cursor.field = "extensions"
    start = cursor.offset
    major, count = cursor.head()
    if major != MAP:
        cursor.fail("X-1")
    if not 1 <= count <= c.MAX_EXTENSION_ENTRIES:
        cursor.fail("X-2")
    entries: Entries = {}
    last = b""
    for _ in range(count):
        cursor.field = "extension key"
        key_at = cursor.offset
        key = _read_key(cursor)
        encoded = cursor.data[key_at : cursor.offset]
        if encoded <= last:
            cursor.fail("X-7")
        last = encoded
        cursor.field = "extension value"
        value_at = cursor.offset
        cursor.value()
        entries[key] = Entry(key_at, cursor.data[value_at : cursor.offset])
        if cursor.offset - start > c.MAX_EXTENSION_BYTES:
            cursor.field = "extensions"
            cursor.fail("X-3", start)
    return entries


def _read_key(cursor: Cursor) -> int | str:
    major, argument = cursor.head()
    if major == UINT:
        if not 1 <= argument <= c.MAX_EXTENSION_KEY:
            cursor.fail("X-5")
        return argument
    if major != TSTR:
        cursor.fail("X-4")
    if not 1 <= argument <= c.MAX_EXTENSION_KEY_BYTES:
        cursor.fail("X-6")
    return cursor.text(argument)
