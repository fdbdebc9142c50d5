"""relays.json: restamp and strip (L-1 to L-4)."""

from collections.abc import Mapping

from .build import (
    EVEN_KEY,
    FALSE,
    NULL,
    ODD,
    ODD_KEY,
    OTHER_KIND,
    TRACE_ID,
    Json,
    array,
    binary_trace,
    bstr,
    error,
    frame,
    mapping,
    nint,
    request,
    rule_of,
    tstr,
    uint,
    vector,
    written,
)
from .tagged import NOT_SAMPLED, UNDECIDED, context

TRACE = bstr(binary_trace())
OLD = bstr(binary_trace(trace_id=b"\x11" * 16, parent_id=b"\x22" * 8, flags=0))
OLD_TRACE, NEW_TRACE = (uint(1), OLD), (uint(1), TRACE)
ROOM = 16_384
HEADS = 1 + len(ODD) + 3  # of a map with a long value, and its key


def restamps(
    id: str,
    data: bytes,
    trace: object,
    result: bytes,
    shed: Mapping[str, int] | None = None,
    obeys: str = "",
    comment: str | None = None,
) -> Json:
    """A frame, the trace that it is to have, and the frame that it becomes."""
    expect = {"hex": written(result), "shed": dict(shed or {})}
    fields = {"operation": "restamp", "hex": written(data), "trace": trace, "expect": expect}
    return vector(id, fields, f"{rule_of(id)} {obeys}", comment=comment)


def strips(id: str, data: bytes, result: bytes) -> Json:
    expect: Json = {"hex": written(result), "shed": {}}
    fields = {"operation": "strip", "hex": written(data), "expect": expect}
    return vector(id, fields, rule_of(id))


def cases() -> list[Json]:
    return [
        *_stamps(),
        *_kept(),
        *_shed(),
        *_wide_maps(),
        *_fanouts(),
        *_kinds(),
        *_strips(),
        *_demands(),
        *_invalid(),
    ]


def _stamps() -> list[Json]:
    traced = request(mapping(*OLD_TRACE))
    stated = request(mapping(*OLD_TRACE, uint(3), tstr("old=1")))
    decided = request(mapping(uint(1), FALSE))
    new = request(mapping(*NEW_TRACE))
    both = request(mapping(*NEW_TRACE, uint(3), tstr("new=1")))
    state = context(state="new=1")
    return [
        restamps("L-1/context-appears", request(), context(), new),
        restamps("L-1/false-appears", request(), NOT_SAMPLED, decided),
        restamps("L-1/nothing-to-do", request(), UNDECIDED, request()),
        restamps("L-1/context-replaced", traced, context(), new),
        restamps("L-1/same-context", new, context(), new),
        restamps("L-1/tracestate-appears", traced, state, both),
        restamps("L-1/tracestate-replaced", stated, state, both),
        restamps("L-1/tracestate-goes", stated, context(), new),
        restamps("L-1/false-for-context", stated, NOT_SAMPLED, decided),
        restamps("L-1/context-for-false", decided, context(), new),
        restamps("L-1/map-disappears", stated, UNDECIDED, request()),
        restamps("L-1/unusable-replaced", request(mapping(uint(1), NULL)), context(), new),
        restamps(
            "L-1/tracestate-alone-goes", request(mapping(uint(3), tstr("a"))), UNDECIDED, request()
        ),
        restamps(
            "L-1/tracestate-to-its-limits",
            traced,
            context(state="a=1,,b=\t"),
            request(mapping(*NEW_TRACE, uint(3), tstr("a=1"))),
            {"tracestate": 2},
            "E-2",
        ),
    ]


def _kept() -> list[Json]:
    """All that is not trace stays as it is encoded, usable or not, known or not."""
    baggage = mapping(tstr("b"), tstr("1"), tstr("a"), tstr("2"))
    others = (
        *(uint(5), baggage, uint(7), nint(-1), uint(13), FALSE),
        *(uint(ODD_KEY), mapping(tstr("z"), NULL, uint(1), NULL, uint(1), NULL)),
        *(uint(EVEN_KEY), NULL),
        *(uint(2**32 - 1), bstr(b"\xff"), tstr("app"), mapping()),
    )
    plain, traced = request(mapping(*others)), request(mapping(*OLD_TRACE, *others))
    decided = request(mapping(uint(1), FALSE, *others))
    many = tuple(part for n in range(22) for part in (uint(ODD_KEY + 2 * n), NULL))
    return [
        restamps("L-1/others-kept-as-context-appears", plain, NOT_SAMPLED, decided),
        restamps("L-1/others-kept-as-context-is-replaced", traced, NOT_SAMPLED, decided),
        restamps("L-1/others-kept-as-context-goes", traced, UNDECIDED, plain),
        restamps(
            "L-1/map-head-grows",
            request(mapping(*many, uint(2**32 - 1), NULL)),
            NOT_SAMPLED,
            request(mapping(uint(1), FALSE, *many, uint(2**32 - 1), NULL)),
        ),
        restamps(
            "L-1/map-head-shrinks",
            request(mapping(uint(1), FALSE, *many, uint(2**32 - 1), NULL)),
            UNDECIDED,
            request(mapping(*many, uint(2**32 - 1), NULL)),
        ),
    ]


def _shed() -> list[Json]:
    """Tracestate goes first; where trace alone does not fit the frame stays as it was."""
    full = tuple(part for n in range(64) for part in (uint(ODD_KEY + 2 * n), NULL))
    whole = request(mapping(*full))
    with_old = request(mapping(*OLD_TRACE, *full[2:]))
    known = (uint(5), mapping(tstr("k"), tstr("v")), uint(13), OLD)
    beside = request(mapping(*known, *full[:124]))
    made = [
        restamps("L-2/64-others", whole, context(), whole, {"trace": 1}, "L-5"),
        restamps("L-2/64-others-and-false", whole, NOT_SAMPLED, whole, {"trace": 1}, "L-5"),
        restamps("L-2/64-others-undecided", whole, UNDECIDED, whole),
        restamps(
            "L-2/64-others-and-tracestate",
            whole,
            context(state="a=1,b=2"),
            whole,
            {"tracestate": 2, "trace": 1},
            "L-5",
        ),
        restamps(
            "L-2/room-for-trace-alone",
            with_old,
            context(state="a=1,b=2"),
            request(mapping(*NEW_TRACE, *full[2:])),
            {"tracestate": 2},
        ),
        restamps("L-2/baggage-and-creation-stay", beside, context(), beside, {"trace": 1}),
    ]
    for left, entries, shed in (
        (43, [*NEW_TRACE, uint(3), tstr("a=1,b=234")], {}),
        (42, [*NEW_TRACE, uint(3), tstr("a=1")], {"tracestate": 1}),
        (32, [*NEW_TRACE], {"tracestate": 2}),
        (31, [], {"tracestate": 2, "trace": 1}),
    ):
        filler = (uint(ODD_KEY), bstr(bytes(ROOM - HEADS - left)))
        before = request(mapping(*filler))
        after = request(mapping(*entries, *filler))
        given = context(state="a=1,b=234")
        made.append(restamps(f"L-2/{left}-bytes-left", before, given, after, shed))
    long = "l=" + "x" * 130
    before = bstr(bytes(ROOM - HEADS - 32 - 2 - len("a=1,b=2")))
    stated = [*NEW_TRACE, uint(3), tstr("a=1,b=2"), ODD, before]
    for name, state, members in (
        ("", f"{long},a=1,b=2", 1),
        ("-in-the-middle", f"a=1,{long},b=2", 1),
        ("-and-empty-ones", f",a=1,{long},,b=2", 3),
    ):
        data, result = request(mapping(ODD, before)), request(mapping(*stated))
        case, counted = f"L-2/long-member-first{name}", {"tracestate": members}
        made.append(restamps(case, data, context(state=state), result, counted, "E-2"))
    untidy = restamps(
        "L-5/every-member-counts",
        whole,
        context(state="a=1,,b=2,\t"),
        whole,
        {"tracestate": 4, "trace": 1},
    )
    made.append(untidy)
    filler = (uint(ODD_KEY), bstr(bytes(ROOM - HEADS - 2)))
    decided = request(mapping(uint(1), FALSE, *filler))
    comment = "the old decision stays rather than none"
    kept = restamps("L-2/old-trace-stays", decided, context(), decided, {"trace": 1})
    return [*made, kept | {"comment": comment}]


def _wide_maps() -> list[Json]:
    """The 24th entry makes the head of the map longer by a byte."""
    made = []
    nulls = [part for n in range(22) for part in (uint(ODD_KEY + 2 * n), NULL)]
    for size, fits in ((ROOM, True), (ROOM + 1, False)):
        room = size - 2 - 32 - 22 * (len(ODD) + 1) - len(ODD) - 3
        others = [*nulls, uint(2**32 - 1), bstr(bytes(room))]
        before = request(mapping(*others))
        after = request(mapping(*NEW_TRACE, *others)) if fits else before
        shed = {} if fits else {"trace": 1}
        obeys = "" if fits else "L-5"
        case = f"L-2/trace-as-the-24th-entry-of-{size}"
        made.append(restamps(case, before, context(), after, shed, obeys))
    return made


def _fanouts() -> list[Json]:
    """A fanout belongs to the trace that it came with, unless it is still to be drawn."""
    pair = array(uint(9), uint(3))
    new, fanout = request(mapping(*NEW_TRACE)), (uint(11), pair)
    both = request(mapping(*NEW_TRACE, *fanout))
    decided = request(mapping(uint(1), FALSE))
    same = binary_trace(parent_id=b"\x33" * 8, flags=0)
    held = {
        "same-trace-id": bstr(same),
        "same-trace-id-of-a-later-version": bstr(b"\1" + same[1:] + b"more"),
    }
    others = {
        "another-trace-id": OLD,
        "trace-id-that-differs-at-its-end": bstr(binary_trace(TRACE_ID[:-1] + b"\0")),
        "trace-id-that-differs-at-its-start": bstr(binary_trace(b"\0" + TRACE_ID[1:])),
        "false": FALSE,
        "unusable-trace": bstr(same[:-1]),
    }
    made = []
    for name, item in held.items():
        data = request(mapping(uint(1), item, *fanout))
        made.append(restamps(f"L-6/{name}", data, context(), both, obeys="L-1"))
    for name, item in others.items():
        data = request(mapping(uint(1), item, *fanout))
        made.append(restamps(f"L-6/{name}", data, context(), new, obeys="L-1"))
    traced = request(mapping(uint(1), TRACE, *fanout))
    alone = request(mapping(*fanout))
    made += [
        restamps("L-6/no-trace-before", alone, context(), new),
        restamps("L-6/to-false", traced, NOT_SAMPLED, decided),
        restamps("L-6/to-nothing", traced, UNDECIDED, request()),
        restamps("L-6/from-nothing-to-nothing", alone, UNDECIDED, request()),
        restamps(
            "L-6/from-false-to-false",
            request(mapping(uint(1), FALSE, *fanout)),
            NOT_SAMPLED,
            decided,
        ),
    ]
    for name, item in (
        ("to-draw", array(uint(9), uint(3), uint(5))),
        ("to-draw-and-more", array(uint(9), uint(3), uint(5), NULL)),
        ("unusable", array(uint(3), uint(9))),
        ("unusable-third-element", array(uint(9), uint(3), NULL)),
        ("one-element", array(uint(9))),
        ("null", NULL),
    ):
        data = request(mapping(*OLD_TRACE, uint(11), item))
        stays = request(mapping(*NEW_TRACE, uint(11), item))
        left = request(mapping(uint(11), item))
        made.append(restamps(f"L-6/{name}-stays", data, context(), stays))
        made.append(restamps(f"L-6/{name}-stays-alone", data, UNDECIDED, left))
    room = ROOM - HEADS - 1 - len(pair)
    full = request(mapping(*fanout, ODD, bstr(bytes(room))))
    freed = request(mapping(*NEW_TRACE, ODD, bstr(bytes(room - 31 + len(pair)))))
    fits = request(mapping(*fanout, ODD, bstr(bytes(room - 31 + len(pair)))))
    return [
        *made,
        restamps("L-6/unchanged-without-room", full, context(), full, {"trace": 1}, "L-5"),
        restamps("L-6/its-room-is-free", fits, context(), freed),
        restamps(
            "L-3/fanout-of-another-kind",
            frame(uint(5), uint(1), uint(0), bstr(), mapping(*fanout)),
            context(),
            frame(uint(5), uint(1), uint(0), bstr(), mapping(*fanout)),
        ),
    ]


def _kinds() -> list[Json]:
    made = []
    stamped = mapping(uint(1), FALSE)
    for name, items in (
        ("response", (uint(1), uint(1), uint(5), bstr(b"x"))),
        ("notification", (uint(2), uint(0), tstr("a"), bstr(b"x"))),
        ("envelope", (uint(2), uint(0), tstr(""), bstr(b"{}"))),
        ("request-of-4096-bytes", (uint(0), uint(300), tstr("a"), bstr(bytes(4_096)))),
    ):
        result = frame(*items, stamped)
        made.append(restamps(f"L-1/{name}", frame(*items), NOT_SAMPLED, result))
    for kind, id in ((3, 0), (4, 0), (5, 1), (6, 1), (7, 1), (OTHER_KIND, 0), (65_535, 9)):
        bare = frame(uint(kind), uint(id), uint(0), bstr())
        traced = frame(uint(kind), uint(id), uint(0), bstr(), mapping(*OLD_TRACE))
        made.append(restamps(f"L-3/kind-{kind}", bare, context(), bare))
        made.append(restamps(f"L-3/kind-{kind}-with-trace", traced, UNDECIDED, traced))
    return made


def _strips() -> list[Json]:
    items = (uint(1), uint(2**32 - 1), uint(0), bstr(bytes(256)))
    odd = mapping(uint(1), NULL, uint(7), nint(-1), uint(ODD_KEY), NULL, tstr("2"), NULL)
    made = [
        strips("L-4/base-frame", request(), request()),
        strips("L-4/trace", request(mapping(*NEW_TRACE)), request()),
        strips("L-4/odd-and-text-keys", request(odd), request()),
        strips("L-4/response", frame(*items, odd), frame(*items)),
    ]
    for kind, id in ((3, 0), (6, 1), (OTHER_KIND, 5)):
        base = (uint(kind), uint(id), uint(0), bstr(b"x"))
        made.append(strips(f"L-4/kind-{kind}", frame(*base, odd), frame(*base)))
    return made


def _demands() -> list[Json]:
    made = []
    at = len(request()) + 1
    hello = frame(uint(3), uint(0), uint(0), bstr(), mapping(uint(EVEN_KEY + 2), NULL))
    for name, data, offset, read in (
        ("alone", request(mapping(uint(EVEN_KEY), NULL)), at, (0, 1)),
        ("after-trace", request(mapping(*NEW_TRACE, uint(EVEN_KEY), NULL)), at + 32, (0, 1)),
        ("two", request(mapping(uint(EVEN_KEY), NULL, uint(EVEN_KEY + 2), NULL)), at, (0, 1)),
        ("largest", request(mapping(uint(2**32 - 2), NULL)), at, (0, 1)),
        ("hello", hello, at - 1, (3, 0)),
    ):
        expect = {"error": error("X-11", offset, *read)}
        fields = {"operation": "strip", "hex": written(data), "expect": expect}
        made.append(vector(f"L-4/even-key-{name}", fields, "L-4", "X-11"))
    return made


def _invalid() -> list[Json]:
    """Both validate as a reader does, and name its rule."""
    made = []
    hello = frame(uint(3), uint(0), uint(0), bstr())
    for rule, data, offset, read in (
        ("F-5", b"{}", 0, (None, None)),
        ("F-1", request(mapping(*OLD_TRACE))[:-1], 41, (0, 1)),
        ("F-18", hello + b"\0", 8, (3, 0)),
        ("X-7", request(mapping(uint(3), NULL, uint(1), FALSE)), 12, (0, 1)),
        ("F-10", frame(uint(3), uint(1), uint(0), bstr()), 5, (3, None)),
    ):
        for operation in ("restamp", "strip"):
            fields: Json = {"operation": operation, "hex": written(data)}
            if operation == "restamp":
                fields["trace"] = NOT_SAMPLED
            fields["expect"] = {"error": error(rule, offset, *read)}
            made.append(vector(f"{rule}/{operation}", fields, breaks=rule))
    return made
