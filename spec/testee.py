"""Tracewire as a testee of the suite, ``python -m tracewire.spec.testee``: see testee.md."""

import sys
from typing import Any, Final

import cbor2

from tracewire import codec
from tracewire.codec import Frame, FrameError, TraceContext, counters, decode, encode
from tracewire.spec.specification import read_keys

#: Assigned keys by the names that counters have for them.
KEYS: Final = read_keys()
#: A request that cannot be read raises one of these.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
    cbor2.CBORDecodeError,
)
_ENCODING: Final = ("encode", "plain")


def given(word: str) -> bytes:
    return b"" if word == "-" else bytes.fromhex(word)


def told(data: bytes) -> str:
    return data.hex() or "-"


def keys_of(frame: Frame) -> str:
    base = Frame(frame.kind or 0, frame.id, frame.target, frame.payload)
    return told(encode(frame)[len(encode(base)) :])


def fault(error: FrameError, between: str = "@") -> str:
    return f"{error.rule}{between}{'?' if error.offset is None else error.offset}"


def context(trace: str, state: str) -> Any:
    """The trace of these two words. A state that is no UTF-8 has members that an encoder sheds."""
    states = {"undecided": None, "not-sampled": codec.NOT_SAMPLED}
    if trace in states:
        return states[trace]
    return TraceContext.from_traceparent(trace, given(state).decode(errors="surrogateescape"))


def base(kind: str, id: str, target: str, payload: str) -> tuple[int, int, str | int, bytes]:
    """The fields of a base frame. FrameError where it would be invalid, whatever else is given."""
    name: str | int = int(target) if target[0] != "t" else _text(target[1:])
    fields = int(kind), int(id), name, given(payload)
    encode(Frame(*fields))
    return fields


def _text(word: str) -> str:
    return bytes.fromhex(word).decode(errors="surrogateescape")


def raw(keys: str) -> Any:
    """Values as they are encoded, of the words that stand for a map."""
    return decode(given(f"d9d4f7850001616140{keys}")).raw_extensions if keys != "-" else None


def plain(values: str, creation: str) -> dict[Any, Any]:
    """Values as an application gives them."""
    read = {} if values == "-" else cbor2.loads(given(values))
    return read if creation == "-" else {**read, KEYS["creation"]: context(creation, "-")}


def extensions(values: dict[Any, Any], keys: str) -> tuple[dict[Any, Any], Any]:
    """Plain values and encoded ones. FrameError of a plain one before that of an encoded one."""
    try:
        return values, raw(keys)
    except FrameError:
        for key, value in values.items():
            Frame(2, 0, "", extensions={key: value})
        raise


def counted(before: dict[str, int], prefix: str) -> dict[int, int]:
    """What was counted since then, by assigned key."""
    after = counters()
    names = {name: f"{prefix}_{name}" for name in KEYS}
    grown = {KEYS[name]: after[n] - before[n] for name, n in names.items() if n in after}
    return {key: amount for key, amount in sorted(grown.items()) if amount}


def answer(words: list[str]) -> str:
    """FrameError for what is invalid or refused, one of _UNREADABLE for what cannot be read."""
    before = counters()
    match words:
        case ["hello"]:
            return f"testee 1 2 tracewire-{codec.IMPLEMENTATION}"
        case ["decode", data]:
            frame = decode(given(data))
            name = frame.target
            name = f"t{name.encode().hex()}" if isinstance(name, str) else name
            return f"valid {frame.kind:d} {frame.id} {name} {told(frame.payload)} {keys_of(frame)}"
        case ["encode", kind, id, target, payload, trace, state, keys]:
            fields, stamp = base(kind, id, target, payload), context(trace, state)
            return f"frame {encode(Frame(*fields, stamp, None, raw(keys))).hex()}"
        case ["plain", kind, id, target, payload, trace, state, creation, values, keys]:
            fields, stamp = base(kind, id, target, payload), context(trace, state)
            frame = Frame(*fields, stamp, *extensions(plain(values, creation), keys))
            return f"frame {encode(frame).hex()}"
        case ["shed", ("encode" | "plain" | "restamp"), *_]:
            said = answer(words[1:])
            parts = counted(before, "shed").items()
            shed = ",".join(f"{key}:{amount}" for key, amount in parts)
            return f"shed {shed or '-'}" if said.startswith("frame") else said
        case ["meaning", data]:
            frame = decode(given(data))
            current, _ = frame.trace, dict(frame.extensions)
            unusable = ",".join(map(str, counted(before, "unusable")))
            said = f"{'undecided' if current is None else 'not-sampled'} -"
            if isinstance(current, TraceContext):
                said = f"{current.to_traceparent()} {told(current.state.encode())}"
            return f"meaning {said} {unusable or '-'}"
        case ["restamp", data, trace, state]:
            return f"frame {codec.restamp(given(data), context(trace, state)).hex()}"
        case ["strip", data]:
            return f"frame {codec.strip(given(data)).hex()}"
        case ["unwrap", mode, understood, data]:
            read = [int(key) for key in understood.split(",") if key != "-"]
            frame = codec.unwrap(given(data), mode=mode, understood=read)  # type: ignore[arg-type]
            if frame.kind is None:
                return f"bare {told(frame.payload)}"
            return f"envelope {told(frame.payload)} {keys_of(frame)}"
        case ["stream", most, *pieces]:
            stream = codec.StreamDecoder(int(most))
            items = [item for piece in pieces for item in stream.feed(given(piece))]
            end = stream.eof()
            each = [f"!{fault(i)}" if isinstance(i, FrameError) else encode(i).hex() for i in items]
            return " ".join(["items", *each, "end" if end is None else f"!{fault(end)}"])
    return "unsupported"


def respond(line: str) -> str:
    """The one answer to a line, whatever stands in it."""
    words = line.split()
    try:
        return answer(words)
    except FrameError as error:
        encoding = any(word in _ENCODING for word in words[:2])
        return f"refused {error.rule}" if encoding else f"invalid {fault(error, ' ')}"
    except _UNREADABLE:
        return "unreadable"


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        print(respond(line.decode("ascii", "replace")), flush=True)
