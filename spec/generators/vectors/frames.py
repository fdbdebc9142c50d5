"""frames.json, the base frame: what it may hold (F-5 to F-18)."""

from .build import (
    FALSE,
    KINDS,
    MAGIC,
    NULL,
    ODD,
    OTHER_KIND,
    Json,
    accepted,
    array,
    bstr,
    cut_short,
    frame,
    head,
    mapping,
    nint,
    refused,
    request,
    tstr,
    uint,
)

#: The four-element frame up to its kind, id, target or payload.
OPEN = MAGIC + b"\x84"

ANSWERED = (0, 1, 5, 6, 7)
UNANSWERED = (2, 3, 4)
UNKNOWN = (OTHER_KIND, OTHER_KIND + 1, 65_535)
BOUNDARIES = (1, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1)

#: UTF-8 that is none.
BAD_TEXT = {
    "surrogate": b"\xed\xa0\x80",
    "surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "last-surrogate": b"\xed\xbf\xbf",
    "overlong-slash": b"\xc0\xaf",
    "overlong-nul": b"\xc0\x80",
    "overlong-in-three": b"\xe0\x9f\xbf",
    "overlong-in-four": b"\xf0\x8f\xbf\xbf",
    "above-10ffff": b"\xf4\x90\x80\x80",
    "five-bytes": b"\xf8\x88\x80\x80\x80",
    "byte-fe": b"\xfe",
    "byte-ff": b"a\xff",
    "lone-continuation": b"\x80",
    "cut-after-two-of-three": b"a\xe2\x82",
    "cut-after-one-of-two": b"\xc3",
    "cut-inside": b"\xe2\x82a",
}

#: UTF-8 at the edges of its ranges.
GOOD_TEXT = {
    "nul": "\0",
    "last-of-one-byte": "\x7f",
    "first-of-two-bytes": "\x80",
    "last-of-two-bytes": "\u07ff",
    "first-of-three-bytes": "\u0800",
    "before-surrogates": "\ud7ff",
    "after-surrogates": "\ue000",
    "last-of-three-bytes": "\uffff",
    "first-of-four-bytes": "\U00010000",
    "last-character": "\U0010ffff",
    "byte-order-mark": "\ufeffa",
    "not-normalised": "e\u0301",
}


def cases() -> list[Json]:
    return [
        *_shapes(),
        *_kinds(),
        *_ids(),
        *_text_targets(),
        *_number_targets(),
        *_other_targets(),
        *_text(),
        *_payloads(),
        *_trailing(),
    ]


def target_of(kind: int) -> tuple[int | str, bytes]:
    """A target that suits the kind, and its bytes."""
    return ("a", tstr("a")) if kind in (0, 2) else (0, uint(0))


def id_of(kind: int) -> int:
    """An id that suits the kind."""
    return 0 if kind in UNANSWERED else 1


def _shapes() -> list[Json]:
    rest = uint(0) + uint(1) + tstr("a") + bstr()
    four, five = ("D9 D4 F7 84", "D9 D4 F7 85")
    return [
        accepted("F-5/tag", OPEN + rest, (0, 1, "a", b""), comment=f"begins {four}"),
        accepted("F-6/four-elements", OPEN + rest, (0, 1, "a", b"")),
        accepted(
            "F-6/five-elements",
            request(mapping(uint(1), FALSE)),
            (0, 1, "a", b""),
            [(1, FALSE)],
            obeys="X-1 X-2",
            comment=f"begins {five}",
        ),
        *(
            refused(f"F-5/{name}", b"", fault, rest, comment=comment)
            for name, fault, comment in (
                ("no-tag", b"\x84", None),
                ("first-byte", b"\xd8\xd4\xf7\x84", None),
                ("second-byte", b"\xd9\xd5\xf7\x84", None),
                ("third-byte", b"\xd9\xd4\xf6\x84", None),
                ("self-described-cbor", b"\xd9\xd9\xf7\x84", "tag 55799"),
                ("tag-in-five-bytes", b"\xda\x00\x00\xd4\xf7\x84", "F-5, not F-4"),
                ("malformed", b"\xdc", "F-5, not F-2: the tag's bytes are only compared"),
                ("break", b"\xff", None),
                ("text", b"{", "JSON"),
            )
        ),
        refused("F-5/second-byte-wrong-and-last", b"", b"\xd9\x00"),
        refused("F-5/third-byte-wrong-and-last", b"", b"\xd9\xd4\x00"),
        *(refused(f"F-6/{n}-elements", MAGIC, head(4, n), rest) for n in (0, 3, 6, 23, 24, 2**32)),
        refused("F-6/map-of-two", MAGIC, head(5, 2), rest),
        refused("F-6/two-tags", MAGIC, MAGIC + b"\x84", rest, comment="a frame inside the tag"),
        refused("F-6/bytes", MAGIC, bstr(OPEN + rest)),
    ]


def _kinds() -> list[Json]:
    made = []
    for kind, name in KINDS.items():
        target, target_bytes = target_of(kind)
        id = id_of(kind)
        fields = (kind, id, target, b"\x01")
        data = frame(uint(kind), uint(id), target_bytes, bstr(b"\x01"))
        made.append(accepted(f"F-7/{name}", data, fields))
        extended = frame(uint(kind), uint(id), target_bytes, bstr(b"\x01"), mapping(uint(1), FALSE))
        made.append(accepted(f"F-7/{name}-with-extensions", extended, fields, [(1, FALSE)]))
    for kind in UNKNOWN:
        data = frame(uint(kind), uint(0), uint(0), bstr())
        made.append(accepted(f"F-7/kind-{kind}", data, (kind, 0, 0, b"")))
    for kind in (65_536, 2**32 - 1, 2**32, 2**64 - 1):
        made.append(refused(f"F-7/kind-{kind}", OPEN, uint(kind), b"\x01\x61a\x40"))
    for kind in (23, 24, 255, 256, 32_767):  # whatever they come to be, they are read
        made.append(cut_short(f"F-1/after-kind-{kind}", OPEN + uint(kind), (kind, None)))
    return made


def _ids() -> list[Json]:
    made = []
    for id in BOUNDARIES:
        data = frame(uint(0), uint(id), tstr("a"), bstr())
        made.append(accepted(f"F-8/request-{id}", data, (0, id, "a", b""), obeys="F-9"))
        data = frame(uint(OTHER_KIND), uint(id), uint(0), bstr())
        fields = (OTHER_KIND, id, 0, b"")
        made.append(accepted(f"F-8/unknown-kind-{id}", data, fields))
    for kind, name in KINDS.items():
        target, after = target_of(kind)
        good, bad, rule = (1, 0, "F-9") if kind in ANSWERED else (0, 1, "F-10")
        data = frame(uint(kind), uint(good), after, bstr())
        made.append(accepted(f"{rule}/{name}", data, (kind, good, target, b"")))
        wrong = refused(
            f"{rule}/{name}-{bad}", OPEN + uint(kind), uint(bad), after + b"\x40", (kind, None)
        )
        made.append(wrong)
        for id in (2**32, 2**64 - 1):
            before = OPEN + uint(kind)
            made.append(
                refused(f"F-8/{name}-{id}", before, uint(id), after + b"\x40", (kind, None))
            )
    for kind in UNANSWERED:
        before = OPEN + uint(kind)
        for id in (24, 2**32 - 1):
            case = f"F-10/{KINDS[kind]}-{id}"
            made.append(refused(case, before, uint(id), b"\x00\x40", (kind, None)))
    return made


def _text_targets() -> list[Json]:
    made = []
    for kind, rule, least in ((0, "F-11", 1), (2, "F-12", 0), (OTHER_KIND, "F-15", 0)):
        id = id_of(kind)
        before = OPEN + uint(kind) + uint(id)
        for size in (0, 1, 23, 24, 255):
            if size >= least:
                data = before + tstr("m" * size) + b"\x40"
                made.append(accepted(f"{rule}/{size}-bytes", data, (kind, id, "m" * size, b"")))
        for size in (256, 65_535, 65_536):
            target = tstr("m" * size) if size == 256 else head(3, size)
            made.append(refused(f"{rule}/{size}-bytes", before, target, b"\x40", (kind, id)))
        for size in (2**32 - 1, 2**32, 2**64 - 1):
            told = refused(f"{rule}/{size}-bytes-told", before, head(3, size), read=(kind, id))
            made.append(told)
        wide = "\u00e9" * 128
        bad = refused(
            f"{rule}/128-characters-of-256-bytes", before, tstr(wide), b"\x40", (kind, id)
        )
        made.append(bad | {"comment": "the limit counts bytes, not characters"})
        wide = "\u00e9" * 127 + "e"
        data = before + tstr(wide) + b"\x40"
        made.append(accepted(f"{rule}/128-characters-of-255-bytes", data, (kind, id, wide, b"")))
    empty = refused("F-11/empty", OPEN + b"\x00\x01", b"\x60", b"\x40", (0, 1))
    number = refused("F-11/number", OPEN + b"\x00\x01", b"\x00", b"\x40", (0, 1))
    envelope = accepted(
        "F-12/envelope", OPEN + b"\x02\x00\x60" + bstr(b"{}"), (2, 0, "", b"{}"), obeys="F-10"
    )
    status = refused("F-12/number", OPEN + b"\x02\x00", b"\x00", b"\x40", (2, 0))
    return [*made, empty, number, envelope, status]


def _number_targets() -> list[Json]:
    made = []
    for kind, rule in ((1, "F-13"), (OTHER_KIND, "F-15")):
        before = OPEN + uint(kind) + uint(1)
        for number in (0, 16, 17, *BOUNDARIES):
            data = before + uint(number) + b"\x40"
            made.append(accepted(f"{rule}/number-{number}", data, (kind, 1, number, b"")))
        for number in (2**32, 2**64 - 1):
            bad = refused(f"{rule}/number-{number}", before, uint(number), b"\x40", (kind, 1))
            made.append(bad)
        made.append(refused(f"{rule}/negative", before, nint(-1), b"\x40", (kind, 1)))
        made.append(refused(f"{rule}/bytes", before, bstr(b"a"), b"\x40", (kind, 1)))
    made.append(refused("F-13/text", OPEN + b"\x01\x01", tstr("OK"), b"\x40", (1, 1)))
    return made


def _other_targets() -> list[Json]:
    made = []
    for kind in (3, 4, 5, 6, 7):
        id, name = id_of(kind), KINDS[kind]
        before = OPEN + uint(kind) + uint(id)
        made.append(accepted(f"F-14/{name}", before + b"\x00\x40", (kind, id, 0, b"")))
        for fault, shape in (
            (uint(1), "one"),
            (tstr(""), "empty-text"),
            (uint(2**64 - 1), "large"),
        ):
            made.append(refused(f"F-14/{name}-{shape}", before, fault, b"\x40", (kind, id)))
    for kind in UNKNOWN:
        for id in (0, 1, 2**32 - 1):
            before = OPEN + uint(kind) + uint(id)
            for target, item, shape in (("", tstr(""), "text"), (7, uint(7), "number")):
                data = before + item + bstr(b"x")
                case = f"F-15/kind-{kind}-id-{id}-{shape}"
                made.append(accepted(case, data, (kind, id, target, b"x")))
        for item, shape in ((bstr(), "bytes"), (array(), "array"), (NULL, "null")):
            bad = refused(f"F-15/kind-{kind}-{shape}", before, item, b"\x40", (kind, 2**32 - 1))
            made.append(bad)
    return made


def _text() -> list[Json]:
    made = []
    before = OPEN + b"\x00\x01"
    for name, text in GOOD_TEXT.items():
        data = before + tstr(text) + b"\x40"
        made.append(accepted(f"F-16/target-{name}", data, (0, 1, text, b"")))
        data = request(mapping(tstr(text), tstr(text)))
        fields = (0, 1, "a", b"")
        made.append(accepted(f"F-16/extension-{name}", data, fields, [(text, tstr(text))]))
    for name, content in BAD_TEXT.items():
        fault = tstr(content)
        made.append(refused(f"F-16/target-{name}", before, fault, b"\x40", (0, 1)))
        start = request(b"\xa1")
        for place, opening, after in (
            ("key", start, FALSE),
            ("value", start + ODD, b""),
            ("element", start + ODD + b"\x82\x00", b""),
            ("nested-key", start + ODD + b"\xa1", FALSE),
            ("nested-value", start + ODD + b"\xa1\x00", b""),
        ):
            made.append(refused(f"F-16/{place}-{name}", opening, fault, after, (0, 1)))
    notification = OPEN + b"\x02\x00"
    made.append(refused("F-16/notification", notification, tstr(b"\xff"), b"\x40", (2, 0)))
    unknown = OPEN + uint(OTHER_KIND) + b"\x00"
    made.append(refused("F-16/unknown-kind", unknown, tstr(b"\xff"), b"\x40", (OTHER_KIND, 0)))
    payload = b"\xff\xed\xa0\x80"
    data = before + b"\x61a" + bstr(payload)
    comment = "the payload is not text to the frame"
    made.append(accepted("F-16/payload-not-text", data, (0, 1, "a", payload), comment=comment))
    return made


def _payloads() -> list[Json]:
    made = []
    before = OPEN + b"\x00\x01\x61a"
    for size in (0, 1, 23, 24, 255, 256, 4_095, 4_096, 4_097, 65_535, 65_536):
        payload = b"p" * size
        data = before + bstr(payload)
        made.append(accepted(f"F-17/{size}-bytes", data, (0, 1, "a", payload)))
        extended = MAGIC + b"\x85" + before[4:] + bstr(payload) + mapping(uint(1), FALSE)
        case = f"F-17/{size}-bytes-and-extensions"
        made.append(accepted(case, extended, (0, 1, "a", payload), [(1, FALSE)]))
    for item, name in (
        (tstr("a"), "text"),
        (uint(0), "number"),
        (array(bstr()), "array"),
        (mapping(), "map"),
        (NULL, "null"),
        (b"\xd8\x18\x40", "tagged"),
    ):
        made.append(refused(f"F-17/{name}", before, item, read=(0, 1)))
    inner = request()
    made.append(accepted("F-17/frame-in-frame", before + bstr(inner), (0, 1, "a", inner)))
    for content, name in ((b"\x1c", "malformed"), (b"\x18\x00", "long-form"), (b"\x9f", "open")):
        case = f"F-17/{name}-cbor-inside"
        made.append(accepted(case, before + bstr(content), (0, 1, "a", content)))
    return made


def _trailing() -> list[Json]:
    base, extended = request(), request(mapping(uint(1), FALSE))
    return [
        accepted("F-18/nothing-follows", base, (0, 1, "a", b"")),
        refused("F-18/zero", base, b"\x00", read=(0, 1)),
        refused("F-18/break", base, b"\xff", read=(0, 1), comment="not F-2: it is no item's head"),
        refused("F-18/map-after-four-elements", base, mapping(uint(1), FALSE), read=(0, 1)),
        refused("F-18/second-frame", base, base, read=(0, 1)),
        refused("F-18/after-extensions", extended, b"\x00", read=(0, 1)),
        refused("F-18/newline", extended, b"\n", read=(0, 1)),
        refused(
            "F-18/unknown-kind",
            frame(uint(OTHER_KIND), uint(5), uint(0), bstr()),
            b"\x00",
            read=(OTHER_KIND, 5),
        ),
    ]
