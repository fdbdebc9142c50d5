"""messages.json: bare messages and envelopes on a transport that has both (M-1 to M-6, X-11)."""

from collections.abc import Sequence

from .build import (
    EVEN_KEY,
    FALSE,
    NULL,
    ODD_KEY,
    OTHER_KIND,
    Json,
    Name,
    binary_trace,
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

BODY = b'{"op": 1}'
CHOSEN = bytes.fromhex("d9d4f784020060417a")  # a frame that an outsider sends as a bare message


def envelope(payload: bytes = BODY, extensions: bytes = b"") -> bytes:
    items = (uint(2), uint(0), tstr(""), bstr(payload))
    return frame(*items, extensions) if extensions else frame(*items)


def unwraps(
    id: str,
    mode: str,
    data: bytes,
    expect: Json,
    obeys: str = "",
    understood: Sequence[int] = (),
    comment: str | None = None,
) -> Json:
    """A message, the reader's mode, the even keys that it understands, and what it takes it for.

    A message that is refused breaks the rule of the refusal, unless the id says otherwise.
    """
    fields: Json = {
        "operation": "unwrap",
        "mode": mode,
        "understood": list(understood),
        "hex": written(data),
        "begins_like_frame": data[:4].hex() in ("d9d4f784", "d9d4f785"),
        "expect": expect,
    }
    refusal = expect.get("error")
    breaks = str(refusal["rule"]) if isinstance(refusal, dict) else None
    rule = rule_of(id)
    return vector(id, fields, f"{rule} {obeys}" if rule != breaks else obeys, breaks, comment)


def bare(data: bytes) -> Json:
    return {"bare": written(data)}


def enveloped(payload: bytes = BODY, extensions: Sequence[tuple[Name, bytes]] = ()) -> Json:
    entries = [{"key": key, "item": written(item)} for key, item in extensions]
    return {"envelope": {"payload": written(payload), "extensions": entries}}


def refusal(rule: str, offset: int, kind: int | None = None, id: int | None = None) -> Json:
    return {"error": error(rule, offset, kind, id)}


TRACED = envelope(extensions=mapping(uint(1), FALSE))
RPC = {
    "request": (request(), 4, 0, 1),
    "response": (frame(uint(1), uint(1), uint(0), bstr()), 4, 1, 1),
    "hello": (frame(uint(3), uint(0), uint(0), bstr(b"\xa0")), 4, 3, 0),
    "ping": (frame(uint(6), uint(9), uint(0), bstr()), 4, 6, 9),
    "unknown-kind": (frame(uint(OTHER_KIND), uint(7), tstr(""), bstr()), 4, OTHER_KIND, 7),
    "notification": (frame(uint(2), uint(0), tstr("a"), bstr()), 6, 2, 0),
}

#: What begins unlike a frame, though some of it nearly does.
BARE = {
    "empty": b"",
    "json": BODY,
    "one-byte": b"\xd9",
    "three-bytes": b"\xd9\xd4\xf7",
    "array-of-3": b"\xd9\xd4\xf7\x83\x00\x00\x00",
    "array-of-6": b"\xd9\xd4\xf7\x86",
    "array-in-two-bytes": b"\xd9\xd4\xf7\x98\x04",
    "open-array": b"\xd9\xd4\xf7\x9f",
    "another-tag": b"\xd9\xd9\xf7\x84",
    "first-byte-differs": b"\xda\xd4\xf7\x84",
    "third-byte-differs": b"\xd9\xd4\xf8\x85",
    "frame-after-a-byte": b"\0" + TRACED,
}

#: What begins like a frame and is none.
BROKEN = {
    "four-bytes": (b"\xd9\xd4\xf7\x84", refusal("F-1", 4)),
    "four-bytes-of-an-extended": (b"\xd9\xd4\xf7\x85", refusal("F-1", 4)),
    "cut-short": (TRACED[:-1], refusal("F-1", len(TRACED) - 1, 2, 0)),
    "byte-after": (TRACED + b"\n", refusal("F-18", len(TRACED), 2, 0)),
    "text-after-the-magic": (b"\xd9\xd4\xf7\x84text", refusal("F-7", 4)),
}


def cases() -> list[Json]:
    return [*_framed(), *_both(), *_bare_mode(), *_rpc(), *_even_keys(), *_senders(), *_outsiders()]


def _taken() -> dict[str, tuple[bytes, Json]]:
    trace = bstr(binary_trace())
    entries: list[tuple[Name, bytes]] = [
        (1, trace),
        (3, tstr("a=1")),
        (ODD_KEY, NULL),
        ("app", FALSE),
    ]
    items = (uint(1), trace, uint(3), tstr("a=1"), uint(ODD_KEY), NULL, tstr("app"), FALSE)
    return {
        "envelope": (envelope(), enveloped()),
        "empty-envelope": (envelope(b""), enveloped(b"")),
        "not-sampled": (TRACED, enveloped(extensions=[(1, FALSE)])),
        "extensions": (envelope(extensions=mapping(*items)), enveloped(extensions=entries)),
        "frame-inside": (envelope(request()), enveloped(request())),
        "envelope-inside": (envelope(TRACED), enveloped(TRACED)),
        "4096-bytes": (envelope(bytes(4_096)), enveloped(bytes(4_096))),
    }


def _framed() -> list[Json]:
    made = [unwraps(f"M-1/{name}", "framed", *case) for name, case in _taken().items()]
    for name, data in BARE.items():
        offset = 3 if data[:3] == b"\xd9\xd4\xf7" and len(data) > 3 else 0
        fault = refusal("F-6" if offset else "F-5", offset)
        if name in ("open-array", "array-in-two-bytes"):
            fault = refusal("F-3" if name == "open-array" else "F-4", 3)
        if name in ("empty", "one-byte", "three-bytes"):
            fault = refusal("F-1", len(data))
        made.append(unwraps(f"M-1/bare-{name}", "framed", data, fault))
    for name, (data, fault) in BROKEN.items():
        made.append(unwraps(f"M-1/{name}", "framed", data, fault))
    return made


def _both() -> list[Json]:
    made = [unwraps(f"M-2/{name}", "both", *case) for name, case in _taken().items()]
    made += [unwraps(f"M-2/bare-{name}", "both", data, bare(data)) for name, data in BARE.items()]
    for name, (data, fault) in BROKEN.items():
        made.append(unwraps(f"M-2/{name}", "both", data, fault, "M-7"))
    return made


def _bare_mode() -> list[Json]:
    every = {name: data for name, (data, _) in (_taken() | BROKEN).items()}
    every |= {f"bare-{name}": data for name, data in BARE.items()}
    every |= {name: case[0] for name, case in RPC.items()}
    every["even-key"] = envelope(extensions=mapping(uint(EVEN_KEY), NULL))
    return [unwraps(f"M-4/{name}", "bare", data, bare(data)) for name, data in every.items()]


def _rpc() -> list[Json]:
    made = []
    for name, (data, offset, kind, id) in RPC.items():
        for mode in ("both", "framed"):
            fault = refusal("M-3", offset, kind, id)
            made.append(unwraps(f"M-3/{name}-in-{mode}", mode, data, fault))
    even = request(mapping(uint(EVEN_KEY), NULL))
    comment = "M-3 is asked before X-11"
    made.append(unwraps("M-3/even-key", "both", even, refusal("M-3", 4, 0, 1), comment=comment))
    fine = unwraps("M-3/envelope", "both", envelope(), enveloped())
    return [*made, fine]


def _even_keys() -> list[Json]:
    one = envelope(extensions=mapping(uint(EVEN_KEY), NULL))
    at = len(envelope()) + 1
    several = mapping(
        uint(1), FALSE, uint(EVEN_KEY), NULL, uint(EVEN_KEY + 2), NULL, tstr("app"), NULL
    )
    entries: list[tuple[Name, bytes]] = [
        (1, FALSE),
        (EVEN_KEY, NULL),
        (EVEN_KEY + 2, NULL),
        ("app", NULL),
    ]
    data = envelope(extensions=several)
    return [
        unwraps("X-11/not-understood", "both", one, refusal("X-11", at, 2, 0)),
        unwraps("X-11/not-understood-in-framed", "framed", one, refusal("X-11", at, 2, 0)),
        unwraps(
            "X-11/another-understood",
            "both",
            one,
            refusal("X-11", at, 2, 0),
            understood=[EVEN_KEY + 2],
        ),
        unwraps(
            "X-11/understood",
            "both",
            one,
            enveloped(extensions=[(EVEN_KEY, NULL)]),
            understood=[EVEN_KEY],
        ),
        unwraps("X-11/first-of-two", "both", data, refusal("X-11", at + 2, 2, 0)),
        unwraps(
            "X-11/second-of-two", "both", data, refusal("X-11", at + 8, 2, 0), understood=[EVEN_KEY]
        ),
        unwraps(
            "X-11/both-understood",
            "framed",
            data,
            enveloped(extensions=entries),
            understood=[EVEN_KEY + 2, EVEN_KEY],
        ),
        unwraps(
            "X-11/odd-and-text-keys",
            "both",
            envelope(extensions=mapping(uint(ODD_KEY), NULL, tstr("2"), NULL)),
            enveloped(extensions=[(ODD_KEY, NULL), ("2", NULL)]),
            comment="a text key is never a demand",
        ),
    ]


def _senders() -> list[Json]:
    """Whether a sender may send a bare message as it is to a reader in mode both."""
    made = []
    like = {name: data for name, (data, _) in (_taken() | BROKEN).items()}
    for name, data in (BARE | like).items():
        begins = name in like
        fields: Json = {
            "operation": "send bare",
            "hex": written(data),
            "begins_like_frame": begins,
            "expect": {"sent_as_it_is": not begins},
        }
        made.append(vector(f"M-5/{name}", fields, "M-5"))
    return made


def _outsiders() -> list[Json]:
    forged = unwraps("M-6/chosen-by-an-outsider", "both", CHOSEN, enveloped(b"z"))
    forged = {"id": forged["id"], "breaks": "M-6"} | forged
    del forged["obeys"]
    comment = "the right reading of a message that should not have met mode both"
    return [
        forged | {"comment": comment},
        unwraps("M-6/in-mode-bare", "bare", CHOSEN, bare(CHOSEN)),
        unwraps("M-6/wrapped", "framed", envelope(CHOSEN), enveloped(CHOSEN)),
    ]
