"""frames.json, heads: each fault of a head in each place where an item can stand (F-1 to F-4),
each wrong type there, and frames cut short at every byte."""

from typing import NamedTuple

from .build import (
    BSTR,
    FALSE,
    MAGIC,
    MAP,
    NINT,
    NULL,
    ODD,
    ODD_KEY,
    OTHER_KIND,
    TAG,
    TRUE,
    TSTR,
    UINT,
    UNDEFINED,
    Json,
    Name,
    accepted,
    array,
    binary_trace,
    bstr,
    cut_short,
    head,
    mapping,
    nint,
    refused,
    request,
    tstr,
    uint,
)


class ItemPlace(NamedTuple):
    """Where an item can stand: the bytes around it, what is read before it, and the rule that a
    wrong type breaks there."""

    before: bytes
    after: bytes
    read: tuple[int | None, int | None]
    type_rule: str
    types: tuple[int, ...]  # the major types that are right there


FOUR, FIVE = MAGIC + b"\x84", MAGIC + b"\x85"
VALUE = (UINT, NINT, BSTR, TSTR, 4, MAP)

PLACES = {
    "array": ItemPlace(MAGIC, b"\x00\x01\x61a\x40", (None, None), "F-6", (4,)),
    "kind": ItemPlace(FOUR, b"\x01\x61a\x40", (None, None), "F-7", (UINT,)),
    "id": ItemPlace(FOUR + b"\x00", b"\x61a\x40", (0, None), "F-8", (UINT,)),
    "target": ItemPlace(FOUR + b"\x00\x01", b"\x40", (0, 1), "F-11", (TSTR,)),
    "status": ItemPlace(FOUR + b"\x01\x01", b"\x40", (1, 1), "F-13", (UINT,)),
    "notification": ItemPlace(FOUR + b"\x02\x00", b"\x40", (2, 0), "F-12", (TSTR,)),
    "hello": ItemPlace(FOUR + b"\x03\x00", b"\x40", (3, 0), "F-14", (UINT,)),
    "cancel": ItemPlace(FOUR + b"\x05\x01", b"\x40", (5, 1), "F-14", (UINT,)),
    "unknown-kind": ItemPlace(
        FOUR + uint(OTHER_KIND) + b"\x01", b"\x40", (OTHER_KIND, 1), "F-15", (UINT, TSTR)
    ),
    "payload": ItemPlace(FOUR + b"\x00\x01\x61a", b"", (0, 1), "F-17", (BSTR,)),
    "extensions": ItemPlace(request(b"\x00")[:-1], b"", (0, 1), "X-1", (MAP,)),
    "key": ItemPlace(request(b"\xa1"), FALSE, (0, 1), "X-4", (UINT, TSTR)),
    "second-key": ItemPlace(request(b"\xa2\x01\xf4"), FALSE, (0, 1), "X-4", (UINT, TSTR)),
    "value": ItemPlace(request(b"\xa1" + ODD), b"", (0, 1), "X-8", VALUE),
    "element": ItemPlace(request(b"\xa1" + ODD + b"\x82\x00"), b"", (0, 1), "X-8", VALUE),
    "nested-key": ItemPlace(request(b"\xa1" + ODD + b"\xa1"), FALSE, (0, 1), "X-10", (UINT, TSTR)),
    "nested-value": ItemPlace(request(b"\xa1" + ODD + b"\xa1\x00"), b"", (0, 1), "X-8", VALUE),
}

MAJORS = ("uint", "nint", "bstr", "tstr", "array", "map", "tag")

#: 28 to 30 in every major type, and 31 where it is no indefinite length.
MALFORMED = [
    major << 5 | info
    for major in range(8)
    for info in (28, 29, 30, 31)
    if info != 31 or major in (0, 1, 6, 7)
]
INDEFINITE = (0x5F, 0x7F, 0x9F, 0xBF)

#: Items of every type, none of them nested.
ITEMS = {
    "uint": uint(1),
    "nint": nint(-1),
    "bstr": bstr(b"a"),
    "tstr": tstr("a"),
    "array": array(),
    "map": mapping(),
    "tag": b"\xc1\x00",
    "tag-in-two-bytes": b"\xd8\x18\x40",
    "tag-of-frames": MAGIC + b"\x00",
    "false": FALSE,
    "true": TRUE,
    "null": NULL,
    "undefined": UNDEFINED,
    "simple-0": b"\xe0",
    "simple-19": b"\xf3",
    "simple-32": b"\xf8\x20",
    "simple-255": b"\xf8\xff",
    "float16": b"\xf9\x3c\x00",
    "float32": b"\xfa\x3f\x80\x00\x00",
    "float64": b"\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    # Floats whose argument is that of false, true or null.
    **{
        f"float{8 * size}-{number}": bytes([0xF8 + at]) + number.to_bytes(size, "big")
        for at, size in ((1, 2), (2, 4), (3, 8))
        for number in (20, 21, 22)
    },
}
SCALARS = ("false", "true", "null")


def cases() -> list[Json]:
    made = []
    for name, place in PLACES.items():
        made += _malformed(name, place)
        made += _indefinite(name, place)
        made += _long_forms(name, place)
        made += _cut_heads(name, place)
        made += _types(name, place)
    return [*made, *_well_formed(), *_cuts(), *_lengths_told()]


def _malformed(name: str, place: ItemPlace) -> list[Json]:
    before, after, read, _, _ = place
    made = [
        refused(f"F-2/{name}-{byte:02x}", before, bytes([byte]), after, read) for byte in MALFORMED
    ]
    for byte in (0x1C, 0x3F, 0xDE, 0xFF):
        case = f"F-2/{name}-{byte:02x}-and-no-more"
        made.append(refused(case, before, bytes([byte]), read=read))
    simple = range(32) if name in ("value", "kind") else (0, 20, 24, 31)
    for number in simple:
        fault = bytes([0xF8, number])
        made.append(refused(f"F-2/{name}-f8{number:02x}", before, fault, after, read))
    return made


def _indefinite(name: str, place: ItemPlace) -> list[Json]:
    before, after, read, _, _ = place
    made = []
    for byte in INDEFINITE:
        fault = bytes([byte])
        made.append(refused(f"F-3/{name}-{byte:02x}", before, fault, b"\xff" + after, read))
        made.append(refused(f"F-3/{name}-{byte:02x}-and-no-more", before, fault, read=read))
    return made


def _long_forms(name: str, place: ItemPlace) -> list[Json]:
    before, after, read, _, types = place
    made = []
    for major, type_name in enumerate(MAJORS):
        longer: tuple[tuple[int, int], ...] = ((0, 1), (255, 2))
        if major in types:
            every = ((23, 1), (0, 2), (0, 4), (65_535, 4), (0, 8), (2**32 - 1, 8))
            longer += every
        for argument, width in longer:
            case = f"F-4/{name}-{type_name}-{argument}-in-{width}"
            made.append(refused(case, before, head(major, argument, width), after, read))
    return made


def _cut_heads(name: str, place: ItemPlace) -> list[Json]:
    """Heads whose argument is not all there; F-1 comes before F-4 and before the type."""
    made = [cut_short(f"F-1/{name}-no-head", place.before, place.read)]
    for major in range(8):
        every = major in (place.types[0], 7)
        for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)) if every else ((24, 1),):
            first = bytes([major << 5 | info])
            for missing in {size, 1}:
                data = place.before + first + bytes(size - missing)
                case = f"F-1/{name}-{first.hex()}-{missing}-short"
                made.append(cut_short(case, data, place.read))
    return sorted(made, key=lambda case: str(case["id"]))


def _types(name: str, place: ItemPlace) -> list[Json]:
    before, after, read, rule, types = place
    made = []
    for item_name, item in ITEMS.items():
        scalar = item_name in SCALARS and MAP in types and len(types) > 1
        if item[0] >> 5 in types or scalar:
            continue
        made.append(refused(f"{rule}/{name}-{item_name}", before, item, after, read))
    return made


def _well_formed() -> list[Json]:
    """Heads in every width that is the shortest, in each place."""
    made = []
    fields = (0, 1, "a", b"")
    numbers = (0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
    for number in numbers:
        for name, item in (("uint", uint(number)), ("nint", nint(-1 - number))):
            data = request(mapping(uint(ODD_KEY), item))
            made.append(
                accepted(f"F-4/value-{name}-{number}", data, fields, [(ODD_KEY, item)], "F-2")
            )
        nested = mapping(uint(number), NULL)
        data = request(mapping(uint(ODD_KEY), nested))
        case = f"F-4/nested-key-{number}"
        made.append(accepted(case, data, fields, [(ODD_KEY, nested)], "F-2 X-10"))
    for size in (0, 1, 23, 24, 255, 256, 4_095, 4_096, 4_097):
        for name, item in (
            ("bstr", bstr(b"v" * size)),
            ("tstr", tstr("v" * size)),
            ("array", array(*[NULL] * size)),
            ("map", mapping(*[uint(0), NULL] * size)),
            ("map-with-text-key", mapping(tstr("k" * size), NULL)),
        ):
            data = request(mapping(uint(ODD_KEY), item))
            made.append(
                accepted(f"F-3/{name}-of-{size}", data, fields, [(ODD_KEY, item)], "F-1 F-4")
            )
    return made


def _cuts() -> list[Json]:
    """Frames cut after each of their bytes."""
    trace = bstr(binary_trace())
    nested = mapping(tstr("k"), array(uint(1), mapping(uint(256), bstr(b"\0")), tstr("\u20ac")))
    frames = {
        "base": (request(), 5, 6),
        "hello": (FOUR + b"\x03\x00\x00" + bstr(b"\xa1\x00\x02"), 5, 6),
        "trace": (request(mapping(uint(1), trace)), 5, 6),
        "nested": (request(mapping(uint(ODD_KEY), nested, tstr("app"), nint(-500))), 5, 6),
        "wide": (
            FIVE
            + uint(65_535)
            + uint(2**32 - 1)
            + uint(2**32 - 1)
            + bstr(bytes(24))
            + mapping(uint(2**32 - 1), uint(2**64 - 1)),
            7,
            12,
        ),
    }
    kinds = {
        "base": (0, 1),
        "hello": (3, 0),
        "trace": (0, 1),
        "nested": (0, 1),
        "wide": (65_535, 2**32 - 1),
    }
    made = []
    for name, (data, kind_end, id_end) in frames.items():
        kind, id = kinds[name]
        for length in range(len(data)):
            read = (kind if length >= kind_end else None, id if length >= id_end else None)
            made.append(cut_short(f"F-1/{name}-cut-at-{length}", data[:length], read))
    whole = frames["wide"][0]
    fields = (65_535, 2**32 - 1, 2**32 - 1, bytes(24))
    entries = [(2**32 - 1, uint(2**64 - 1))]
    nested_map: list[tuple[Name, bytes]] = [(ODD_KEY, nested), ("app", nint(-500))]
    return [
        *made,
        accepted("F-1/wide-whole", whole, fields, entries),
        accepted("F-1/nested-whole", frames["nested"][0], (0, 1, "a", b""), nested_map),
        accepted("F-1/trace-whole", frames["trace"][0], (0, 1, "a", b""), [(1, trace)]),
    ]


def _lengths_told() -> list[Json]:
    """Lengths that the input does not keep: nothing is to be allocated for them."""
    made = []
    payload, value = PLACES["payload"], PLACES["value"]
    for size in (1, 23, 24, 255, 256, 65_535, 65_536, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1):
        for name, place, major in (
            ("payload", payload, BSTR),
            ("value-bstr", value, BSTR),
            ("value-tstr", value, TSTR),
            ("value-array", value, 4),
            ("value-map", value, MAP),
            ("nested-key", PLACES["nested-key"], TSTR),
        ):
            data = place.before + head(major, size)
            made.append(cut_short(f"F-1/{name}-of-{size}-told", data, place.read))
            if size > 1 and major in (BSTR, TSTR):
                case = f"F-1/{name}-of-{size}-told-one-there"
                made.append(cut_short(case, data + b"a", place.read))
    for size in (4_095, 4_096, 4_097, 65_536):
        data = payload.before + head(BSTR, size) + bytes(size - 1)
        made.append(cut_short(f"F-1/payload-of-{size}-one-short", data, payload.read))
    for width, tag in ((1, 24), (2, 54_519), (4, 2**32 - 1)):
        case = f"F-1/value-tag-in-{width}-short"
        made.append(cut_short(case, value.before + head(TAG, tag)[:-1], value.read))
    return made
