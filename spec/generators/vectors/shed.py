"""encode.json, what an encoder sheds of tracestate, baggage and a full map (E-2, E-3, E-5)."""

from collections.abc import Mapping

from .build import (
    FALSE,
    NULL,
    Json,
    Name,
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
    return [*_tracestates(), *_baggages(), *_entries(), *_bytes(), *_encoded()]


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
        _bagged("8193-bytes-in-two", {"a": "v" * 8_190, "b": "w"}, {"a": "v" * 8_190}, 1),
        _bagged("8193-bytes-of-two-each", {"k": "\u00e9" * 4_096}, {}, 1),
        _bagged(
            "last-goes-however-small",
            {"zz": "1", "a": "x" * 8_190, "b": "y"},
            {"a": "x" * 8_190},
            2,
            "not the largest: the last in encoded order",
        ),
    ]


def _others(count: int) -> dict[Name, object]:
    return {2 * n + 15: None for n in range(count)}


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
    """What key 15 holds where ``rest`` bytes are to be left in a map of 16,384."""
    return bytes(ROOM - 1 - 4 - rest)  # the map's head; key 15 and the head of its value


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
        entries = [*trace, *([uint(3), tstr(kept)] if kept else []), uint(15), bstr(filler)]
        given = arguments(trace=context(state=state), extensions={15: filler})
        counted = {"tracestate": shed} if shed else {}
        made.append(writes(f"E-5/{rest}-bytes-left", given, request(mapping(*entries)), counted))
    filler = _filler(31)
    given = arguments(trace=context(state=state), extensions={15: filler})
    alone = request(mapping(uint(15), bstr(filler)))
    made.append(writes("E-5/31-bytes-left", given, alone, {"tracestate": 3, "trace": 1}))
    for rest, entries in ((2, [uint(1), FALSE]), (1, [])):
        filler = _filler(rest)
        data = request(mapping(*entries, uint(15), bstr(filler)))
        decided = arguments(trace=NOT_SAMPLED, extensions={15: filler})
        counted = {} if entries else {"trace": 1}
        made.append(writes(f"E-5/not-sampled-and-{rest}-bytes-left", decided, data, counted))
    return [*made, *_baggage_bytes(), *_long_member(), *_creation_bytes()]


def _baggage_bytes() -> list[Json]:
    """Baggage loses its last entries in encoded order, however they were given."""
    trace = (uint(1), TRACE)
    made = []
    for rest, kept, shed in ((32 + 14, "abc", 0), (32 + 13, "ab", 1), (32 + 5, "", 3)):
        filler = _filler(rest)
        baggage = mapping(*[part for key in kept for part in (tstr(key), tstr("1"))])
        entries = [*trace, *([uint(5), baggage] if kept else []), uint(15), bstr(filler)]
        given = arguments(
            trace=context(), extensions={15: filler, 5: {"c": "1", "b": "1", "a": "1"}}
        )
        counted = {"baggage": shed} if shed else {}
        data = request(mapping(*entries))
        made.append(writes(f"E-5/baggage-and-{rest}-bytes-left", given, data, counted))
    return made


def _long_member() -> list[Json]:
    long = "l=" + "x" * 127
    filler = _filler(32 + 2 + len("a=1,b=2"))
    entries = [uint(1), TRACE, uint(3), tstr("a=1,b=2"), uint(15), bstr(filler)]
    given = arguments(trace=context(state=f"a=1,{long},b=2"), extensions={15: filler})
    data = request(mapping(*entries))
    return [writes("E-5/long-member-first", given, data, {"tracestate": 1}, "E-2")]


def _creation_bytes() -> list[Json]:
    filler = _filler(32)
    given = arguments(trace=context(), extensions={13: context(0), 15: filler})
    data = request(mapping(uint(1), TRACE, uint(15), bstr(filler)))
    lone = arguments(extensions={13: context(0), 15: filler})
    kept = request(mapping(uint(13), bstr(binary_trace(flags=0)), uint(15), bstr(filler)))
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
    unknown: dict[Name, bytes] = {2 * n + 2**16 + 1: NULL for n in range(65)}
    return [*made, refuses("X-2/encoded-65-unknown", arguments(raw=unknown), "E-6")]
