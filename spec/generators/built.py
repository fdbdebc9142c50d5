"""Records of a connection and a broadcast, built by hand: no vector has them. None of it imports
the codec."""

from .vectors.build import array, binary_trace, bstr, frame, mapping, tstr, uint

KINDS = {"hello": 3, "goaway": 4, "cancel": 5, "ping": 6}
TRACE = bstr(binary_trace())


def _body(fields: dict[int, bytes]) -> bytes:
    """The payload of a hello, a goaway or an error."""
    return bstr(mapping(*[part for key, item in fields.items() for part in (uint(key), item)]))


def _control(name: str, id: int, payload: bytes | None = None) -> bytes:
    return frame(uint(KINDS[name]), uint(id), uint(0), bstr() if payload is None else payload)


def _drawing(*pair: int) -> bytes:
    """A notification of a trace that is thinned."""
    keys = mapping(uint(1), TRACE, uint(11), array(*map(uint, pair)))
    return frame(uint(2), uint(0), tstr("room.typing"), bstr(), keys)


#: What each shows, and the frame. Each goes after its length.
RECORDS = (
    (
        "A hello: generation 2, no even keys, kinds 3 to 7",
        _control(
            "hello",
            0,
            _body(
                {
                    0: uint(2),
                    1: array(),
                    2: array(*map(uint, range(3, 8))),
                    3: uint(4_194_304),
                    4: tstr("guild-1"),
                }
            ),
        ),
    ),
    ("A ping", _control("ping", 1)),
    ("A cancel of call 2", _control("cancel", 2)),
    (
        "An error: call 3 was not executed",
        frame(uint(1), uint(3), uint(12), _body({0: tstr('no method "guild.jion"'), 2: uint(0)})),
    ),
    (
        "A goaway of a drain: the last id accepted is 4",
        _control("goaway", 0, _body({0: uint(4), 1: uint(0)})),
    ),
    (
        "A goaway of a connection error, INVALID_ARGUMENT",
        _control("goaway", 0, _body({0: uint(4), 1: uint(3), 2: tstr("request 4 is in flight")})),
    ),
)

#: The same of frames that are messages.
MESSAGES = (
    ("A broadcast whose 10,000 receivers draw", _drawing(1, 1, 10_000)),
    ("What one that was drawn sends on: it stands for 1,000", _drawing(1_000, 1)),
)
