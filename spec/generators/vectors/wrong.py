"""wrong.json: what a faulty implementation makes of another file's vector, and the rule that it
breaks by it. A rule about what an implementation does, and not about bytes, is broken here."""

from .build import (
    EVEN_KEY,
    FALSE,
    MAGIC,
    NULL,
    ODD_KEY,
    TRUE,
    Json,
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
from .messages import BODY, BROKEN, TRACED, bare, enveloped
from .relays import NEW_TRACE, OLD
from .streams import BASE

TRACE = bstr(binary_trace())


def cases() -> list[Json]:
    return [*_encoders(), *_shedding(), *_refusals(), *_relays(), *_readers(), *_unwrapping()]


def _wrong(id: str, instead_of: str, expect: Json) -> Json:
    """``instead_of``: the vector whose input this is about."""
    return vector(id, {"instead_of": instead_of, "expect": expect}, breaks=rule_of(id))


def _writes(data: bytes, **shed: int) -> Json:
    return {"hex": written(data), "shed": {name: count for name, count in shed.items() if count}}


def _refuses(rule: str) -> Json:
    return {"error": {"rule": rule}}


def _others(count: int) -> list[bytes]:
    return [part for n in range(count) for part in (uint(ODD_KEY + 2 * n), NULL)]


def _encoders() -> list[Json]:
    decided = request(mapping(uint(1), FALSE))
    zeros = bstr(binary_trace(bytes(16), bytes(8), 0))
    later = bstr(binary_trace(version=1))
    unsorted = (("b", 1), ("aa", 2), ("a", 3), (300, 4), (7, 5), (24, 6), ("", 7))
    as_given = mapping(*[part for key, value in unsorted for part in (key_of(key), uint(value))])
    return [
        _wrong("E-1/undecided-as-false", "E-1/undecided", _writes(decided)),
        _wrong("E-1/not-sampled-as-nothing", "E-1/not-sampled", _writes(request())),
        _wrong(
            "E-1/not-sampled-as-zeros", "E-1/not-sampled", _writes(request(mapping(uint(1), zeros)))
        ),
        _wrong("E-1/later-version", "E-1/flags-01", _writes(request(mapping(uint(1), later)))),
        _wrong("E-1/clear-flags-as-false", "E-1/flags-00", _writes(decided)),
        _wrong("E-1/tracestate-lost", "E-1/tracestate", _writes(request(mapping(uint(1), TRACE)))),
        _wrong("E-7/empty-map", "E-7/empty-baggage", _writes(request(mapping()))),
        _wrong(
            "E-7/empty-baggage-written",
            "E-7/empty-baggage",
            _writes(request(mapping(uint(5), mapping()))),
        ),
        _wrong(
            "E-7/empty-tracestate-written",
            "E-7/empty-tracestate",
            _writes(request(mapping(uint(1), TRACE, uint(3), tstr("")))),
        ),
        _wrong(
            "E-8/keys-as-given",
            "E-8/nested-keys-sorted",
            _writes(request(mapping(uint(ODD_KEY), as_given))),
        ),
    ]


def _shedding() -> list[Json]:
    def stated(state: str, shed: int) -> Json:
        return _writes(request(mapping(uint(1), TRACE, uint(3), tstr(state))), tracestate=shed)

    def bagged(entries: dict[str, str], shed: int) -> Json:
        pairs = [tstr(part) for entry in entries.items() for part in entry]
        return _writes(request(mapping(uint(5), mapping(*pairs))), baggage=shed)

    members = [f"m{n}=1" for n in range(33)]
    many = {f"k{n:02}": "v" for n in range(65)}
    creation = request(mapping(uint(13), uint(5)))
    full = _others(64)
    gone = _writes(request(mapping(*_others(63))), trace=1, fanout=1)
    return [
        _wrong("E-2/empty-members-written", "E-2/empty-members", stated(",a=1,,b=2,", 0)),
        _wrong("E-2/33-members-written", "E-2/33-members", stated(",".join(members), 0)),
        _wrong("E-2/leftmost-left-out", "E-2/33-members", stated(",".join(members[1:]), 1)),
        _wrong(
            "E-2/state-left-out-whole",
            "E-2/33-members",
            _writes(request(mapping(uint(1), TRACE)), tracestate=33),
        ),
        _wrong("E-3/65-entries-written", "E-3/65-entries", bagged(many, 0)),
        _wrong(
            "E-3/last-given-left-out",
            "E-3/65-entries",
            bagged({key: "v" for key in many if key != "k00"}, 1),
        ),
        _wrong("E-3/unsorted", "E-3/sorted", bagged({"bb": "1", "z": "2", "a": "3"}, 0)),
        _wrong("E-3/empty-key-written", "E-3/empty-key", bagged({"": "v", "k": "v"}, 0)),
        _wrong(
            "E-3/largest-written",
            "E-3/largest-in-the-middle",
            bagged({"a": "1", "m": "v" * 8_192}, 1),
        ),
        _wrong("E-3/last-left-out", "E-3/largest-in-the-middle", bagged({"a": "1"}, 2)),
        _wrong(
            "E-13/fanout-left",
            "E-13/fanout-goes",
            _writes(request(mapping(uint(11), array(uint(9), uint(3)), *_others(63))), trace=1),
        ),
        _wrong("E-13/fanout-to-draw-shed", "E-13/to-draw-stays", gone),
        _wrong("E-4/creation-written", "E-4/creation-number", _writes(creation)),
        _wrong("E-4/creation-refused", "E-4/creation-number", _refuses("U-7")),
        _wrong("E-4/baggage-refused", "E-4/baggage-text", _refuses("U-3")),
        _wrong("E-5/refused", "E-5/64-other-entries", _refuses("X-2")),
        _wrong(
            "E-5/what-was-asked-for-shed",
            "E-5/not-sampled-and-64-others",
            _writes(request(mapping(uint(1), FALSE, *full[:-2]))),
        ),
        _wrong(
            "E-5/trace-before-tracestate",
            "E-5/40-bytes-left",
            _writes(request(mapping(uint(ODD_KEY), bstr(bytes(16_335)))), tracestate=3, trace=1),
        ),
    ]


def _refusals() -> list[Json]:
    decided = request(mapping(uint(1), FALSE))
    plain = request(mapping(uint(1), TRACE, uint(ODD_KEY), TRUE))
    return [
        _wrong(
            "E-6/65-entries-written",
            "X-2/given-65",
            _writes(request(mapping(*_others(65)))),
        ),
        _wrong("E-6/one-entry-shed", "X-2/given-65", _writes(request(mapping(*_others(64))))),
        _wrong(
            "E-9/unusable-written",
            "U-4/given-negative",
            _writes(request(mapping(uint(7), nint(-1)))),
        ),
        _wrong("E-9/unusable-shed", "U-4/given-negative", _writes(request())),
        _wrong("E-10/encoded-shed", "X-8/encoded-unusable-trace-kept", _writes(request(), trace=1)),
        _wrong("E-11/plain-written", "X-8/encoded-wins", _writes(plain)),
        _wrong(
            "E-11/state-written",
            "E-11/trace-and-its-state",
            _writes(request(mapping(uint(1), bstr(binary_trace(flags=0)), uint(3), tstr("a=1")))),
        ),
        _wrong("E-12/plain-trace-written", "U-1/given-trace-as-a-value", _writes(decided)),
        _wrong("E-14/last-fault-named", "U-4/given-before-no-key", _refuses("X-5")),
        _wrong("E-9/encoded-refused", "E-9/encoded-u-4-negative", _refuses("U-4")),
    ]


def _relays() -> list[Json]:
    traced = request(mapping(*NEW_TRACE))
    hello = frame(uint(3), uint(0), uint(0), bstr(), mapping(*NEW_TRACE))
    sorted_value = mapping(uint(1), NULL, tstr("z"), NULL)
    empty_map = MAGIC + b"\x85" + request()[4:] + mapping()
    whole = _others(64)
    unchanged = _writes(request(mapping(*whole)), trace=1)
    return [
        _wrong("L-1/empty-map-left", "L-1/map-disappears", _writes(empty_map)),
        _wrong(
            "L-1/tracestate-left",
            "L-1/tracestate-goes",
            _writes(request(mapping(*NEW_TRACE, uint(3), tstr("old=1")))),
        ),
        _wrong(
            "L-1/values-written-anew",
            "L-1/others-kept-as-context-appears",
            _writes(request(mapping(uint(1), FALSE, uint(ODD_KEY), sorted_value))),
        ),
        _wrong(
            "L-2/another-key-left-out",
            "L-2/64-others-and-false",
            _writes(request(mapping(uint(1), FALSE, *whole[:-2]))),
        ),
        _wrong("L-2/refused", "L-2/64-others", _refuses("X-2")),
        _wrong(
            "L-2/old-trace-lost",
            "L-2/old-trace-stays",
            _writes(request(mapping(uint(ODD_KEY), bstr(bytes(16_373)))), trace=1),
        ),
        _wrong(
            "L-2/tracestate-kept-for-trace",
            "L-2/room-for-trace-alone",
            _writes(request(mapping(uint(1), OLD, *whole[2:])), trace=1),
        ),
        _wrong("L-5/refused", "L-2/64-others-and-tracestate", _refuses("X-2")),
        _wrong("L-5/tracestate-not-counted", "L-2/64-others-and-tracestate", unchanged),
        _wrong(
            "L-6/fanout-left",
            "L-6/another-trace-id",
            _writes(request(mapping(*NEW_TRACE, uint(11), array(uint(9), uint(3))))),
        ),
        _wrong("L-6/fanout-to-draw-removed", "L-6/to-draw-stays", _writes(traced)),
        _wrong("L-3/hello-stamped", "L-3/kind-3", _writes(hello)),
        _wrong("L-4/even-key-dropped", "L-4/even-key-alone", _writes(request())),
        _wrong(
            "L-4/even-key-kept",
            "L-4/even-key-alone",
            _writes(request(mapping(uint(EVEN_KEY), NULL))),
        ),
        _wrong("L-4/extensions-left", "L-4/trace", _writes(traced)),
    ]


def _readers() -> list[Json]:
    fault: Json = {"error": {"rule": "F-5", "offset": 0, "kind": None, "id": None}}
    base: Json = {"frame": written(BASE)}
    at: Json = {"error": {"rule": "F-5", "offset": 0, "kind": None, "id": None, "at": len(BASE)}}
    long: Json = {"error": {"rule": "S-2", "offset": 0, "kind": None, "id": None}}
    goes_on: Json = {"items": [long, base], "eof": None}
    return [
        _wrong("S-4/reader-stops", "S-4/bare", {"items": [base, fault], "eof": None}),
        _wrong("S-4/reader-says-nothing", "S-4/bare", {"items": [base], "eof": None}),
        _wrong("S-4/empty-record-passed-over", "S-4/twenty-empty", {"items": [base], "eof": None}),
        _wrong("S-5/reader-goes-on", "S-5/newline", {"items": [base, at, base], "eof": None}),
        _wrong("S-8/reader-goes-on", "S-5/newline", {"items": [base, at, base], "eof": None}),
        _wrong("S-10/reader-goes-on", "S-2/nothing-is-read-after-it", goes_on),
        _wrong("S-5/reader-says-nothing", "S-5/newline", {"items": [base], "eof": None}),
    ]


def _unwrapping() -> list[Json]:
    cut, _ = BROKEN["cut-short"]
    return [
        _wrong("M-1/bare-taken", "M-1/bare-json", bare(BODY)),
        _wrong("M-2/falls-back-to-bare", "M-2/cut-short", bare(cut)),
        _wrong("M-2/envelope-as-bare", "M-2/not-sampled", bare(TRACED)),
        _wrong("M-7/falls-back-to-bare", "M-2/cut-short", bare(cut)),
        _wrong("M-3/request-taken", "M-3/request-in-both", enveloped(b"")),
        _wrong("M-3/request-as-bare", "M-3/request-in-both", bare(request())),
        _wrong("M-4/envelope-opened", "M-4/envelope", enveloped()),
        _wrong("M-5/sent-as-it-is", "M-5/envelope", {"sent_as_it_is": True}),
        _wrong("X-11/acted-upon", "X-11/not-understood", enveloped(extensions=[(EVEN_KEY, NULL)])),
    ]
