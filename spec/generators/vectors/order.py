"""frames.json, the order of questions: which rule wins where several are broken (section 2.1)."""

from .build import (
    FALSE,
    MAGIC,
    NULL,
    ODD,
    ODD_KEY,
    Json,
    array,
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

FOUR = MAGIC + b"\x84"
OPEN = request(b"\x00")[:-1]
READ = (0, 1)


def cases() -> list[Json]:
    return [*_left_to_right(), *_within_an_item(), *_within_a_key(), *_map_size()]


def _left_to_right() -> list[Json]:
    """The first item that is wrong decides, whatever comes after it."""
    nothing = b"\xff"
    return [
        refused("F-5/before-all-else", b"", b"\xd9\xd4\xf8", b"\x9f" + nothing),
        refused("F-6/before-a-bad-kind", MAGIC, head(4, 3), nothing),
        refused("F-7/before-a-bad-id", FOUR, uint(65_536), uint(2**32)),
        refused("F-8/before-a-bad-target", FOUR + b"\x00", uint(2**32), b"\x60", (0, None)),
        refused("F-9/before-a-bad-target", FOUR + b"\x00", b"\x00", b"\x60\x40", (0, None)),
        refused("F-10/before-a-bad-target", FOUR + b"\x02", b"\x01", b"\x00", (2, None)),
        refused("F-11/before-a-bad-payload", FOUR + b"\x00\x01", b"\x60", b"\x60", READ),
        refused("F-17/before-a-bad-map", MAGIC + b"\x85\x00\x01\x61a", b"\x60", b"\xa0", READ),
        refused("X-1/before-trailing-bytes", OPEN, array(), b"\x00", READ),
        refused("X-2/before-trailing-bytes", OPEN, mapping(), b"\x00", READ),
        refused("X-4/before-a-bad-value", OPEN + b"\xa1", nint(-1), b"\xf7", READ),
        refused("X-8/before-a-bad-second-key", OPEN + b"\xa2\x01", b"\xf7", b"\x01\xf4", READ),
        refused("X-7/before-a-bad-value", OPEN + b"\xa2\x03\xf4", b"\x01", b"\xf7", READ),
        refused("F-16/before-a-bad-payload", FOUR + b"\x00\x01", b"\x61\xff", b"\x60", READ),
        refused("F-18/after-a-whole-map", OPEN + b"\xa1\x01\xf4", b"\x1c", read=READ),
    ]


def _within_an_item() -> list[Json]:
    """Head complete, well-formed, definite, shortest, type, value, content."""
    target = FOUR + b"\x00\x01"
    value = OPEN + b"\xa1" + ODD
    seventeenth = value + b"\x81" * 16
    return [
        refused("F-2/before-the-argument-is-needed", FOUR, b"\x1c"),
        refused("F-3/before-the-type", FOUR, b"\x5f", b"\xff", comment="bytes where kind stands"),
        cut_short("F-1/head-before-shortest-form", FOUR + b"\x19\x00", (None, None)),
        cut_short("F-1/head-before-the-type", FOUR + b"\x78", (None, None)),
        cut_short("F-1/head-of-a-simple-value", FOUR + b"\xf8", (None, None)),
        refused("F-4/before-the-type", FOUR, b"\x78\x01", b"a", comment="text where kind stands"),
        refused(
            "F-4/before-the-range",
            FOUR + b"\x00",
            b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff",
            read=(0, None),
        ),
        refused("F-4/before-the-length", target, b"\x78\x00", b"\x40", READ),
        refused("F-4/before-the-content", target, b"\x78\x01\xff", b"\x40", READ),
        refused("F-4/before-the-depth", seventeenth, b"\x98\x01", b"\xf6", READ),
        refused("F-4/tag-before-the-type", value, b"\xd8\x00\x00", read=READ),
        refused("F-4/count-before-its-range", OPEN, b"\xb8\x00", read=READ),
        refused("F-11/length-before-content", target, head(3, 256), read=READ),
        refused("F-11/length-before-utf-8", target, tstr(b"\xff" * 256), b"\x40", READ),
        cut_short("F-1/content-before-utf-8", target + b"\x62\xff", READ),
        cut_short("F-1/value-content-before-utf-8", value + b"\x62\xff", READ),
        refused("X-8/float-not-in-shortest-form", value, b"\xfb" + bytes(8), read=READ),
        refused("X-8/before-the-tags-content", value, b"\xc0", read=READ),
        refused("X-9/before-the-elements", seventeenth, b"\x81", b"\x1c", READ),
        refused("X-9/before-a-count-that-is-not-kept", seventeenth, head(5, 2**64 - 1), read=READ),
        refused("X-10/before-its-content", value + b"\xa1", b"\x42", b"a", READ),
        cut_short("F-1/in-an-array-of-two", value + b"\x82\x00", READ),
    ]


def _within_a_key() -> list[Json]:
    """Type, value, content, then order."""
    second = OPEN + b"\xa2\x61b\xf6"
    return [
        refused("X-5/zero-before-order", OPEN + b"\xa2\x01\xf4", b"\x00", NULL, READ),
        refused("X-6/before-order", OPEN + b"\xa2\x61b\xf6", b"\x60", NULL, READ),
        refused("X-6/before-content", OPEN + b"\xa1", head(3, 65), read=READ),
        refused("F-16/key-before-order", second, b"\x61\xff", NULL, READ),
        refused("F-16/smaller-key-before-order", OPEN + b"\xa2\x62bb\xf6", b"\x61\x80", NULL, READ),
        cut_short("F-1/key-before-order", second + b"\x62a", READ),
        refused("X-7/text-then-number", second, b"\x01", NULL, READ),
        refused("X-7/before-a-missing-value", second, b"\x61b", read=READ),
        refused("F-4/key-before-order", OPEN + b"\xa2\x03\xf4", b"\x18\x01", NULL, READ),
    ]


def _map_size() -> list[Json]:
    """The map's size is asked after each entry."""
    large = bstr(bytes(16_400))
    over = array(bstr(bytes(16_400)), b"\xf7")
    entry = mapping(uint(ODD_KEY), large)[1:]
    told = OPEN + b"\xa1" + ODD + head(2, 16_400)
    return [
        refused("X-3/before-the-next-key", OPEN, b"\xa2" + entry, ODD + b"\xf4", READ),
        refused("X-3/before-a-missing-key", OPEN, b"\xa2" + entry, read=READ),
        refused("X-3/before-a-malformed-key", OPEN, b"\xa2" + entry, b"\x1c", READ),
        refused("X-3/before-trailing-bytes", OPEN, b"\xa1" + entry, b"\x00", READ),
        refused("X-8/before-the-maps-size", OPEN + b"\xa1" + ODD + over[:-1], over[-1:], read=READ),
        cut_short("F-1/before-the-maps-size", told, READ),
        cut_short("F-1/before-the-maps-size-inside", told + bytes(16_390), READ),
        refused(
            "X-7/key-beyond-the-size",
            OPEN + b"\xa2" + ODD + bstr(bytes(16_370)),
            b"\x0d",
            FALSE,
            READ,
        ),
    ]
