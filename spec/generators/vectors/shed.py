"""encode.json, what an encoder sheds of tracestate, baggage and a full map (E-2, E-3, E-5)."""

from collections.abc import Mapping

from .build import (
    FALSE,
    NULL,
    ODD,
    ODD_KEY,
    Json,
    Name,
    array,
    binary_trace,
    bstr,
    mapping,
    request,
    tstr,
    uint,
)
from .encode import arguments, refuses, writes
from .tagged import NOT_SAMPLED, context

TRACE = bstr(binary_trace())
ROOM = 16_384


def cases() -> list[Json]:
    return [
        *_tracestates(),
        *_baggages(),
        *_entries(),
        *_bytes(),
        *_encoded(),
        *_both_limits(),
        *_fanouts(),
    ]


def _stated(name: str, given: str, kept: str, shed: int, comment: str | None = None) -> Json:
    """A tracestate given, and what is written of it."""
    entries = [uint(1), TRACE] + ([uint(3), tstr(kept)] if kept else [])
    counted = {"tracestate": shed} if shed else {}
    given_arguments = arguments(trace=context(state=given))
    return writes(
        f"E-2/{name}", given_arguments, request(mapping(*entries)), counted, "E-7", comment
    )


def _tracestates() -> list[Json]:
    def members(count: int) -> list[str]:
        return [f"m{n}=1" for n in range(count)]

    long, longest = "l=" + "x" * 127, "k=" + "y" * 126  # 129 and 128 bytes
    hundred = [f"{n}=" + "z" * 98 for n in range(6)]  # 100 bytes each
    five = ",".join(hundred[:5])  # 504 bytes
    four = ",".join(hundred[:4])  # 403 bytes
    return [
        _stated("kept", "a=1,b=2", "a=1,b=2", 0),
        _stated("spaces-kept", " a=1 , b=2", " a=1 , b=2", 0),
        _stated("not-pairs-kept", "a,=,b", "a,=,b", 0),
        _stated("empty-members", ",a=1,,b=2,", "a=1,b=2", 3),
        _stated("tab", "a=1,b=\t,c=3", "a=1,c=3", 1),
        _stated("character-1f", "a=1,\x1f", "a=1", 1),
        _stated("character-7f", "\x7f,a=1", "a=1", 1),
        _stated("characters-20-and-7e", "\x20,\x7e", "\x20,\x7e", 0),
        _stated("beyond-ascii", "\u00e9=1,a=1", "a=1", 1),
        _stated("lone-surrogate", "a=1,\ud800", "a=1", 1),
        _stated("nothing-left", "\t,\u00e9", "", 2),
        _stated("32-members", ",".join(members(32)), ",".join(members(32)), 0),
        _stated("33-members", ",".join(members(33)), ",".join(members(32)), 1),
        _stated("40-members", ",".join(members(40)), ",".join(members(32)), 8),
        _stated(
            "33-members-one-of-them-bad",
            ",".join([*members(32), "\t"]),
            ",".join(members(32)),
            1,
        ),
        _stated(
            "33-members-the-first-long",
            ",".join([long, *members(32)]),
            ",".join(members(32)),
            1,
            "a long member goes first, wherever it stands",
        ),
        _stated("512-bytes", five + ",b=45678", five + ",b=45678"[:8], 0),
        _stated("513-bytes", five + ",b=456789", five, 1),
        _stated("512-bytes-after-two", f"{four},{'e' * 108},f=1,g=1", f"{four},{'e' * 108}", 2),
        _stated("513-bytes-after-two", f"{four},{'e' * 109},f=1,g=1", four, 3),
        _stated("one-member-of-512-bytes", "a=" + "x" * 510, "a=" + "x" * 510, 0),
        _stated("one-member-of-513-bytes", "a=" + "x" * 511, "", 1),
        _stated("long-member-first", f"a=1,{long},{five}", f"a=1,{five}", 1),
        _stated("rightmost-of-two-long", f"{long},a=1,{long},{five}", f"a=1,{five}", 2),
        _stated(
            "rightmost-long-is-enough",
            f"{long},a=1,{long},{','.join(hundred[:3])}",
            f"{long},a=1,{','.join(hundred[:3])}",
            1,
        ),
        _stated(
            "128-bytes-are-not-long", f"{longest},{five}", f"{longest},{','.join(hundred[:3])}", 2
        ),
        _stated("rightmost-until-it-fits", ",".join(hundred), five, 1),
    ]


def _bagged(
    name: str,
    given: Mapping[str, object] | Mapping[int | str, object],
    kept: dict[str, str],
    shed: int,
    comment: str | None = None,
) -> Json:
    """A baggage given, and what is written of it, in that order."""
    pairs = [tstr(part) for entry in kept.items() for part in entry]
    data = request(mapping(uint(5), mapping(*pairs))) if kept else request()
    counted = {"baggage": shed} if shed else {}
    given_arguments = arguments(extensions={5: given})
    return writes(f"E-3/{name}", given_arguments, data, counted, "E-8", comment)


def _baggages() -> list[Json]:
    def many(count: int) -> dict[str, str]:
        return {f"k{n:02}": "v" for n in range(count)}

    backwards = dict(reversed(many(65).items()))
    numbered: dict[int | str, object] = {1: "v", "k": "v"}
    return [
        _bagged("kept", {"k": "v"}, {"k": "v"}, 0),
        _bagged("sorted", {"bb": "1", "z": "2", "a": "3"}, {"a": "3", "z": "2", "bb": "1"}, 0),
        _bagged("empty-value-kept", {"k": ""}, {"k": ""}, 0),
        _bagged("not-ascii-kept", {"\u00e9": "\U0001f409"}, {"\u00e9": "\U0001f409"}, 0),
        _bagged("empty-key", {"": "v", "k": "v"}, {"k": "v"}, 1),
        _bagged("number-as-key", numbered, {"k": "v"}, 1),
        _bagged("number-as-value", {"n": 1, "k": "v"}, {"k": "v"}, 1),
        _bagged("null-as-value", {"n": None, "k": "v"}, {"k": "v"}, 1),
        _bagged("bytes-as-value", {"n": b"v", "k": "v"}, {"k": "v"}, 1),
        _bagged("surrogate-in-key", {"\ud800": "v", "k": "v"}, {"k": "v"}, 1),
        _bagged("surrogate-in-value", {"n": "\udfff", "k": "v"}, {"k": "v"}, 1),
        _bagged("64-entries", many(64), many(64), 0),
        _bagged("65-entries", backwards, many(64), 1),
        _bagged("70-entries", many(70), many(64), 6),
        _bagged("65-entries-one-of-them-bad", many(64) | {"": "v"}, many(64), 1),
        _bagged("8192-bytes", {"k": "v" * 8_191}, {"k": "v" * 8_191}, 0),
        _bagged("8193-bytes", {"k": "v" * 8_192}, {}, 1),
        _bagged("8192-bytes-in-two", {"a": "v" * 8_189, "b": "w"}, {"a": "v" * 8_189, "b": "w"}, 0),
        _bagged("8193-bytes-in-two", {"a": "v" * 8_190, "b": "w"}, {"b": "w"}, 1),
        _bagged("8193-bytes-of-two-each", {"k": "\u00e9" * 4_096}, {}, 1),
        _bagged("sorted-by-bytes", {"\u00e9": "1", "zz": "2"}, {"zz": "2", "\u00e9": "1"}, 0),
        _bagged(
            "not-by-code-unit",
            {"\U00010000": "1", "\uffffz": "2"},
            {"\uffffz": "2", "\U00010000": "1"},
            0,
        ),
        *_largest(),
    ]


def _largest() -> list[Json]:
    """Baggage of too many bytes loses its largest entries, and of equals the last."""
    small = {"a": "1", "z": "2"}
    many = {f"k{n:02}": "v" for n in range(66)}
    fill = {f"f{n:02}": "v" * 252 for n in range(31)}  # 255 bytes each
    over_both = many | {"big": "v" * 8_192}
    return [
        _bagged("largest-in-the-middle", small | {"m": "v" * 8_192}, small, 1),
        _bagged("largest-key", small | {"m" * 8_192: "v"}, small, 1),
        _bagged(
            "largest-by-bytes",
            {"a": "\u00e9" * 3_000, "b": "v" * 4_000},
            {"b": "v" * 4_000},
            1,
            "6,001 bytes are more than 4,001, though 3,001 characters are fewer",
        ),
        _bagged(
            "second-largest-stays",
            small | {"m": "v" * 8_000, "n": "v" * 8_100, "o": "v" * 180},
            {"a": "1", "m": "v" * 8_000, "o": "v" * 180, "z": "2"},
            1,
        ),
        _bagged(
            "largest-until-it-fits",
            {"a": "v" * 5_000, "b": "v" * 6_000, "c": "v" * 7_000, "d": "w"},
            {"a": "v" * 5_000, "d": "w"},
            2,
        ),
        _bagged(
            "last-of-equals",
            {"c": "v" * 4_100, "b": "v" * 4_100, "a": "w"},
            {"a": "w", "b": "v" * 4_100},
            1,
        ),
        _bagged(
            "heads-are-not-counted",
            fill | {"a": "v" * 256, "bb": "v" * 255},
            {"a": "v" * 256} | fill,
            1,
            "257 bytes each, though the first has one more with its heads",
        ),
        _bagged("8193-bytes-by-one", {"a": "v" * 8_190, "b": "ww"}, {"b": "ww"}, 1),
        _bagged(
            "bytes-before-entries",
            dict(sorted(over_both.items())),
            {key: "v" for key in list(many)[:64]},
            3,
            "the large one, then the last two",
        ),
        _bagged("equals-in-any-order", {"b": "", "a": ""} | {"": ""}, {"a": "", "b": ""}, 1),
    ]


def _others(count: int) -> dict[Name, object]:
    return {2 * n + ODD_KEY: None for n in range(count)}


def _items(keys: dict[Name, object]) -> list[bytes]:
    return [part for key in keys for part in (uint(int(key)), NULL)]


def _entries() -> list[Json]:
    """A map over 64 entries: tracestate, baggage, creation, trace, in this order."""
    known: dict[Name, object] = {5: {"a": "1", "b": "2"}, 13: context(0)}
    state, creation = "x=1,y=2", bstr(binary_trace(flags=0))
    items = {
        1: TRACE,
        3: tstr(state),
        5: mapping(tstr("a"), tstr("1"), tstr("b"), tstr("2")),
        13: creation,
    }
    sheds: tuple[tuple[int, tuple[int, ...], dict[str, int]], ...] = (
        (60, (1, 3, 5, 13), {}),
        (61, (1, 5, 13), {"tracestate": 2}),
        (62, (1, 13), {"tracestate": 2, "baggage": 2}),
        (63, (1,), {"tracestate": 2, "baggage": 2, "creation": 1}),
        (64, (), {"tracestate": 2, "baggage": 2, "creation": 1, "trace": 1}),
    )
    made = []
    for count, kept, shed in sheds:
        others = _others(count)
        given = arguments(trace=context(state=state), extensions=known | others)
        entries = [part for key in kept for part in (uint(key), items[key])]
        data = request(mapping(*entries, *_items(others)))
        made.append(writes(f"E-5/{count}-other-entries", given, data, shed))
    others = _others(64)
    full = request(mapping(*_items(others)))
    decided = arguments(trace=NOT_SAMPLED, extensions=others)
    made.append(writes("E-5/not-sampled-and-64-others", decided, full, {"trace": 1}))
    others = _others(63)
    decided = arguments(trace=NOT_SAMPLED, extensions=others)
    data = request(mapping(uint(1), FALSE, *_items(others)))
    made.append(writes("E-5/not-sampled-and-63-others", decided, data))
    return made


def _filler(rest: int) -> bytes:
    """What an odd key holds where ``rest`` bytes are to be left in a map of 16,384."""
    return bytes(ROOM - 1 - len(ODD) - 3 - rest)  # the map's head; the key; the head of its value


def _bytes() -> list[Json]:
    """A map over 16,384 bytes. Trace takes 32 bytes, a tracestate 2 and its members."""
    state = "a=1,b=2,c=3"
    trace = (uint(1), TRACE)
    made = []
    sheds: tuple[tuple[int, str, int], ...] = (
        (32 + 13, "a=1,b=2,c=3", 0),
        (32 + 12, "a=1,b=2", 1),
        (32 + 9, "a=1,b=2", 1),
        (32 + 8, "a=1", 2),
        (32 + 5, "a=1", 2),
        (32 + 4, "", 3),
        (32, "", 3),
    )
    for rest, kept, shed in sheds:
        filler = _filler(rest)
        entries = [*trace, *([uint(3), tstr(kept)] if kept else []), uint(ODD_KEY), bstr(filler)]
        given = arguments(trace=context(state=state), extensions={ODD_KEY: filler})
        counted = {"tracestate": shed} if shed else {}
        made.append(writes(f"E-5/{rest}-bytes-left", given, request(mapping(*entries)), counted))
    filler = _filler(31)
    given = arguments(trace=context(state=state), extensions={ODD_KEY: filler})
    alone = request(mapping(uint(ODD_KEY), bstr(filler)))
    made.append(writes("E-5/31-bytes-left", given, alone, {"tracestate": 3, "trace": 1}))
    for rest, entries in ((2, [uint(1), FALSE]), (1, [])):
        filler = _filler(rest)
        data = request(mapping(*entries, uint(ODD_KEY), bstr(filler)))
        decided = arguments(trace=NOT_SAMPLED, extensions={ODD_KEY: filler})
        counted = {} if entries else {"trace": 1}
        made.append(writes(f"E-5/not-sampled-and-{rest}-bytes-left", decided, data, counted))
    return [
        *made,
        *_wide_maps(),
        *_baggage_bytes(),
        *_largest_in_the_map(),
        *_long_member(),
        *_creation_bytes(),
    ]


def _wide_maps() -> list[Json]:
    """The 24th entry makes the head of the map longer by a byte."""
    made = []
    nulls: dict[Name, object] = {ODD_KEY + 2 * n: None for n in range(22)}
    last = ODD_KEY + 44
    for size, kept in ((ROOM, True), (ROOM + 1, False)):
        room = size - 2 - 32 - 22 * (len(ODD) + 1) - len(ODD) - 3
        others = nulls | {last: bytes(room)}
        items = [*_items(nulls), uint(last), bstr(bytes(room))]
        data = request(mapping(*([uint(1), TRACE] if kept else []), *items))
        given = arguments(trace=context(), extensions=others)
        counted = {} if kept else {"trace": 1}
        made.append(writes(f"E-5/trace-as-the-24th-entry-of-{size}", given, data, counted))
        longer = nulls | {last: bytes(room + 32 - len(ODD) - 1), last + 2: None}
        alone = arguments(extensions=longer)
        if kept:
            entries = [*_items(nulls), uint(last), bstr(bytes(room + 26)), uint(last + 2), NULL]
            made.append(writes("X-3/given-24-entries", alone, request(mapping(*entries))))
        else:
            made.append(refuses("X-3/given-24-entries-and-a-byte", alone, "E-6"))
    return made


def _largest_in_the_map() -> list[Json]:
    """The largest entries of a baggage go first where the map has no room for it."""
    baggage = {"a": "1", "m": "v" * 40, "z": "2"}
    kept = mapping(tstr("a"), tstr("1"), tstr("z"), tstr("2"))
    made = []
    for room, left, shed in ((0, kept, 1), (-1, mapping(tstr("a"), tstr("1")), 2)):
        filler = _filler(1 + len(kept) + room)
        given = arguments(extensions={ODD_KEY: filler, 5: baggage})
        data = request(mapping(uint(5), left, uint(ODD_KEY), bstr(filler)))
        case = f"E-5/largest-of-baggage-{shed}"
        made.append(writes(case, given, data, {"baggage": shed}, "E-3"))
    return made


def _baggage_bytes() -> list[Json]:
    """Baggage loses its last entries in encoded order, however they were given."""
    trace = (uint(1), TRACE)
    made = []
    for rest, kept, shed in ((32 + 14, "abc", 0), (32 + 13, "ab", 1), (32 + 5, "", 3)):
        filler = _filler(rest)
        baggage = mapping(*[part for key in kept for part in (tstr(key), tstr("1"))])
        entries = [*trace, *([uint(5), baggage] if kept else []), uint(ODD_KEY), bstr(filler)]
        given = arguments(
            trace=context(), extensions={ODD_KEY: filler, 5: {"c": "1", "b": "1", "a": "1"}}
        )
        counted = {"baggage": shed} if shed else {}
        data = request(mapping(*entries))
        made.append(writes(f"E-5/baggage-and-{rest}-bytes-left", given, data, counted))
    return made


def _long_member() -> list[Json]:
    long = "l=" + "x" * 127
    filler = _filler(32 + 2 + len("a=1,b=2"))
    entries = [uint(1), TRACE, uint(3), tstr("a=1,b=2"), uint(ODD_KEY), bstr(filler)]
    given = arguments(trace=context(state=f"a=1,{long},b=2"), extensions={ODD_KEY: filler})
    data = request(mapping(*entries))
    return [writes("E-5/long-member-first", given, data, {"tracestate": 1}, "E-2")]


def _creation_bytes() -> list[Json]:
    filler = _filler(32)
    given = arguments(trace=context(), extensions={13: context(0), ODD_KEY: filler})
    data = request(mapping(uint(1), TRACE, uint(ODD_KEY), bstr(filler)))
    lone = arguments(extensions={13: context(0), ODD_KEY: filler})
    kept = request(mapping(uint(13), bstr(binary_trace(flags=0)), uint(ODD_KEY), bstr(filler)))
    return [
        writes("E-5/creation-before-trace", given, data, {"creation": 1}),
        writes("E-5/creation-alone", lone, kept),
    ]


def _encoded() -> list[Json]:
    """Context given as encoded goes whole, each key counted once."""
    raw: dict[Name, bytes] = {
        1: TRACE,
        3: tstr("a=1,b=2"),
        5: mapping(tstr("a"), tstr("1"), tstr("b"), tstr("2")),
        13: NULL,
    }
    sheds: tuple[tuple[int, tuple[int, ...], dict[str, int]], ...] = (
        (60, (1, 3, 5, 13), {}),
        (61, (1, 5, 13), {"tracestate": 1}),
        (62, (1, 13), {"tracestate": 1, "baggage": 1}),
        (63, (1,), {"tracestate": 1, "baggage": 1, "creation": 1}),
        (64, (), {"tracestate": 1, "baggage": 1, "creation": 1, "trace": 1}),
    )
    made = []
    for count, kept, shed in sheds:
        others = _others(count)
        entries = [part for key in kept for part in (uint(key), raw[key])]
        data = request(mapping(*entries, *_items(others)))
        given = arguments(extensions=others, raw=raw)
        made.append(writes(f"E-5/encoded-and-{count}-other-entries", given, data, shed))
    unknown: dict[Name, bytes] = {ODD_KEY + 2 * n: NULL for n in range(65)}
    return [*made, refuses("X-2/encoded-65-unknown", arguments(raw=unknown), "E-6")]


def _both_limits() -> list[Json]:
    """The map has too many entries and too many bytes."""
    sizes = {ODD_KEY + 2 * n: bytes(300) for n in range(65)}
    plain = arguments(extensions=dict(sizes))
    encoded = arguments(raw={key: bstr(value) for key, value in sizes.items()})
    others: dict[Name, object] = _others(61) | {2**32 - 1: bytes(ROOM - 2 - 61 * 6 - 5 - 3 - 33)}
    items = [*_items(_others(61)), uint(2**32 - 1), bstr(bytes(ROOM - 2 - 61 * 6 - 5 - 3 - 33))]
    known: dict[Name, object] = {5: {"a": "1", "m": "v" * 90}, 13: context(0)}
    given = arguments(trace=context(state="x=1,y=2"), extensions=known | others)
    data = request(mapping(uint(1), TRACE, *items))
    shed = {"tracestate": 2, "baggage": 2, "creation": 1}
    return [
        refuses("X-2/given-65-of-300-bytes", plain, "E-6 E-14"),
        refuses("X-2/encoded-65-of-300-bytes", encoded, "E-6 E-14"),
        writes("E-5/entries-and-bytes", given, data, shed),
    ]


def _fanouts() -> list[Json]:
    """Where trace is shed a fanout goes with it, unless it is still to be drawn."""
    others = _others(63)
    items = _items(others)
    without = request(mapping(*items))
    pair = array(uint(9), uint(3))
    stay = {
        "to-draw": array(uint(9), uint(3), uint(5)),
        "to-draw-and-more": array(uint(9), uint(3), uint(5), NULL),
        "unusable": array(uint(3), uint(9)),
        "unusable-third-element": array(uint(9), uint(3), NULL),
        "no-array": NULL,
    }
    goes = {"trace": 1, "fanout": 1}
    plain = arguments(trace=context(), extensions={11: [9, 3], **others})
    state = arguments(trace=context(state="a=1"), extensions={11: [9, 3], **others})
    decided = arguments(trace=NOT_SAMPLED, extensions={11: [9, 3], **others})
    encoded = arguments(trace=context(), extensions=others, raw={11: pair})
    all_encoded = arguments(extensions=others, raw={1: TRACE, 11: pair})
    made = [
        writes("E-13/fanout-goes", plain, without, goes, "E-5"),
        writes("E-13/fanout-goes-after-tracestate", state, without, {"tracestate": 1, **goes}),
        writes("E-13/fanout-goes-with-false", decided, without, goes),
        writes("E-13/encoded-fanout-goes", encoded, without, goes, "E-10"),
        writes("E-13/fanout-goes-with-an-encoded-trace", all_encoded, without, goes, "E-10"),
    ]
    for name, item in stay.items():
        given = arguments(trace=context(), extensions=others, raw={11: item})
        data = request(mapping(uint(11), item, *items))
        made.append(writes(f"E-13/{name}-stays", given, data, {"trace": 1}, "E-10"))
    fewer = _others(62)
    fits = arguments(trace=context(), extensions={11: [9, 3], **fewer})
    data = request(mapping(uint(1), TRACE, uint(11), pair, *_items(fewer)))
    made.append(writes("E-13/trace-stays", fits, data, obeys="E-5"))
    alone = arguments(extensions={11: [9, 3], **_others(63)})
    data = request(mapping(uint(11), pair, *items))
    made.append(writes("E-13/no-trace-given", alone, data))
    return made
