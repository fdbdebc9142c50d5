"""streams.json: records of streams, files and message transports (S-1 to S-7)."""

from collections.abc import Sequence

from .build import (
    EVEN_KEY,
    FALSE,
    MAGIC,
    NULL,
    ODD_KEY,
    OTHER_KIND,
    Json,
    bstr,
    error,
    frame,
    mapping,
    request,
    rule_of,
    tstr,
    uint,
    vector,
    written,
)

BASE = request()
EXTENDED = request(mapping(uint(1), FALSE))
HELLO = frame(uint(3), uint(0), uint(0), bstr(b"\xa1\x00\x02"))

StreamItem = bytes | Json  # a frame, or the error of a record


def record(data: bytes) -> bytes:
    """A frame after its length."""
    return len(data).to_bytes(4, "big") + data


def delivers(
    id: str,
    transport: str,
    chunks: Sequence[bytes],
    items: Sequence[StreamItem],
    eof: Json | None = None,
    max_frame: int | None = None,
    obeys: str = "",
    comment: str | None = None,
) -> Json:
    """What arrives, in pieces, and what a reader makes of it.

    A vector with a fault in it breaks the rule that its id begins with, but S-4, which asks a
    reader to go on behind one.
    """
    listed = [
        {"frame": written(item)} if isinstance(item, bytes) else {"error": item} for item in items
    ]
    fields: Json = {"transport": transport}
    if max_frame is not None:
        fields["max_frame"] = max_frame
    fields["chunks"] = [written(chunk) for chunk in chunks]
    fields["expect"] = {"items": listed, "eof": eof}
    rule = rule_of(id)
    sound = rule == "S-4" or (eof is None and all(isinstance(item, bytes) for item in items))
    if sound:
        return vector(id, fields, f"{rule} {obeys}", comment=comment)
    return vector(id, fields, obeys, rule, comment)


def cases() -> list[Json]:
    return [
        *_prefixes(),
        *_long_records(),
        *_ends(),
        *_invalid_records(),
        *_files(),
        *_one_a_message(),
        *_kinds_of_messages(),
    ]


def _prefixes() -> list[Json]:
    two = record(BASE) + record(EXTENDED)
    both = [BASE, EXTENDED]
    pieces = [two[at : at + 5] for at in range(0, len(two), 5)]
    large = frame(uint(0), uint(1), tstr("a"), bstr(bytes(65_536)))
    little = len(BASE).to_bytes(4, "little") + BASE
    itself = (len(BASE) + 4).to_bytes(4, "big") + BASE
    short = (len(BASE) - 1).to_bytes(4, "big") + BASE
    return [
        delivers("S-1/no-records", "stream", [], []),
        delivers("S-1/empty-pieces", "stream", [b"", b""], []),
        delivers("S-1/one-record", "stream", [record(BASE)], [BASE]),
        delivers("S-1/two-records-in-one-piece", "stream", [two], both),
        delivers("S-1/pieces-of-five", "stream", pieces, both),
        delivers("S-1/cut-inside-the-prefix", "stream", [two[:2], two[2:15], two[15:]], both),
        delivers("S-1/prefix-alone", "stream", [two[:4], two[4:]], both),
        delivers("S-1/large", "stream", [record(large), record(BASE)], [large, BASE]),
        delivers("S-1/every-kind", "stream", [record(HELLO) + record(BASE)], [HELLO, BASE]),
        delivers(
            "S-1/no-prefix", "stream", [BASE], [error("S-2", 0)], comment="D9D4F784 as a length"
        ),
        delivers("S-1/little-endian", "stream", [little], [error("S-2", 0)]),
        delivers("S-1/length-counts-itself", "stream", [itself], [], error("S-3", len(BASE))),
        delivers(
            "S-1/length-one-short",
            "stream",
            [short],
            [error("F-1", 8, 0, 1)],
            error("S-3", 0),
        ),
    ]


def _long_records() -> list[Json]:
    default = 4_194_304
    first = default.to_bytes(4, "big")
    over = (default + 1).to_bytes(4, "big")
    exact = frame(uint(0), uint(1), tstr("a"), bstr(bytes(90)))  # 100 bytes
    longer = frame(uint(0), uint(1), tstr("a"), bstr(bytes(91)))
    full = frame(uint(0), uint(1), tstr("a"), bstr(bytes(default - 13)))
    refused = [error("S-2", 0)]
    return [
        delivers("S-2/at-the-maximum", "stream", [record(exact)], [exact], max_frame=100),
        delivers("S-2/over-the-maximum", "stream", [record(longer)], refused, max_frame=100),
        delivers(
            "S-2/prefix-is-enough",
            "stream",
            [record(longer)[:4]],
            refused,
            max_frame=100,
            obeys="S-10",
        ),
        delivers(
            "S-2/nothing-is-read-after-it",
            "stream",
            [record(longer), record(BASE)],
            refused,
            max_frame=100,
            obeys="S-10",
        ),
        delivers(
            "S-2/good-records-before-it",
            "stream",
            [record(BASE) + record(longer) + record(BASE)],
            [BASE, *refused],
            max_frame=100,
        ),
        delivers("S-2/least-maximum", "stream", [record(BASE)], refused, max_frame=1),
        delivers("S-2/at-the-default", "stream", [record(full)], [full]),
        delivers("S-2/over-the-default", "stream", [over], refused),
        delivers("S-2/longest-length", "stream", [b"\xff\xff\xff\xff"], refused),
        delivers(
            "S-3/longest-record-not-there", "stream", [first + BASE], [], error("S-3", len(BASE))
        ),
        delivers("S-2/file-at-the-maximum", "file", [exact + exact], [exact, exact], max_frame=100),
        delivers(
            "S-2/file-over-the-maximum",
            "file",
            [exact + longer + exact],
            [exact, error("S-2", 0) | {"at": 100}],
            max_frame=100,
        ),
        *_long_frames_in_files(),
    ]


def _long_frames_in_files() -> list[Json]:
    """What a file holds of a frame counts, not what the frame's heads announce."""
    faults = {
        "F-1/file-announces-over-the-maximum": (_opening(200)[:30], error("F-1", 30, 0, 1)),
        "F-2/file-inside-the-maximum": (_opening(83) + b"\x1c\x00", error("F-2", 99, 0, 1)),
        "S-2/file-fault-beyond-the-maximum": (_opening(84) + b"\x1c\x00", error("S-2", 0)),
    }
    return [
        delivers(id, "file", [data], [fault | {"at": 0}], max_frame=100)
        for id, (data, fault) in faults.items()
    ]


def _opening(size: int) -> bytes:
    """A request with a payload of so many bytes, up to the value of its only extension."""
    items = uint(0), uint(1), tstr("a"), bstr(bytes(size))
    return frame(*items, mapping(uint(ODD_KEY), b""))


def _ends() -> list[Json]:
    whole = record(EXTENDED)
    made = [delivers("S-3/ends-with-a-record", "stream", [whole], [EXTENDED])]
    for length in range(1, len(whole)):
        eof = error("S-3", max(0, length - 4))
        made.append(delivers(f"S-3/ends-at-{length}", "stream", [whole[:length]], [], eof))
    after = delivers(
        "S-3/ends-in-the-second-record",
        "stream",
        [whole + whole[:7]],
        [EXTENDED],
        error("S-3", 3),
    )
    return [*made, after]


def _invalid_records() -> list[Json]:
    """Each invalid record is one item, and takes no other with it."""
    faults: dict[str, tuple[bytes, Json]] = {
        "empty": (b"", error("F-1", 0)),
        "bare": (b"{}", error("F-5", 0)),
        "cut-short": (BASE[:-1], error("F-1", 8, 0, 1)),
        "too-long-by-one": (BASE + b"\0", error("F-18", 9, 0, 1)),
        "two-in-one": (BASE + BASE, error("F-18", 9, 0, 1)),
        "bad-kind": (MAGIC + b"\x84\x20", error("F-7", 4)),
        "bad-id": (MAGIC + b"\x84\x01\x20", error("F-8", 5, 1)),
        "bad-extensions": (request(b"\xa0"), error("X-2", 9, 0, 1)),
    }
    made = []
    for name, (data, fault) in faults.items():
        chunks = [record(BASE) + record(data) + record(EXTENDED)]
        items: list[StreamItem] = [BASE, fault, EXTENDED]
        made.append(delivers(f"S-4/{name}", "stream", chunks, items))
    many = [record(b"")] * 20
    faults_only = [error("F-1", 0)] * 20
    comment = "the reader of records goes on; ending the connection at the 16th is C-4"
    last = delivers("S-4/twenty-empty", "stream", [*many, record(BASE)], [*faults_only, BASE])
    return [*made, last | {"comment": comment}]


def _files() -> list[Json]:
    at = len(BASE)
    faults: dict[str, tuple[bytes, Json]] = {
        "bare": (b"{}", error("F-5", 0)),
        "newline": (b"\n", error("F-5", 0)),
        "cut-short": (EXTENDED[:-1], error("F-1", len(EXTENDED) - 1, 0, 1)),
        "cut-in-the-tag": (b"\xd9\xd4", error("F-1", 2)),
        "bad-payload": (request()[:-1] + b"\x60", error("F-17", 8, 0, 1)),
        "length-prefix": (record(BASE), error("F-5", 0)),
    }
    made = [
        delivers("S-5/empty", "file", [], []),
        delivers("S-5/one-frame", "file", [BASE], [BASE]),
        delivers("S-5/back-to-back", "file", [BASE + EXTENDED + HELLO], [BASE, EXTENDED, HELLO]),
        delivers("S-5/read-in-pieces", "file", [BASE[:5], BASE[5:] + EXTENDED], [BASE, EXTENDED]),
    ]
    for name, (data, fault) in faults.items():
        after = b"" if name.startswith("cut") else BASE
        items: list[StreamItem] = [BASE, fault | {"at": at}]
        made.append(delivers(f"S-5/{name}", "file", [BASE + data + after], items, obeys="S-8"))
    return made


def _one_a_message() -> list[Json]:
    two = [error("F-18", len(BASE), 0, 1)]
    first = BASE[:6]
    split: list[StreamItem] = [error("F-1", 6, 0, 1), error("F-5", 0)]
    return [
        delivers("S-6/one-a-message", "message", [BASE, EXTENDED], [BASE, EXTENDED]),
        delivers("S-6/two-in-a-message", "message", [BASE + EXTENDED], two),
        delivers("S-6/one-in-two-messages", "message", [first, BASE[6:]], split),
        delivers("S-6/length-prefix", "message", [record(BASE)], [error("F-5", 0)]),
        delivers("S-6/empty-message", "message", [b""], [error("F-1", 0)]),
    ]


def _kinds_of_messages() -> list[Json]:
    response = frame(uint(1), uint(1), uint(0), bstr())
    notification = frame(uint(2), uint(0), tstr("a"), bstr())
    odd = request(mapping(uint(ODD_KEY), NULL, tstr("app"), NULL))
    made = [
        delivers(f"S-7/{name}", "message", [data], [data])
        for name, data in (
            ("request", BASE),
            ("response", response),
            ("notification", notification),
            ("unknown-odd-and-text-keys", odd),
        )
    ]
    for kind, id in ((3, 0), (4, 0), (5, 1), (6, 1), (7, 1), (OTHER_KIND, 0), (65_535, 1)):
        data = frame(uint(kind), uint(id), uint(0), bstr())
        fault = error("S-7", None, kind, id)
        made.append(delivers(f"S-7/kind-{kind}", "message", [data], [fault]))
    for key in (EVEN_KEY, 2**32 - 2):
        data = request(mapping(uint(key), NULL))
        fault = error("S-7", None, 0, 1)
        made.append(delivers(f"S-7/even-key-{key}", "message", [data], [fault]))
    return made
