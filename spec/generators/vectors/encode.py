"""encode.json, what an encoder writes and what it refuses (E-1, E-4, E-6 to E-9, F, X)."""

from collections.abc import Mapping

from .build import (
    FALSE,
    KINDS,
    MAGIC,
    NULL,
    ODD,
    ODD_KEY,
    OTHER_KIND,
    TRUE,
    Json,
    Name,
    array,
    binary_trace,
    bstr,
    frame,
    key_of,
    mapping,
    nint,
    request,
    rule_of,
    tstr,
    uint,
    vector,
    written,
)
from .frames import UNKNOWN, id_of, target_of
from .tagged import NOT_SAMPLED, UNDECIDED, NotUtf8, context, name, tagged

TRACE = bstr(binary_trace())


def arguments(
    kind: int = 0,
    id: int = 1,
    target: Name = "a",
    payload: bytes = b"",
    trace: object = UNDECIDED,
    extensions: Mapping[Name, object] | None = None,
    raw: Mapping[Name, bytes] | None = None,
) -> Json:
    """What an encoder is given: by default the request of ``build.request``."""
    plain = [
        {"key": name(key), "value": tagged(value)} for key, value in (extensions or {}).items()
    ]
    encoded = [{"key": name(key), "item": written(item)} for key, item in (raw or {}).items()]
    return {
        "kind": kind,
        "id": id,
        "target": name(target),
        "payload": written(payload),
        "trace": trace,
        "extensions": plain,
        "raw": encoded,
    }


def writes(
    id: str,
    given: Json,
    data: bytes,
    shed: Mapping[str, int] | None = None,
    obeys: str = "",
    comment: str | None = None,
) -> Json:
    """Arguments, the frame that they make, and what was shed of them."""
    expect = {"hex": written(data), "shed": dict(shed or {})}
    fields = {"arguments": given, "expect": expect}
    return vector(id, fields, f"{rule_of(id)} {obeys}", comment=comment)


def refuses(id: str, given: Json, obeys: str = "", comment: str | None = None) -> Json:
    """Arguments that make no valid frame: the rule that they would break."""
    rule = rule_of(id)
    fields = {"arguments": given, "expect": {"error": {"rule": rule}}}
    return vector(id, fields, obeys, rule, comment)


def cases() -> list[Json]:
    return [
        *_traces(),
        *_kinds(),
        *_fields_refused(),
        *_creations(),
        *_too_much(),
        *_empty(),
        *_sorted(),
        *_known(),
        *_values(),
        *_several(),
        *_raw(),
        *_by_bytes(),
        *_not_utf8(),
    ]


def _traces() -> list[Json]:
    state = "a=1,b=2"
    decided = request(mapping(uint(1), FALSE))
    stated = request(mapping(uint(1), TRACE, uint(3), tstr(state)))
    made = [
        writes("E-1/undecided", arguments(), request(), obeys="E-7"),
        writes("E-1/not-sampled", arguments(trace=NOT_SAMPLED), decided),
        writes("E-1/tracestate", arguments(trace=context(state=state)), stated),
        writes(
            "E-1/notification",
            arguments(2, 0, "a", trace=NOT_SAMPLED),
            frame(uint(2), uint(0), tstr("a"), bstr(), mapping(uint(1), FALSE)),
        ),
        writes(
            "E-1/envelope",
            arguments(2, 0, "", b"{}", context()),
            frame(uint(2), uint(0), tstr(""), bstr(b"{}"), mapping(uint(1), TRACE)),
        ),
    ]
    for flags in (0x00, 0x01, 0x02, 0xFF):
        item = bstr(binary_trace(flags=flags))
        data = request(mapping(uint(1), item))
        made.append(writes(f"E-1/flags-{flags:02x}", arguments(trace=context(flags)), data))
    return made


def _kinds() -> list[Json]:
    made = []
    for kind, kind_name in KINDS.items():
        id, (target, item) = id_of(kind), target_of(kind)
        data = frame(uint(kind), uint(id), item, bstr(b"x"))
        made.append(writes(f"F-7/given-{kind_name}", arguments(kind, id, target, b"x"), data))
    for kind in UNKNOWN:
        data = frame(uint(kind), uint(0), tstr(""), bstr())
        made.append(writes(f"F-15/given-kind-{kind}-text", arguments(kind, 0, ""), data))
        data = frame(uint(kind), uint(2**32 - 1), uint(2**32 - 1), bstr())
        given = arguments(kind, 2**32 - 1, 2**32 - 1)
        made.append(writes(f"F-15/given-kind-{kind}-number", given, data))
    for size in (0, 23, 24, 255, 256, 4_095, 4_096, 4_097, 65_535, 65_536):
        payload = b"p" * size
        data = MAGIC + b"\x84\x00\x01\x61a" + bstr(payload)
        made.append(writes(f"F-17/given-{size}-bytes", arguments(payload=payload), data))
    for size in (1, 23, 24, 255):
        data = frame(uint(0), uint(1), tstr("m" * size), bstr())
        made.append(writes(f"F-11/given-{size}-bytes", arguments(target="m" * size), data))
    for id in (23, 24, 255, 256, 65_535, 65_536, 2**32 - 1):
        data = frame(uint(1), uint(id), uint(id), bstr())
        made.append(writes(f"F-8/given-{id}", arguments(1, id, id), data, obeys="F-13"))
    return made


def _fields_refused() -> list[Json]:
    made = []
    wide = "\u00e9" * 128
    refused: dict[str, tuple[int, int, Name]] = {
        "F-7/given-minus-one": (-1, 0, 0),
        "F-7/given-65536": (65_536, 0, 0),
        "F-8/given-minus-one": (0, -1, "a"),
        "F-8/given-4294967296": (0, 2**32, "a"),
        "F-8/given-unknown-kind-4294967296": (OTHER_KIND, 2**32, 0),
        "F-11/given-empty": (0, 1, ""),
        "F-11/given-256-bytes": (0, 1, "m" * 256),
        "F-11/given-128-characters-of-256-bytes": (0, 1, wide),
        "F-12/given-256-bytes": (2, 0, "m" * 256),
        "F-13/given-minus-one": (1, 1, -1),
        "F-13/given-4294967296": (1, 1, 2**32),
        "F-15/given-256-bytes": (OTHER_KIND, 0, "m" * 256),
        "F-15/given-4294967296": (OTHER_KIND, 0, 2**32),
        "F-15/given-minus-one": (OTHER_KIND, 0, -1),
        "F-16/given-target": (0, 1, "a\ud800"),
        "F-16/given-notification": (2, 0, "\udfff"),
    }
    for kind, kind_name in KINDS.items():
        target, _ = target_of(kind)
        id = id_of(kind)
        rule = "F-9" if id == 1 else "F-10"
        refused[f"{rule}/given-{kind_name}-{1 - id}"] = (kind, 1 - id, target)
        if kind > 2:
            refused[f"F-14/given-{kind_name}-1"] = (kind, id, 1)
            refused[f"F-14/given-{kind_name}-text"] = (kind, id, "")
    for case, (kind, id, target) in refused.items():
        made.append(refuses(case, arguments(kind, id, target)))
    return made


def _creations() -> list[Json]:
    good = bstr(binary_trace(flags=0))
    kept = request(mapping(uint(13), good))
    made = [writes("E-4/creation-kept", arguments(extensions={13: context(0)}), kept)]
    for shape, creation in (("number", 5), ("text", "x"), ("null", None), ("false", False)):
        given = arguments(extensions={13: creation})
        made.append(writes(f"E-4/creation-{shape}", given, request(), {"creation": 1}, "E-7"))
    for shape, baggage in (("array", [1]), ("text", "k=v"), ("null", None), ("number", 5)):
        given = arguments(extensions={5: baggage, 7: 9})
        data = request(mapping(uint(7), uint(9)))
        made.append(writes(f"E-4/baggage-{shape}", given, data, {"baggage": 1}))
    return made


def _too_much() -> list[Json]:
    keys = [ODD_KEY + 2 * n for n in range(65)]
    more: dict[Name, object] = dict.fromkeys(keys)
    many: dict[Name, object] = dict.fromkeys(keys[:-1])
    full = request(mapping(*[part for key in many for part in (key_of(key), NULL)]))
    room = 16_384 - 1 - len(ODD) - 3
    largest = request(mapping(uint(ODD_KEY), bstr(bytes(room))))
    context_too = arguments(
        trace=context(state="a=1"), extensions={5: {"k": "v"}, 13: context(), **more}
    )
    return [
        writes("X-2/given-64", arguments(extensions=many), full),
        refuses("X-2/given-65", arguments(extensions=more), "E-6"),
        refuses("X-2/given-65-and-context", context_too, "E-6"),
        writes("X-3/given-16384", arguments(extensions={ODD_KEY: bytes(room)}), largest),
        refuses("X-3/given-16385", arguments(extensions={ODD_KEY: bytes(room + 1)}), "E-6"),
        refuses("X-3/given-16385-encoded", arguments(raw={ODD_KEY: bstr(bytes(room + 1))}), "E-6"),
        refuses(
            "X-3/given-16385-in-two",
            arguments(extensions={ODD_KEY: bytes(8_000), "app": bytes(8_369)}),
            "E-6",
        ),
    ]


def _empty() -> list[Json]:
    stateless = request(mapping(uint(1), TRACE))
    return [
        writes("E-7/empty-baggage", arguments(extensions={5: {}}), request()),
        writes("E-7/empty-tracestate", arguments(trace=context(state="")), stateless),
        writes(
            "E-7/tracestate-of-commas",
            arguments(trace=context(state=",,")),
            stateless,
            {"tracestate": 3},
            "E-2",
        ),
        writes(
            "E-7/baggage-of-nothing-usable",
            arguments(extensions={5: {"": "v"}}),
            request(),
            {"baggage": 1},
            "E-3",
        ),
    ]


def _sorted() -> list[Json]:
    unsorted = {"b": 1, "aa": 2, "a": 3, 300: 4, 7: 5, 24: 6, "": 7}
    ordered = (
        *(uint(7), uint(5), uint(24), uint(6), uint(300), uint(4), tstr(""), uint(7)),
        *(tstr("a"), uint(3), tstr("b"), uint(1), tstr("aa"), uint(2)),
    )
    nested = mapping(uint(0), array(mapping(*ordered)), uint(1), mapping(*ordered))
    given = {1: unsorted, 0: [unsorted]}
    return [
        writes(
            "E-8/nested-keys-sorted",
            arguments(extensions={ODD_KEY: unsorted}),
            request(mapping(uint(ODD_KEY), mapping(*ordered))),
        ),
        writes(
            "E-8/nested-keys-sorted-at-every-level",
            arguments(extensions={"app": given}),
            request(mapping(tstr("app"), nested)),
        ),
        writes(
            "X-7/given-in-any-order",
            arguments(
                extensions={"b": None, "aa": None, 2**32 - 1: None, "a": None, 7: 1, ODD_KEY: None}
            ),
            request(
                mapping(
                    *(uint(7), uint(1), uint(ODD_KEY), NULL, uint(2**32 - 1), NULL),
                    *(tstr("a"), NULL, tstr("b"), NULL, tstr("aa"), NULL),
                )
            ),
        ),
        writes(
            "E-8/encoded-map-as-given",
            arguments(raw={ODD_KEY: mapping(tstr("b"), NULL, tstr("a"), NULL)}),
            request(mapping(uint(ODD_KEY), mapping(tstr("b"), NULL, tstr("a"), NULL))),
            comment="E-8 is about maps that the encoder writes",
        ),
    ]


def _known() -> list[Json]:
    """Timeout, content-format and fanout: refused where unusable, unless given as encoded."""
    keys = {"U-4": 7, "U-5": 9, "U-6": 11}
    refused: dict[str, tuple[object, bytes]] = {
        "U-4/given-negative": (-1, nint(-1)),
        "U-4/given-text": ("1", tstr("1")),
        "U-4/given-true": (True, TRUE),
        "U-4/given-null": (None, NULL),
        "U-5/given-65536": (65_536, uint(65_536)),
        "U-5/given-negative": (-1, nint(-1)),
        "U-5/given-text": ("json", tstr("json")),
        "U-6/given-one-element": ([1], array(uint(1))),
        "U-6/given-zero": ([1, 0], array(uint(1), uint(0))),
        "U-6/given-more-kept": ([1, 2], array(uint(1), uint(2))),
        "U-6/given-none-to-draw": ([1, 1, 0], array(uint(1), uint(1), uint(0))),
        "U-6/given-number": (1, uint(1)),
        "U-6/given-text": (["1", "1"], array(tstr("1"), tstr("1"))),
    }
    made = []
    for case, (value, item) in refused.items():
        key = keys[rule_of(case)]
        made.append(refuses(case, arguments(extensions={key: value}), "E-9"))
        encoded = "E-9/encoded-" + case.lower().replace("/given", "")
        data = request(mapping(uint(key), item))
        made.append(writes(encoded, arguments(raw={key: item}), data))
    usable: dict[str, tuple[int, object, bytes]] = {
        "timeout-0": (7, 0, uint(0)),
        "timeout-largest": (7, 2**47, uint(2**47)),
        "timeout-above-what-is-read": (7, 2**47 + 1, uint(2**47 + 1)),
        "content-format-65535": (9, 65_535, uint(65_535)),
        "fanout": (11, [9, 3], array(uint(9), uint(3))),
        "fanout-to-draw": (11, [1, 1, 500], array(uint(1), uint(1), uint(500))),
        "fanout-fourth-element": (11, [2, 1, 5, "x"], array(uint(2), uint(1), uint(5), tstr("x"))),
    }
    for case, (key, value, item) in usable.items():
        data = request(mapping(uint(key), item))
        made.append(writes(f"E-9/{case}", arguments(extensions={key: value}), data))
    return made


def _within(levels: int, shape: str) -> tuple[object, bytes]:
    """A value so deep in arrays, in maps, or in both in turn, and its bytes."""
    value: object = None
    item = NULL
    for level in range(levels):
        if shape == "arrays" or (shape == "both" and level % 2):
            value, item = [value], array(item)
        else:
            value, item = {"k": value}, mapping(tstr("k"), item)
    return value, item


def _values() -> list[Json]:
    arrays, maps, both = (_within(16, shape) for shape in ("arrays", "maps", "both"))
    written_values: dict[str, tuple[object, bytes]] = {
        "largest": (2**64 - 1, uint(2**64 - 1)),
        "least": (-(2**64), nint(-(2**64))),
        "minus-24": (-24, nint(-24)),
        "minus-25": (-25, nint(-25)),
        "bytes": (b"\0\xff", bstr(b"\0\xff")),
        "booleans": ([False, True, None], array(FALSE, TRUE, NULL)),
        "16-deep": arrays,
        "16-deep-in-maps": maps,
        "16-deep-in-both": both,
    }
    made = []
    for case, (value, encoded) in written_values.items():
        data = request(mapping(uint(ODD_KEY), encoded))
        made.append(writes(f"X-8/given-{case}", arguments(extensions={ODD_KEY: value}), data))
    refused: dict[str, dict[Name, object]] = {
        "X-8/given-2-to-the-64": {ODD_KEY: 2**64},
        "X-8/given-below-least": {ODD_KEY: [-(2**64) - 1]},
        "X-9/given-17-deep": {ODD_KEY: [arrays[0]]},
        "X-9/given-17-deep-in-maps": {ODD_KEY: {"k": maps[0]}},
        "X-9/given-17-deep-in-an-array": {ODD_KEY: [maps[0]]},
        "X-9/given-17-deep-in-both": {ODD_KEY: {"k": both[0]}},
        "X-8/given-timeout-of-2-to-the-64": {7: 2**64},
        "X-10/given-negative": {ODD_KEY: {-1: None}},
        "F-16/given-value": {ODD_KEY: "\ud800"},
        "F-16/given-nested-key": {ODD_KEY: {"\udc00": None}},
        "F-16/given-key": {"\ud800": None},
        "X-5/given-zero": {0: None},
        "X-5/given-minus-one": {-1: None},
        "X-5/given-4294967296": {2**32: None},
        "X-6/given-empty": {"": None},
        "X-6/given-65-bytes": {"k" * 65: None},
        "X-6/given-33-characters-of-66-bytes": {"\u00e9" * 33: None},
        "U-1/given-trace-as-a-value": {1: False},
        "U-1/given-tracestate-as-a-value": {3: "a=1"},
        "U-1/given-trace-of-a-wrong-type": {1: 5},
    }
    for case, extensions in refused.items():
        obeys = "E-12" if case.startswith("U-1") else ""
        made.append(refuses(case, arguments(extensions=extensions), obeys))
    return made


def _instead() -> list[Json]:
    """Encoded bytes of keys 1 and 3 beside a trace that is given."""
    old = bstr(binary_trace(flags=0))
    state = tstr("b=2")
    stated, untidy = context(state="a=1"), context(state="a=1,,b=\t")
    false_and_state = request(mapping(uint(1), FALSE, uint(3), state))
    kept = request(mapping(uint(1), TRACE, uint(3), state))
    replaced = request(mapping(uint(1), old))
    both = request(mapping(uint(1), old, uint(3), state))
    return [
        writes("E-11/state", arguments(trace=stated, raw={3: state}), kept, obeys="E-10"),
        writes("E-11/state-uncounted", arguments(trace=untidy, raw={3: state}), kept),
        writes("E-11/state-alone", arguments(trace=context(), raw={3: state}), kept),
        writes("E-11/trace-and-its-state", arguments(trace=stated, raw={1: old}), replaced),
        writes("E-11/trace-uncounted", arguments(trace=untidy, raw={1: old}), replaced),
        writes("E-11/both", arguments(trace=stated, raw={1: old, 3: state}), both),
        writes("E-11/false", arguments(trace=NOT_SAMPLED, raw={1: old}), replaced),
        writes(
            "E-11/false-and-state", arguments(trace=NOT_SAMPLED, raw={3: state}), false_and_state
        ),
        writes(
            "E-11/unusable-beside-encoded",
            arguments(extensions={7: -1, 5: 1}, raw={5: mapping(), 7: uint(1)}),
            request(mapping(uint(5), mapping(), uint(7), uint(1))),
            comment="what is not written is not looked at",
        ),
        refuses(
            "U-1/given-false-beside-encoded",
            arguments(extensions={1: False}, raw={1: FALSE}),
            "E-12",
        ),
    ]


def _by_bytes() -> list[Json]:
    """Keys are ordered by their bytes, not by their characters."""
    pairs = (("zz", 1), ("\u00e9", 2), ("\uffff", 3), ("\U00010000", 4))
    given: dict[Name, object] = dict(reversed(pairs))
    items = [part for key, number in pairs for part in (tstr(key), uint(number))]
    nested = arguments(extensions={ODD_KEY: dict(given)})
    return [
        writes("E-8/nested-keys-by-bytes", nested, request(mapping(ODD, mapping(*items)))),
        writes("X-7/given-by-bytes", arguments(extensions=given), request(mapping(*items))),
    ]


def _not_utf8() -> list[Json]:
    """Text whose bytes are no UTF-8, which some languages have."""
    bad = NotUtf8(b"a\xff")
    refused: dict[str, Json] = {
        "target": arguments(target=bad),
        "notification": arguments(2, 0, bad),
        "unknown-kind": arguments(OTHER_KIND, 0, bad),
        "key": arguments(extensions={bad: None}),
        "encoded-key": arguments(raw={bad: NULL}),
        "value": arguments(extensions={ODD_KEY: bad}),
        "element": arguments(extensions={ODD_KEY: [bad]}),
        "nested-key": arguments(extensions={ODD_KEY: {bad: 1}}),
        "timeout": arguments(extensions={7: bad}),
    }
    made = [refuses(f"F-16/given-bytes-as-{name}", each) for name, each in refused.items()]
    made += [
        refuses("F-13/given-text-that-is-not-utf-8", arguments(1, 1, bad)),
        refuses("F-14/given-text-that-is-not-utf-8", arguments(5, 1, bad)),
    ]
    baggage = arguments(extensions={5: {"k": bad, bad: "v", "l": "w"}})
    kept = request(mapping(uint(5), mapping(tstr("l"), tstr("w"))))
    state = arguments(trace=context(state=NotUtf8(b"a=1,b=\xff,\xff,c=3")))
    stated = request(mapping(uint(1), TRACE, uint(3), tstr("a=1,c=3")))
    return [
        *made,
        writes("E-3/not-utf-8", baggage, kept, {"baggage": 2}),
        writes("E-2/not-utf-8", state, stated, {"tracestate": 2}),
        writes("E-4/baggage-not-utf-8", arguments(extensions={5: bad}), request(), {"baggage": 1}),
    ]


def _several() -> list[Json]:
    """Arguments with several faults, of which the first is named."""
    unusable: dict[Name, object] = {7: -1}
    no_key: dict[Name, object] = {0: None}
    traced: dict[Name, object] = {1: None}
    refused: dict[str, Json] = {
        "F-9/given-beside-an-empty-target": arguments(0, 0, ""),
        "F-11/given-beside-no-key": arguments(target="", extensions=no_key),
        "U-4/given-before-no-key": arguments(extensions=unusable | no_key),
        "X-5/given-before-what-is-unusable": arguments(extensions=no_key | unusable),
        "U-4/given-plain-beside-encoded": arguments(extensions=unusable, raw={ODD_KEY: b"\x1c"}),
        "U-5/given-plain-before-encoded-of-a-lower-key": arguments(
            extensions={9: -1}, raw={7: b"\x1c"}
        ),
        "F-16/given-key-of-what-is-unusable": arguments(extensions={"\ud800": "\ud800"}),
        "F-7/given-before-an-id": arguments(-1, -1, 0),
        "F-8/given-before-a-target": arguments(0, 2**32, ""),
        "F-10/given-before-a-target": arguments(3, 1, 1),
        "F-11/given-before-a-full-map": arguments(target="", extensions=_many(65)),
        "F-9/given-before-what-is-encoded": arguments(0, 0, raw={0: b"\x1c"}),
        "U-5/given-before-a-full-map": arguments(extensions=_many(65) | {9: -1}),
        "U-1/given-before-a-full-map": arguments(extensions=_many(65) | {3: ""}),
        "F-2/encoded-before-a-full-map": arguments(extensions=_many(65), raw={9: b"\x1c"}),
        "X-5/encoded-before-a-bad-value": arguments(raw={0: b"\x1c"}),
        "F-2/encoded-before-an-empty-key": arguments(raw={ODD_KEY: b"\x1c", "": NULL}),
        "X-5/encoded-before-another": arguments(raw={0: NULL, ODD_KEY: b"\x1c"}),
        "X-5/given-before-its-value": arguments(extensions={0: 2**64}),
        "X-5/given-both-ways": arguments(extensions=no_key | unusable, raw={0: NULL}),
        "X-6/given-before-its-value": arguments(extensions={"": 2**64}),
        "X-8/given-before-unusable-number": arguments(extensions={7: -(2**64) - 1}),
        "X-8/given-before-unusable-format": arguments(extensions={9: 2**64}),
        "X-9/given-before-unusable-fanout": arguments(extensions={11: _within(17, "arrays")[0]}),
        "U-1/given-whatever-its-value": arguments(extensions={1: 2**64}),
        "U-1/given-tracestate-whatever-its-value": arguments(extensions={3: "\ud800"}),
        "U-1/given-before-another": arguments(extensions=traced | unusable),
        "U-4/given-before-trace": arguments(extensions=unusable | traced),
        "F-13/given-before-utf-8": arguments(1, 1, "\ud800"),
        "F-14/given-before-utf-8": arguments(6, 1, "\ud800"),
    }
    return [refuses(case, given, "E-14") for case, given in refused.items()]


def _many(count: int) -> dict[Name, object]:
    return {ODD_KEY + 2 * n: None for n in range(count)}


def _raw() -> list[Json]:
    """Values given as encoded are written as they are, if they are one item of the subset."""
    kept: dict[str, dict[Name, bytes]] = {
        "unusable-trace": {1: NULL},
        "later-trace": {1: bstr(binary_trace(version=9) + b"\0")},
        "tracestate-without-trace": {3: tstr("a=1")},
        "unusable-baggage": {5: uint(1)},
        "empty-baggage": {5: mapping()},
        "unusable-creation": {13: FALSE},
        "unknown": {ODD_KEY: mapping(uint(1), NULL, uint(1), NULL), "app": nint(-1)},
    }
    made = []
    for case, raw in kept.items():
        entries = [part for key, item in raw.items() for part in (key_of(key), item)]
        made.append(
            writes(
                f"X-8/encoded-{case}-kept",
                arguments(raw=raw),
                request(mapping(*entries)),
                obeys="E-10",
            )
        )
    both_ways = arguments(trace=context(), extensions={ODD_KEY: True}, raw={1: NULL, ODD_KEY: NULL})
    data = request(mapping(uint(1), NULL, uint(ODD_KEY), NULL))
    made.append(writes("X-8/encoded-wins", both_ways, data, obeys="E-11"))
    made += _instead()
    creation = arguments(extensions={13: binary_trace()})
    made.append(writes("E-4/bytes", creation, request(), {"creation": 1}, obeys="E-7"))
    faults = {
        "F-1": b"\x42a",
        "F-2": b"\x1c",
        "F-3": b"\x9f\xff",
        "F-4": b"\x18\x01",
        "F-16": b"\x61\xff",
        "F-18": b"\x00\x00",
        "X-8": b"\xf9\x00\x00",
        "X-9": b"\x81" * 17 + NULL,
        "X-10": mapping(nint(-1), NULL),
    }
    for rule, item in faults.items():
        made.append(refuses(f"{rule}/encoded", arguments(raw={ODD_KEY: item})))
    made.append(refuses("F-1/encoded-nothing", arguments(raw={ODD_KEY: b""})))
    made.append(refuses("X-5/encoded-zero", arguments(raw={0: NULL})))
    return made
