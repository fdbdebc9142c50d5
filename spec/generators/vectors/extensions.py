"""frames.json, the extension map: entries, keys, order, size and depth (X-1 to X-10)."""

from .build import (
    EVEN_KEY,
    FALSE,
    NULL,
    ODD,
    ODD_KEY,
    OTHER_KIND,
    TRUE,
    Json,
    Name,
    accepted,
    array,
    binary_trace,
    bstr,
    cut_short,
    head,
    key_of,
    mapping,
    nint,
    refused,
    request,
    tstr,
    uint,
)

FIELDS = (0, 1, "a", b"")
READ = (0, 1)

#: The five-element frame up to its extension map.
OPEN = request(b"\x00")[:-1]

#: As many bytes as an extension map may have.
MAP_BYTES = 16_384


def cases() -> list[Json]:
    return [
        *_entries(),
        *_sizes(),
        *_keys(),
        *_order(),
        *_values(),
        *_depths(),
        *_nested_keys(),
        *_unknown(),
    ]


def _with(id: str, *entries: tuple[Name, bytes], obeys: str = "") -> Json:
    """A request with the entries given, their keys in their shortest form."""
    items = [part for key, item in entries for part in (key_of(key), item)]
    return accepted(id, request(mapping(*items)), FIELDS, entries, obeys)


def _many(count: int) -> list[tuple[int, bytes]]:
    return [(ODD_KEY + 2 * n, NULL) for n in range(count)]


def _entries() -> list[Json]:
    made = [_with(f"X-2/{count}-entries", *_many(count)) for count in (1, 2, 23, 24, 63, 64)]
    items = [part for key, item in _many(65) for part in (uint(key), item)]
    made += [
        refused("X-2/empty", OPEN, mapping(), read=READ),
        refused("X-2/65-entries", OPEN, mapping(*items), read=READ),
    ]
    for count in (65, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1):
        made.append(refused(f"X-2/{count}-entries-told", OPEN, head(5, count), read=READ))
    made.append(cut_short("F-1/64-entries-told", OPEN + head(5, 64), READ))
    return made


def _sizes() -> list[Json]:
    """Maps of 16,384 bytes and of one more, in one entry and in several."""
    made = []
    one = 1 + len(ODD) + 3  # the head of the map, the key, and the head of the value
    for size in (MAP_BYTES - 1, MAP_BYTES):
        for name, content in (("bytes", bstr), ("text", lambda data: tstr(data))):
            item = content(b"x" * (size - one))
            made.append(_with(f"X-3/{name}-in-a-map-of-{size}", (ODD_KEY, item)))
    for size in (MAP_BYTES - 1, MAP_BYTES):
        made.append(_with(f"X-3/24-entries-of-{size}", *_wide(size)))
    half = bstr(b"x" * 8_188)  # 8,191 bytes
    last = MAP_BYTES - 1 - (len(ODD) + len(half)) - len(ODD)
    made.append(
        _with("X-3/two-entries-of-16384", (ODD_KEY, half), (ODD_KEY + 2, bstr(b"y" * (last - 3))))
    )
    sixteen = [(ODD_KEY + 2 * n, bstr(bytes(1_015))) for n in range(16)]  # 1,023 bytes each
    made.append(_with("X-3/seventeen-entries-of-16384", *sixteen, (2**32 - 1, bstr(bytes(9)))))
    small = array(*[NULL] * (MAP_BYTES - one))
    made.append(_with("X-3/many-elements", (ODD_KEY, small)))
    over = MAP_BYTES + 1
    too_long = {
        "bytes": mapping(uint(ODD_KEY), bstr(b"x" * (over - one))),
        "text": mapping(uint(ODD_KEY), tstr(b"x" * (over - one))),
        "elements": mapping(uint(ODD_KEY), array(*[NULL] * (over - one))),
        "two-entries": mapping(uint(ODD_KEY), half, uint(ODD_KEY + 2), bstr(b"y" * (last - 2))),
        "24-entries": _wide_map(over),
        "in-the-first-of-two": mapping(uint(ODD_KEY), bstr(b"x" * 16_400), uint(ODD_KEY + 2), NULL),
        "by-a-key": mapping(uint(ODD_KEY), bstr(b"x" * 16_300), tstr("k" * 64), bstr(bytes(16))),
        "by-the-last-entry": mapping(
            *[part for key, item in sixteen for part in (uint(key), item)],
            uint(2**32 - 1),
            bstr(bytes(10)),
        ),
    }
    for name, item in too_long.items():
        made.append(refused(f"X-3/{name}", OPEN, item, read=READ))
    return made


def _wide(size: int) -> list[tuple[Name, bytes]]:
    """24 entries, so that the head of the map has two bytes, which make so many in all."""
    nulls: list[tuple[Name, bytes]] = list(_many(23))
    rest = size - 2 - 23 * (len(ODD) + 1) - len(ODD) - 3
    return [*nulls, (ODD_KEY + 46, bstr(bytes(rest)))]


def _wide_map(size: int) -> bytes:
    return mapping(*[part for key, item in _wide(size) for part in (key_of(key), item)])


def _read_keys() -> list[Json]:
    """Keys that may be assigned one day are read, whatever their values will mean."""
    made = []
    for key in (23, 24, 255, 256, 65_535, 65_536):
        before = OPEN + b"\xa1" + uint(key)
        made.append(refused(f"X-8/after-key-{key}", before, b"\xf7", read=READ))
    ascending = (23, 24, 255, 256, 65_535, 65_536)
    opening = OPEN + b"\xa7" + b"".join(uint(key) + NULL for key in ascending)
    made.append(refused("X-4/after-keys-of-every-width", opening, NULL, NULL, READ))
    for smaller, key in zip(ascending, ascending[1:], strict=False):
        opening = OPEN + b"\xa2" + uint(key) + NULL
        made.append(refused(f"X-7/{smaller}-after-{key}", opening, uint(smaller), NULL, READ))
    return made


def _keys() -> list[Json]:
    made = _read_keys()
    for key in (ODD_KEY, 2**31 - 1, 2**32 - 1):
        made.append(_with(f"X-5/key-{key}", (key, NULL), obeys="X-4"))
    for key in (EVEN_KEY, 2**31, 2**32 - 2):
        made.append(_with(f"X-5/even-key-{key}", (key, NULL), obeys="X-4"))
    for key in (0, 2**32, 2**32 + 1, 2**64 - 1):
        made.append(refused(f"X-5/key-{key}", OPEN + b"\xa1", uint(key), NULL, READ))
    for size in (1, 23, 24, 63, 64):
        made.append(_with(f"X-6/{size}-bytes", ("k" * size, NULL), obeys="X-4"))
    made.append(_with("X-6/32-characters-of-64-bytes", ("\u00e9" * 32, NULL)))
    wide = tstr("\u00e9" * 32 + "e")
    made.append(refused("X-6/33-characters-of-65-bytes", OPEN + b"\xa1", wide, NULL, READ))
    for size in (0, 65, 255, 256):
        made.append(refused(f"X-6/{size}-bytes", OPEN + b"\xa1", tstr("k" * size), NULL, READ))
    for size in (65, 65_535, 65_536, 2**32, 2**64 - 1):
        made.append(refused(f"X-6/{size}-bytes-told", OPEN + b"\xa1", head(3, size), read=READ))
    return made


def _order() -> list[Json]:
    ascending: dict[str, tuple[Name, ...]] = {
        "numbers": (1, 3),
        "in-four-bytes": (ODD_KEY, ODD_KEY + 2, 2**32 - 1),
        "number-before-text": (2**32 - 1, "a"),
        "shorter-text-first": ("z", "aa"),
        "text-over-a-byte": ("z" * 23, "a" * 24),
        "text": ("aa", "ab"),
        "bytes-above-7f": ("z", "\u00e9"),
        "not-by-code-unit": ("\uffff", "\U00010000"),
        "prefix": ("a\0", "a\0\0"),
    }
    made = []
    for name, keys in ascending.items():
        entries = [(key, NULL) for key in keys]
        made.append(_with(f"X-7/{name}", *entries))
        before, last = keys[:-1], keys[-1]
        bad = ((last, keys[0]), (keys[0], keys[0]))
        for shape, (first, second) in zip(("backwards", "twice"), bad, strict=True):
            opening = OPEN + b"\xa2" + key_of(first) + NULL
            made.append(refused(f"X-7/{name}-{shape}", opening, key_of(second), NULL, READ))
        if len(before) > 1:
            opening = OPEN + b"\xa3" + b"".join(key_of(key) + NULL for key in keys[-2:])
            made.append(refused(f"X-7/{name}-third", opening, key_of(keys[0]), NULL, READ))
    return made


def _values() -> list[Json]:
    values = {
        "zero": uint(0),
        "largest": uint(2**64 - 1),
        "beyond-63-bits": uint(2**63),
        "minus-one": nint(-1),
        "least": nint(-(2**64)),
        "least-of-63-bits": nint(-(2**63)),
        "below-63-bits": nint(-(2**63) - 1),
        "no-bytes": bstr(),
        "bytes": bstr(b"\0\xff"),
        "no-text": tstr(""),
        "text": tstr("\u20ac"),
        "false": FALSE,
        "true": TRUE,
        "null": NULL,
        "no-elements": array(),
        "no-entries": mapping(),
        "array": array(uint(1), nint(-1), bstr(), tstr(""), FALSE, TRUE, NULL, array(), mapping()),
        "map": mapping(uint(1), array(FALSE), tstr("a"), mapping(uint(0), bstr(b"\0"))),
        "trace-alike": bstr(binary_trace()),
    }
    made = []
    for name, item in values.items():
        made.append(_with(f"X-8/{name}", (ODD_KEY, item)))
        made.append(_with(f"X-8/{name}-under-text", ("app", item)))
        made.append(_with(f"X-8/{name}-nested", (ODD_KEY, array(NULL, mapping(tstr("k"), item)))))
    return made


def _wrap(shape: str, depth: int, inside: bytes) -> bytes:
    """``inside`` in ``depth`` containers of one element, all arrays, all maps, or in turn."""
    opening = {"arrays": (b"\x81",), "maps": (b"\xa1\x00",), "mixed": (b"\x81", b"\xa1\x61k")}[
        shape
    ]
    return b"".join(opening[level % len(opening)] for level in range(depth)) + inside


def _depths() -> list[Json]:
    made = []
    for shape in ("arrays", "maps", "mixed"):
        for depth in (1, 2, 15, 16):
            item = _wrap(shape, depth, NULL)
            made.append(_with(f"X-9/{shape}-{depth}-deep", (ODD_KEY, item)))
        opening = OPEN + b"\xa1" + ODD + _wrap(shape, 16, b"")
        for name, fault in (
            ("array", array()),
            ("map", mapping()),
            ("array-of-one", b"\x81"),
            ("map-of-one", b"\xa1"),
            ("long-array", head(4, 2**64 - 1)),
        ):
            made.append(refused(f"X-9/{shape}-17-deep-{name}", opening, fault, read=READ))
        hostile = _wrap(shape, 2_000, b"")
        deep = refused(f"X-9/{shape}-2000-deep", opening, hostile, read=READ)
        made.append(deep | {"comment": "a reader that calls itself needs a count of its own"})
    empty = _wrap("arrays", 15, array())
    made.append(_with("X-9/empty-array-16-deep", (ODD_KEY, empty)))
    empty = _wrap("maps", 15, mapping())
    made.append(_with("X-9/empty-map-16-deep", (ODD_KEY, empty)))
    siblings = array(*[_wrap("arrays", 15, NULL)] * 3)
    made.append(_with("X-9/three-siblings-16-deep", (ODD_KEY, siblings), (ODD_KEY + 2, siblings)))
    opening = OPEN + b"\xa1" + ODD + b"\x82" + _wrap("arrays", 15, NULL) + _wrap("maps", 15, b"")
    made.append(refused("X-9/second-sibling-17-deep", opening, array(), read=READ))
    return made


def _nested_keys() -> list[Json]:
    """Inside a value keys are free in order, number and length."""
    maps = {
        "any-order": mapping(tstr("b"), NULL, uint(7), NULL, tstr("a"), NULL, uint(1), NULL),
        "twice": mapping(uint(1), NULL, uint(1), TRUE),
        "zero": mapping(uint(0), NULL),
        "largest": mapping(uint(2**64 - 1), NULL),
        "empty-text": mapping(tstr(""), NULL),
        "65-bytes": mapping(tstr("k" * 65), NULL),
        "65-entries": mapping(*[part for n in range(65) for part in (uint(n), NULL)]),
    }
    made = [_with(f"X-10/{name}", (ODD_KEY, item)) for name, item in maps.items()]
    deepest = OPEN + b"\xa1" + ODD + _wrap("arrays", 15, b"\xa1")
    for name, fault in (("array", array()), ("map", mapping())):
        made.append(refused(f"X-10/{name}-in-the-deepest-map", deepest, fault, NULL, READ))
    wrong = {
        "negative": nint(-1),
        "bytes": bstr(b"k"),
        "array": array(),
        "map": mapping(),
        "null": NULL,
        "false": FALSE,
    }
    for name, fault in wrong.items():
        opening = OPEN + b"\xa1" + ODD + b"\x81\xa2\x00\xf6"
        made.append(refused(f"X-10/second-key-{name}", opening, fault, NULL, READ))
    return made


def _unknown() -> list[Json]:
    """What a peer of today reads of the future: keys, values and kinds that nobody assigned."""
    grease = [(ODD_KEY, array(uint(1), mapping(tstr("x"), NULL))), (2**32 - 1, bstr(b"\xff" * 9))]
    known = [(1, bstr(binary_trace())), (3, tstr("a=1")), (5, mapping(tstr("k"), tstr("v")))]
    timing = [(7, uint(10**6)), (9, uint(50)), (11, array(uint(9), uint(3)))]
    made = [
        _with("X-5/grease", *grease),
        _with("X-7/every-known-key", *known, *timing, (13, bstr(binary_trace()))),
        _with("X-7/known-keys-and-grease", *known, *grease, ("app", TRUE)),
        _with("X-5/unknown-even-key", (EVEN_KEY, NULL), (2**32 - 2, NULL), obeys="X-7"),
    ]
    for kind in (OTHER_KIND, 65_535):
        items = [part for key, item in grease for part in (uint(key), item)]
        data = request(mapping(*items))
        greased = data[:4] + uint(kind) + data[5:]
        case = f"F-15/kind-{kind}-with-grease"
        made.append(accepted(case, greased, (kind, 1, "a", b""), grease))
    return made
