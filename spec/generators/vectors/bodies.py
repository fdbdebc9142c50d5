"""bodies.json: payloads of hello and goaway, and bodies of errors (C-8, C-21, C-22, C-37, C-38,
C-51, C-65)."""

from .build import (
    EVEN_KEY,
    NULL,
    OTHER_KIND,
    TRUE,
    Json,
    array,
    bstr,
    head,
    mapping,
    nint,
    tstr,
    uint,
    vector,
    written,
)
from .tagged import tagged

Entries = list[tuple[bytes, bytes]]

#: Bytes of the longest payload that is read.
MOST = 16_384
UNREADABLE = "unreadable"

KINDS = array(*map(uint, range(3, 8)))
HELLO: Entries = [
    (uint(0), uint(2)),
    (uint(1), array()),
    (uint(2), KINDS),
    (uint(3), uint(65_536)),
]
GOAWAY: Entries = [(uint(0), uint(4)), (uint(1), uint(0))]
ERROR: Entries = [(uint(0), tstr("no"))]


def cases() -> list[Json]:
    return [*_hellos(), *_goaways(), *_errors(), *_no_maps(), *_sizes(), *_keys()]


def _body(entries: Entries) -> bytes:
    return mapping(*[part for entry in entries for part in entry])


def _with(entries: Entries, *others: tuple[bytes, bytes]) -> bytes:
    """The entries, of which some have other values, and more of them."""
    given = dict(others)
    kept = [(key, given.pop(key, value)) for key, value in entries]
    return _body(kept + list(given.items()))


def _without(entries: Entries, key: int) -> bytes:
    return _body([entry for entry in entries if entry[0] != uint(key)])


def _reads(
    id: str, of: str, data: bytes, expect: object, breaks: str | None = None, obeys: str = ""
) -> Json:
    """A body, what it is the body of, and what a reader takes it for."""
    fields: Json = {"of": of, "hex": written(data), "expect": expect}
    return vector(id, fields, obeys or ("" if breaks else id.split("/")[0]), breaks)


def hello(
    generation: int = 2,
    even_keys: tuple[int, ...] = (),
    kinds: tuple[int, ...] = (3, 4, 5, 6, 7),
    max_frame: int = 65_536,
    agent: str | None = None,
) -> Json:
    return {
        "generation": generation,
        "even_keys": list(even_keys),
        "kinds": list(kinds),
        "max_frame": max_frame,
        "agent": agent,
    }


def goaway(last_id: int = 4, status: int = 0, text: str | None = None) -> Json:
    return {"last_id": last_id, "status": status, "text": text}


def error(message: str = "no", details: Json | None = None, executed: int | None = None) -> Json:
    return {"message": message, "details": details, "executed": executed}


def _hellos() -> list[Json]:
    fine: dict[str, tuple[bytes, Json]] = {
        "least": (_body(HELLO), hello()),
        "default": (_with(HELLO, (uint(3), uint(4_194_304))), hello(max_frame=4_194_304)),
        "large-max-frame": (_with(HELLO, (uint(3), uint(2**32))), hello(max_frame=2**32)),
        "agent": (_with(HELLO, (uint(4), tstr("guild-1"))), hello(agent="guild-1")),
        "agent-of-64-bytes": (_with(HELLO, (uint(4), tstr("a" * 64))), hello(agent="a" * 64)),
        "empty-agent": (_with(HELLO, (uint(4), tstr(""))), hello()),
        "even-keys": (
            _with(HELLO, (uint(1), array(uint(EVEN_KEY), uint(EVEN_KEY + 2)))),
            hello(even_keys=(EVEN_KEY, EVEN_KEY + 2)),
        ),
        "kinds": (
            _with(HELLO, (uint(2), array(uint(3), uint(OTHER_KIND)))),
            hello(kinds=(3, OTHER_KIND)),
        ),
        "no-kinds": (_with(HELLO, (uint(2), array())), hello(kinds=())),
        "generation-300": (_with(HELLO, (uint(0), uint(300))), hello(generation=300)),
    }
    made = [_reads(f"C-8/{name}", "hello", *each) for name, each in fine.items()]
    small: dict[str, tuple[int, bytes]] = {
        "max-frame-65535": (3, uint(65_535)),
        "max-frame-0": (3, uint(0)),
        "agent-of-65-bytes": (4, tstr("a" * 65)),
        "agent-of-33-characters-of-66-bytes": (4, tstr("\u00e9" * 33)),
        "agent-bytes": (4, bstr(b"a")),
        "agent-number": (4, uint(1)),
        "agent-null": (4, NULL),
    }
    for name, (key, item) in small.items():
        data = _with(HELLO, (uint(key), item))
        made.append(_reads(f"C-8/{name}", "hello", data, UNREADABLE, "C-8"))
    types: dict[str, tuple[int, bytes]] = {
        "generation-negative": (0, nint(-1)),
        "generation-true": (0, TRUE),
        "generation-text": (0, tstr("2")),
        "even-keys-number": (1, uint(2)),
        "even-keys-map": (1, mapping()),
        "even-keys-text-in-them": (1, array(tstr("2"))),
        "even-keys-negative": (1, array(uint(EVEN_KEY), nint(-1))),
        "kinds-null": (2, NULL),
        "kinds-bytes": (2, bstr(b"\x03")),
        "kinds-nested": (2, array(array())),
        "max-frame-text": (3, tstr("65536")),
        "max-frame-negative": (3, nint(-65_536)),
    }
    for name, (key, item) in types.items():
        data = _with(HELLO, (uint(key), item))
        made.append(_reads(f"C-37/hello-{name}", "hello", data, UNREADABLE, "C-37"))
    for key in range(4):
        data = _without(HELLO, key)
        made.append(_reads(f"C-37/hello-without-{key}", "hello", data, UNREADABLE, "C-37"))
    return made


def _goaways() -> list[Json]:
    fine: dict[str, tuple[bytes, Json]] = {
        "drain": (_body(GOAWAY), goaway()),
        "of-an-error": (
            _with(GOAWAY, (uint(1), uint(3)), (uint(2), tstr("why"))),
            goaway(4, 3, "why"),
        ),
        "of-nothing": (_with(GOAWAY, (uint(0), uint(0))), goaway(0)),
        "of-the-last-id": (_with(GOAWAY, (uint(0), uint(2**32 - 1))), goaway(2**32 - 1)),
        "of-an-unknown-status": (_with(GOAWAY, (uint(1), uint(200))), goaway(4, 200)),
    }
    made = [_reads(f"C-37/goaway-{name}", "goaway", *each) for name, each in fine.items()]
    odd = _with(GOAWAY, (uint(2), uint(5)))
    made.append(_reads("C-37/goaway-with-a-number-as-text", "goaway", odd, goaway(), "C-37"))
    wrong = {
        "last-id-negative": _with(GOAWAY, (uint(0), nint(-1))),
        "last-id-text": _with(GOAWAY, (uint(0), tstr("4"))),
        "last-id-true": _with(GOAWAY, (uint(0), TRUE)),
        "status-text": _with(GOAWAY, (uint(1), tstr("OK"))),
        "status-null": _with(GOAWAY, (uint(1), NULL)),
        "without-last-id": _without(GOAWAY, 0),
        "without-status": _without(GOAWAY, 1),
        "empty-map": mapping(),
    }
    for name, data in wrong.items():
        made.append(_reads(f"C-37/goaway-{name}", "goaway", data, UNREADABLE, "C-37", "C-51"))
    return made


def _errors() -> list[Json]:
    value = {"a": [1, None]}
    item = mapping(tstr("a"), array(uint(1), NULL))
    every = ((uint(1), item), (uint(2), uint(2)), (uint(3), TRUE))
    fine: dict[str, tuple[bytes, Json]] = {
        "message": (_body(ERROR), error()),
        "empty-message": (_with(ERROR, (uint(0), tstr(""))), error("")),
        "every-key": (_with(ERROR, *every), error("no", tagged(value), 2)),
        "executed-no": (_with(ERROR, (uint(2), uint(0))), error(executed=0)),
        "executed-maybe": (_with(ERROR, (uint(2), uint(1))), error(executed=1)),
        "executed-yes": (_with(ERROR, (uint(2), uint(2))), error(executed=2)),
        "executed-3": (_with(ERROR, (uint(2), uint(3))), error()),
        "details-number": (_with(ERROR, (uint(1), nint(-1))), error(details=tagged(-1))),
    }
    made = [_reads(f"C-22/{name}", "error", *each) for name, each in fine.items()]
    odd = {
        "executed-negative": (uint(2), nint(-1)),
        "executed-text": (uint(2), tstr("no")),
        "executed-true": (uint(2), TRUE),
        "truncated-text": (uint(3), tstr("yes")),
    }
    for name, entry in odd.items():
        data = _with(ERROR, entry)
        made.append(_reads(f"C-37/error-{name}", "error", data, error(), "C-37", "C-22"))
    wrong = {
        "message-number": _with(ERROR, (uint(0), uint(0)), (uint(2), uint(0))),
        "message-bytes": _with(ERROR, (uint(0), bstr(b"no"))),
        "without-message": _body([(uint(2), uint(0))]),
        "empty-map": mapping(),
    }
    for name, data in wrong.items():
        made.append(_reads(f"C-37/error-{name}", "error", data, UNREADABLE, "C-37", "C-22"))
    long = _with(ERROR, (uint(0), tstr("m" * 5_000)))
    made.append(_reads("C-21/error-of-5006-bytes", "error", long, error("m" * 5_000), "C-21"))
    most = _with(ERROR, (uint(0), tstr("m" * (4_096 - 5))))
    made.append(_reads("C-21/error-of-4096-bytes", "error", most, error("m" * (4_096 - 5))))
    return made


BODIES: dict[str, tuple[Entries, Json]] = {
    "hello": (HELLO, hello()),
    "goaway": (GOAWAY, goaway()),
    "error": (ERROR, error()),
}


def _no_maps() -> list[Json]:
    """What is no item of the subset, or no map."""
    made = []
    for of, (entries, _) in BODIES.items():
        body = _body(entries)
        last = uint(200)
        wrong = {
            "empty": b"",
            "cut-short": body[:-1],
            "byte-after": body + b"\0",
            "number": uint(0),
            "array": array(),
            "null": NULL,
            "open-map": b"\xbf" + body[1:] + b"\xff",
            "tagged": b"\xd8\x20" + body,
            "map-in-a-long-head": head(5, len(entries), 1) + body[1:],
            "number-in-a-long-head": _with(entries, (last, head(0, 1, 1))),
            "float": _with(entries, (last, b"\xf9\x3c\x00")),
            "undefined": _with(entries, (last, b"\xf7")),
            "not-utf-8": _with(entries, (last, b"\x61\xff")),
            "negative-key": _with(entries, (nint(-1), NULL)),
            "17-deep": _with(entries, (last, b"\x81" * 16 + NULL)),
        }
        for name, data in wrong.items():
            obeys = {"hello": "", "goaway": "C-51", "error": "C-22"}[of]
            made.append(_reads(f"C-37/{of}-{name}", of, data, UNREADABLE, "C-37", obeys))
    return made


def _sizes() -> list[Json]:
    made = []
    for of, (entries, fine) in BODIES.items():
        body = _body(entries)
        key = uint(200)
        for size in (MOST, MOST + 1):
            filler = bstr(bytes(size - len(body) - len(key) - 3))
            data = _with(entries, (key, filler))
            if size == MOST:
                made.append(_reads(f"C-37/{of}-of-{size}-bytes", of, data, fine, obeys="C-37"))
            else:
                made.append(_reads(f"C-37/{of}-of-{size}-bytes", of, data, UNREADABLE, "C-37"))
    return made


def _keys() -> list[Json]:
    """Unknown keys, keys in any order, and keys that occur twice."""
    made = []
    for of, (entries, fine) in BODIES.items():
        deep = b"\x81" * 15 + NULL
        more = ((uint(99), mapping(uint(1), NULL)), (tstr("0"), NULL), (uint(2**64 - 1), deep))
        made.append(_reads(f"C-38/{of}-unknown-keys", of, _with(entries, *more), fine))
        if len(entries) > 1:
            backwards = _body(entries[::-1])
            made.append(_reads(f"C-37/{of}-in-another-order", of, backwards, fine, "C-37", "C-38"))
        again = [(key, NULL) for key, _ in entries]
        made.append(_reads(f"C-65/{of}-keys-twice", of, _body([*entries, *again]), fine))
        first = [*again, *entries]
        made.append(_reads(f"C-65/{of}-unusable-first", of, _body(first), UNREADABLE))
    larger = (uint(3), uint(4_194_304))
    made.append(_reads("C-65/hello-max-frame-twice", "hello", _body([*HELLO, larger]), hello()))
    later = (uint(0), uint(9))
    made.append(_reads("C-65/goaway-last-id-twice", "goaway", _body([*GOAWAY, later]), goaway()))
    twice = [*ERROR, (uint(2), uint(0)), (uint(2), uint(2))]
    made.append(_reads("C-65/error-executed-twice", "error", _body(twice), error(executed=0)))
    return made
