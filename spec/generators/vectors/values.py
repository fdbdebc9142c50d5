"""values.json: what the values of known keys mean, and which are unusable (U-1 to U-7); and values
of keys that nobody assigned (X-8)."""

from .build import (
    FALSE,
    KEYS,
    NULL,
    ODD_KEY,
    TRUE,
    Json,
    Name,
    array,
    binary_trace,
    bstr,
    mapping,
    nint,
    request,
    rule_of,
    tstr,
    uint,
    vector,
    written,
)
from .tagged import NOT_SAMPLED, UNDECIDED, context, tagged

TRACE = bstr(binary_trace())
#: Values that no known key takes but where its rule says so.
SHAPES = {
    "null": NULL,
    "true": TRUE,
    "false": FALSE,
    "zero": uint(0),
    "negative": nint(-1),
    "no-bytes": bstr(),
    "bytes": bstr(b"\0"),
    "no-text": tstr(""),
    "text": tstr("1"),
    "no-elements": array(),
    "one-element": array(uint(1)),
    "no-entries": mapping(),
    "number-to-number": mapping(uint(1), uint(1)),
}


def cases() -> list[Json]:
    return [
        *_decisions(),
        *_binary_traces("U-1", 1),
        *_binary_traces("U-7", 13),
        *_tracestates(),
        *_baggages(),
        *_numbers(),
        *_fanouts(),
        *_shapes(),
        *_several(),
        *_unknown(),
    ]


def _read(
    id: str,
    entries: list[tuple[int, bytes]],
    trace: object = UNDECIDED,
    extensions: list[tuple[Name, object]] | None = None,
    unusable: tuple[int, ...] = (),
    comment: str | None = None,
) -> Json:
    """A request with the entries given: its trace, the other values that it has, the unusable."""
    items = [part for key, item in entries for part in (uint(key), item)]
    expect = {
        "trace": trace,
        "extensions": [{"key": key, "value": tagged(value)} for key, value in extensions or []],
        "unusable": [KEYS[key] for key in unusable],
    }
    fields = {"hex": written(request(mapping(*items))), "expect": expect}
    rule = rule_of(id)
    if unusable:
        return vector(id, fields, breaks=rule, comment=comment)
    return vector(id, fields, rule, comment=comment)


def _usable(id: str, key: int, item: bytes, value: object) -> Json:
    return _read(id, [(key, item)], extensions=[(key, value)])


def _unusable(id: str, key: int, item: bytes) -> Json:
    return _read(id, [(key, item)], unusable=(key,))


def _decisions() -> list[Json]:
    return [
        _read("U-1/not-sampled", [(1, FALSE)], NOT_SAMPLED),
        _read("U-1/undecided", [(ODD_KEY, NULL)], UNDECIDED, [(ODD_KEY, None)]),
    ]


def _binary_traces(rule: str, key: int) -> list[Json]:
    """The binary trace context, in trace and in creation."""

    def good(name: str, content: bytes, meaning: Json) -> Json:
        item = bstr(content)
        case = f"{rule}/{name}"
        if key == 1:
            return _read(case, [(1, item)], meaning)
        return _usable(case, 13, item, meaning)

    def bad(name: str, content: bytes) -> Json:
        return _unusable(f"{rule}/{name}", key, bstr(content))

    made = []
    for flags in (0x00, 0x01, 0x02, 0x03, 0x80, 0xFE, 0xFF):
        made.append(good(f"flags-{flags:02x}", binary_trace(flags=flags), context(flags)))
    for version in (1, 2, 128, 254):
        for more in (0, 1, 2, 100):
            content = binary_trace(version=version) + b"\x03" * more
            made.append(good(f"version-{version}-of-{29 + more}-bytes", content, context()))
        made.append(bad(f"version-{version}-of-28-bytes", binary_trace(version=version)[:28]))
    for size in (29, 30):
        content = (binary_trace(version=255) + b"\0")[:size]
        made.append(bad(f"version-255-of-{size}-bytes", content))
    for size in (0, 1, 16, 28):
        made.append(bad(f"{size}-bytes", binary_trace()[:size]))
    for more in (1, 2, 8):
        made.append(bad(f"version-0-of-{29 + more}-bytes", binary_trace() + bytes(more)))
    for field_ids in ((1, 1, 2), (0, 0, 2), (0, 2, 2), (0, 1, 1), (0, 1, 3), (1, 0, 2)):
        digits = "".join(map(str, field_ids))
        made.append(bad(f"field-ids-{digits}", binary_trace(field_ids=field_ids)))
        later = binary_trace(field_ids=field_ids, version=1)
        made.append(bad(f"field-ids-{digits}-of-version-1", later))
    ones = (b"\0" * 15 + b"\1", b"\1" + b"\0" * 7)
    most = (b"\xff" * 16, b"\xff" * 8)
    made += [
        good("least-ids", binary_trace(*ones), context(ids=ones)),
        good("largest-ids", binary_trace(*most), context(ids=most)),
        bad("trace-id-zero", binary_trace(trace_id=bytes(16))),
        bad("parent-id-zero", binary_trace(parent_id=bytes(8))),
        bad("both-ids-zero", binary_trace(trace_id=bytes(16), parent_id=bytes(8))),
        bad("trace-id-zero-of-version-1", binary_trace(trace_id=bytes(16), version=1)),
    ]
    return made


def _tracestates() -> list[Json]:
    good = {
        "one-member": "a=1",
        "two-members": "a=1,b=2",
        "one-byte": "a",
        "512-bytes": "a=" + "x" * 510,
        "32-members": ",".join(f"m{n}=1" for n in range(32)),
        "32-empty-members": "," * 31,
        "not-a-list-of-pairs": "\x20~!",
        "spaces": "a=1 , b=2",
    }
    bad: dict[str, bytes] = {
        "empty": tstr(""),
        "513-bytes": tstr("a=" + "x" * 511),
        "33-members": tstr(",".join(f"m{n}=1" for n in range(33))),
        "33-empty-members": tstr("," * 32),
        "character-1f": tstr("a=\x1f"),
        "tab": tstr("a=1,\tb=2"),
        "character-7f": tstr("a=\x7f"),
        "beyond-ascii": tstr("a=\u00e9"),
        "newline": tstr("a=1\n"),
        "bytes": bstr(b"a=1"),
        "array": array(tstr("a=1")),
        "null": NULL,
        "number": uint(1),
    }
    made = []
    for name, text in good.items():
        entries = [(1, TRACE), (3, tstr(text))]
        made.append(_read(f"U-2/{name}", entries, context(state=text)))
    for name, item in bad.items():
        entries = [(1, TRACE), (3, item)]
        made.append(_read(f"U-2/{name}", entries, context(), unusable=(3,)))
    state = tstr("a=1")
    later = bstr(binary_trace(version=9) + b"\0")
    unsampled = bstr(binary_trace(flags=0))
    short = bstr(binary_trace()[:28])
    return [
        *made,
        _read("U-2/not-sampled-ids", [(1, unsampled), (3, state)], context(0, "a=1")),
        _read("U-2/later-version", [(1, later), (3, state)], context(state="a=1")),
        _read("U-2/without-trace", [(3, state)], unusable=(3,)),
        _read("U-2/beside-false", [(1, FALSE), (3, state)], NOT_SAMPLED, unusable=(3,)),
        _read("U-2/beside-unusable-trace", [(1, short), (3, state)], unusable=(1, 3)),
        _read("U-2/both-unusable", [(1, NULL), (3, NULL)], unusable=(1, 3)),
    ]


def _baggages() -> list[Json]:
    def pairs(entries: dict[str, str]) -> bytes:
        return mapping(*[tstr(part) for entry in entries.items() for part in entry])

    good: dict[str, dict[str, str]] = {
        "empty": {},
        "one-entry": {"k": "v"},
        "any-order": {"bb": "2", "a": "1", "c": "3"},
        "empty-value": {"k": ""},
        "not-ascii": {"\u00e9": "\U0001f409"},
        "control-characters": {"\0": "\n"},
        "64-entries": {f"k{n}": "v" for n in range(64)},
        "8192-bytes-in-a-value": {"k": "v" * 8_191},
        "8192-bytes-in-a-key": {"k" * 8_192: ""},
        "8192-bytes-in-two": {"k": "v" * 4_095, "l": "w" * 4_095},
        "8192-bytes-of-two-each": {"kk": "\u00e9" * 4_095},
    }
    bad = {
        "65-entries": pairs({f"k{n}": "v" for n in range(65)}),
        "8193-bytes-in-a-value": pairs({"k": "v" * 8_192}),
        "8193-bytes-in-a-key": pairs({"k" * 8_193: ""}),
        "8193-bytes-in-two": pairs({"k": "v" * 4_095, "l": "w" * 4_096}),
        "8193-bytes-of-two-each": pairs({"k": "\u00e9" * 4_096}),
        "empty-key": pairs({"": "v"}),
        "empty-key-last": pairs({"k": "v", "": "v"}),
        "same-key-twice": mapping(*[tstr("k"), tstr("v")] * 2),
        "same-key-apart": mapping(*[tstr(part) for part in ("k", "1", "l", "2", "k", "3")]),
        "number-as-key": mapping(uint(1), tstr("v")),
        "number-as-value": mapping(tstr("k"), uint(1)),
        "null-as-value": mapping(tstr("k"), NULL),
        "bytes-as-value": mapping(tstr("k"), bstr(b"v")),
        "map-as-value": mapping(tstr("k"), mapping(tstr("k"), tstr("v"))),
        "second-value-a-number": mapping(tstr("k"), tstr("v"), tstr("l"), uint(1)),
        "array-of-pairs": array(tstr("k"), tstr("v")),
        "header-text": tstr("k=v"),
    }
    made = [_usable(f"U-3/{name}", 5, pairs(entries), entries) for name, entries in good.items()]
    return made + [_unusable(f"U-3/{name}", 5, item) for name, item in bad.items()]


def _numbers() -> list[Json]:
    made = []
    most = 2**47
    for number in (0, 1, 23, 24, 2**32, most - 1, most):
        made.append(_usable(f"U-4/{number}", 7, uint(number), number))
    for number in (most + 1, 2**63, 2**64 - 1):
        made.append(_usable(f"U-4/{number}", 7, uint(number), most))
    for number in (0, 50, 60, 255, 256, 65_535):
        made.append(_usable(f"U-5/{number}", 9, uint(number), number))
    for number in (65_536, 2**32, 2**64 - 1):
        made.append(_unusable(f"U-5/{number}", 9, uint(number)))
    for number in (-1, -24, -(2**64)):
        made.append(_unusable(f"U-4/minus-{-number}", 7, nint(number)))
        made.append(_unusable(f"U-5/minus-{-number}", 9, nint(number)))
    return made


def _fanouts() -> list[Json]:
    most = 2**64 - 1
    good: dict[str, list[int]] = {
        "one-of-one": [1, 1],
        "all": [9, 9],
        "some": [1_000_000, 1_000],
        "largest": [most, most],
        "to-draw": [1, 1, 500],
        "more-to-draw-than-recipients": [2, 1, most],
    }
    bad = {
        "one-element": [uint(1)],
        "more-kept-than-recipients": [uint(1), uint(2)],
        "no-recipients": [uint(0), uint(0)],
        "none-kept": [uint(1), uint(0)],
        "none-to-draw": [uint(1), uint(1), uint(0)],
        "negative": [nint(-1), nint(-1)],
        "negative-to-draw": [uint(1), uint(1), nint(-1)],
        "text": [tstr("1"), tstr("1")],
        "true": [TRUE, TRUE],
        "null-to-draw": [uint(1), uint(1), NULL],
        "nested": [array(uint(1), uint(1))],
    }
    made = []
    for name, numbers in good.items():
        item = array(*[uint(number) for number in numbers])
        made.append(_usable(f"U-6/{name}", 11, item, numbers))
    for name, items in bad.items():
        made.append(_unusable(f"U-6/{name}", 11, array(*items)))
    three = (uint(9), uint(3), uint(2))
    for name, more in (("null", NULL), ("text", tstr("x")), ("zero", uint(0)), ("array", array())):
        item = array(*three, more)
        made.append(_usable(f"U-6/fourth-element-{name}", 11, item, [9, 3, 2]))
    many = array(*three, *[NULL] * 30)
    return [*made, _usable("U-6/33-elements", 11, many, [9, 3, 2])]


def _shapes() -> list[Json]:
    """Each known key with values of each type, where its rule takes none of them."""
    taken = {
        1: ("false",),
        3: ("text",),
        5: ("no-entries",),
        7: ("zero",),
        9: ("zero",),
        11: (),
        13: (),
    }
    made = []
    for at, (key, fine) in enumerate(taken.items(), start=1):
        for name, item in SHAPES.items():
            if name in fine:
                continue
            case = f"U-{at}/{KEYS[key].replace('_', '-')}-{name}"
            if key == 3:
                beside = [(1, TRACE), (3, item)]
                made.append(_read(case, beside, context(), unusable=(3,)))
            else:
                made.append(_unusable(case, key, item))
    return made


def _several() -> list[Json]:
    """One unusable value takes nothing from the others."""
    baggage, creation = mapping(tstr("k"), tstr("v")), bstr(binary_trace(flags=0))
    good = [(1, TRACE), (3, tstr("a=1")), (5, baggage), (7, uint(9)), (9, uint(50))]
    good += [(11, array(uint(2), uint(1))), (13, creation)]
    meant: list[tuple[Name, object]] = [(5, {"k": "v"}), (7, 9), (9, 50), (11, [2, 1])]
    meant.append((13, context(0)))
    made = [_read("U-1/every-known-key", good, context(state="a=1"), meant)]
    for at, (key, _) in enumerate(good, start=1):
        entries = [(k, NULL if k == key else item) for k, item in good]
        trace: object = context(state="" if key == 3 else "a=1")
        unusable: tuple[int, ...] = (key,)
        if key == 1:
            trace, unusable = UNDECIDED, (1, 3)
        rest = [(k, value) for k, value in meant if k != key]
        made.append(_read(f"U-{at}/alone-among-good-ones", entries, trace, rest, unusable))
    every = [(key, NULL) for key, _ in good]
    made.append(_read("U-1/nothing-usable", every, unusable=tuple(key for key, _ in every)))
    return made


def _unknown() -> list[Json]:
    """Values of an unknown odd key, which a program may still want to read."""
    values: dict[str, tuple[object, bytes]] = {
        "minus-one": (-1, nint(-1)),
        "minus-24": (-24, nint(-24)),
        "minus-25": (-25, nint(-25)),
        "least-of-63-bits": (-(2**63), nint(-(2**63))),
        "least": (-(2**64), nint(-(2**64))),
        "beyond-63-bits": (2**63, uint(2**63)),
        "largest": (2**64 - 1, uint(2**64 - 1)),
        "bytes": (b"\0\xff", bstr(b"\0\xff")),
        "text": ("\u20ac", tstr("\u20ac")),
        "booleans-and-null": ([False, True, None], array(FALSE, TRUE, NULL)),
        "nothing": ([[], {}, b"", ""], array(array(), mapping(), bstr(), tstr(""))),
        "map": (
            {"k": [1, -1], 7: {0: b"\1"}},
            mapping(*(tstr("k"), array(uint(1), nint(-1)), uint(7), mapping(uint(0), bstr(b"\1")))),
        ),
    }
    return [
        _usable(f"X-8/read-{name}", ODD_KEY, item, value) for name, (value, item) in values.items()
    ]
