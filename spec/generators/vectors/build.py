"""Byte-level builders of CBOR, and the notation in which vectors are written down.

Nothing here knows what makes a frame valid: that is stated by hand, case by case, in the other
modules of this package. None of them imports the codec.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

UINT, NINT, BSTR, TSTR, ARRAY, MAP, TAG = range(7)

#: Every width that an argument can have, in bytes; 0 is inside the first byte.
WIDTHS = (0, 1, 2, 4, 8)

Json = dict[str, object]
Name = int | str

REGISTRY: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "registry.toml").read_text())
#: Names of keys and kinds by their numbers.
KEYS = {number: name for name, number in REGISTRY["keys"].items() if name != "ranges"}
KINDS = {number: name for name, number in REGISTRY["kinds"].items()}

#: What vectors take for not assigned, which it will stay (section 3.3): an odd key and those two,
#: four and more above it, an even one likewise, and a kind and those above it.
ODD_KEY = REGISTRY["unassigned"]["odd_keys_from"]
EVEN_KEY = REGISTRY["unassigned"]["even_keys_from"]
OTHER_KIND = REGISTRY["unassigned"]["kinds_from"]

_RUN = re.compile(rb"(.)\1{47,}", re.DOTALL)


def head(major: int, argument: int, width: int | None = None) -> bytes:
    """A head with its argument in ``width`` bytes, by default as few as will do."""
    if width is None:
        room = {0: 24, 1: 1 << 8, 2: 1 << 16, 4: 1 << 32, 8: 1 << 64}
        width = next(width for width in WIDTHS if argument < room[width])
    if width == 0:
        return bytes([major << 5 | argument])
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | info]) + argument.to_bytes(width, "big")


def uint(number: int) -> bytes:
    return head(UINT, number)


def nint(number: int) -> bytes:
    """A negative number."""
    return head(NINT, -1 - number)


def bstr(content: bytes = b"") -> bytes:
    return head(BSTR, len(content)) + content


def tstr(content: str | bytes) -> bytes:
    """Text; given as bytes where it is not UTF-8."""
    encoded = content.encode() if isinstance(content, str) else content
    return head(TSTR, len(encoded)) + encoded


def array(*items: bytes) -> bytes:
    return head(ARRAY, len(items)) + b"".join(items)


def mapping(*items: bytes) -> bytes:
    """A map of keys and values in turn, in the order given."""
    return head(MAP, len(items) // 2) + b"".join(items)


FALSE, TRUE, NULL, UNDEFINED = b"\xf4", b"\xf5", b"\xf6", b"\xf7"


def key_of(name: Name) -> bytes:
    """An extension key."""
    return tstr(name) if isinstance(name, str) else uint(name)


#: The odd key that is not assigned, as encoded: 5 bytes.
ODD = uint(ODD_KEY)

#: The head of tag 54519.
MAGIC = bytes.fromhex("d9d4f7")


def frame(*items: bytes) -> bytes:
    return MAGIC + array(*items)


def request(extensions: bytes = b"") -> bytes:
    """The request 1 of method "a" with an empty payload, and the extension map given."""
    items = (uint(0), uint(1), tstr("a"), bstr())
    return frame(*items, extensions) if extensions else frame(*items)


#: Where the extension map of ``request`` begins.
REQUEST_MAP = 9

TRACE_ID = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")
PARENT_ID = bytes.fromhex("00f067aa0ba902b7")


def binary_trace(
    trace_id: bytes = TRACE_ID,
    parent_id: bytes = PARENT_ID,
    flags: int = 1,
    version: int = 0,
    field_ids: tuple[int, int, int] = (0, 1, 2),
) -> bytes:
    """The binary trace context, with everything in it open to change."""
    first, second, third = (bytes([field]) for field in field_ids)
    parts = (bytes([version]), first, trace_id, second, parent_id, third, bytes([flags]))
    return b"".join(parts)


def written(data: bytes) -> str | list[str | Json]:
    """The notation of bytes: hex, or a list of parts where a byte is repeated 48 times or more."""
    parts: list[str | Json] = []
    end = 0
    for run in _RUN.finditer(data):
        parts += [data[end : run.start()].hex()] if run.start() > end else []
        parts.append({"repeat": run[1].hex(), "times": len(run[0])})
        end = run.end()
    if not parts:
        return data.hex()
    return parts + ([data[end:].hex()] if end < len(data) else [])


def error(rule: str, offset: int | None, kind: int | None = None, id: int | None = None) -> Json:
    """The error that a reader names."""
    return {"rule": rule, "offset": offset, "kind": kind, "id": id}


def vector(
    id: str,
    fields: Mapping[str, object],
    obeys: str = "",
    breaks: str | None = None,
    comment: str | None = None,
) -> Json:
    """One vector; the rules that it obeys are given as one string, between spaces."""
    made: Json = {"id": id}
    if obeys:
        made["obeys"] = obeys.split()
    if breaks:
        made["breaks"] = breaks
    if comment:
        made["comment"] = comment
    return {**made, **fields}


def rule_of(id: str) -> str:
    """The rule that an id begins with."""
    return id.split("/", 1)[0]


def accepted(
    id: str,
    data: bytes,
    fields: tuple[int, int, Name, bytes],
    extensions: Sequence[tuple[Name, bytes]] = (),
    obeys: str = "",
    comment: str | None = None,
) -> Json:
    """A valid frame: its kind, id, target and payload, and its extensions as encoded."""
    kind, frame_id, target, payload = fields
    entries = [{"key": key, "item": written(item)} for key, item in extensions]
    expected = {
        "kind": kind,
        "id": frame_id,
        "target": target,
        "payload": written(payload),
        "extensions": entries,
    }
    expect = {"hex": written(data), "expect": {"frame": expected}}
    return vector(id, expect, f"{rule_of(id)} {obeys}", comment=comment)


def refused(
    id: str,
    before: bytes,
    fault: bytes,
    after: bytes = b"",
    read: tuple[int | None, int | None] = (None, None),
    comment: str | None = None,
) -> Json:
    """An invalid frame: what stands before the item that breaks the rule, that item, and the rest.

    ``read``: the kind and the id, None where they are not read before the fault.
    """
    rule = rule_of(id)
    expect = {"error": error(rule, len(before), *read)}
    fields = {"hex": written(before + fault + after), "expect": expect}
    return vector(id, fields, breaks=rule, comment=comment)


def cut_short(
    id: str, data: bytes, read: tuple[int | None, int | None], comment: str | None = None
) -> Json:
    """An input that ends too early: F-1 at its length."""
    return refused(id, data, b"", read=read, comment=comment)
