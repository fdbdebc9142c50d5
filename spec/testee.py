"""Tracewire as a testee of the suite, ``python -m tracewire.spec.testee``: see testee.md."""

import sys
from typing import Any

from tracewire import codec
from tracewire.codec import Frame, FrameError, TraceContext, decode, encode
from tracewire.codec.counters import counters
from tracewire.codec.keys import ROWS


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
    states = {"undecided": None, "not-sampled": codec.NOT_SAMPLED}
    return (
        states[trace]
        if trace in states
        else TraceContext.from_traceparent(trace, given(state).decode())
    )


def answer(words: list[str]) -> str:
    match words:
        case ["hello"]:
            return f"testee 1 2 tracewire-{codec.IMPLEMENTATION}"
        case ["decode", data]:
            frame = decode(given(data))
            target = (
                f"t{frame.target.encode().hex()}" if isinstance(frame.target, str) else frame.target
            )
            return (
                f"valid {frame.kind:d} {frame.id} {target} {told(frame.payload)} {keys_of(frame)}"
            )
        case ["encode", kind, id, target, payload, trace, state, keys]:
            name = bytes.fromhex(target[1:]).decode() if target[0] == "t" else int(target)
            raw = decode(given(f"d9d4f7850001616140{keys}")).raw_extensions if keys != "-" else None
            fields = int(kind), int(id), name, given(payload), context(trace, state), None, raw
            return f"frame {encode(Frame(*fields)).hex()}"
        case ["meaning", data]:
            before, frame = counters(), decode(given(data))
            current, _, after = frame.trace, dict(frame.extensions), counters()
            names = {str(row.number): f"unusable_{row.name}" for row in ROWS}
            grown = [key for key, name in names.items() if after[name] > before[name]]
            said = f"{'undecided' if current is None else 'not-sampled'} -"
            if isinstance(current, TraceContext):
                said = f"{current.to_traceparent()} {told(current.state.encode())}"
            return f"meaning {said} {','.join(grown) or '-'}"
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
    try:
        return answer(line.split())
    except FrameError as error:
        refuses = line.startswith("encode")
        return f"refused {error.rule}" if refuses else f"invalid {fault(error, ' ')}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(respond(line), flush=True)
