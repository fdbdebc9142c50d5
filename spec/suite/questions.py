"""What a testee is asked of each vector (testee.md), and the answer that is right.

Each function gives both, or None where the testee protocol has no words for the vector.
"""

from collections.abc import Callable
from typing import Any, Final

import cbor2

from tracewire.codec import Frame, FrameError, RawItem, encode
from tracewire.codec.constants import MAX_FRAME
from tracewire.spec.specification import read_keys

Vector = dict[str, Any]
#: What a testee is asked of a vector, and the answer that is right.
Question = tuple[list[str], str]


def _bytes(written: Any) -> str:
    """Hexadecimal of a vector's bytes, which may be in parts."""
    if isinstance(written, str):
        return written
    return "".join(p if isinstance(p, str) else p["repeat"] * p["times"] for p in written)


def _word(written: Any) -> str:
    return _bytes(written) or "-"


def _place(error: Vector, between: str) -> str:
    offset = error.get("offset")
    return f"{error['rule']}{between}{'?' if offset is None else offset}"


def _refused(expect: Vector) -> str:
    return f"invalid {_place(expect['error'], ' ')}"


def _trace(trace: Any) -> tuple[str, str] | None:
    """TRACE and STATE; None for text that is no Unicode."""
    if isinstance(trace, str):
        return trace.replace(" ", "-"), "-"
    if not isinstance(trace["state"], str):
        return None
    parent = f"00-{trace['trace_id']}-{trace['parent_id']}-{trace['flags']:02x}"
    return parent, trace["state"].encode().hex() or "-"


def _name(target: Any) -> str | None:
    if isinstance(target, int):
        return str(target)
    return f"t{target.encode().hex()}" if isinstance(target, str) else None


def _map(items: list[Any]) -> str | None:
    """The extension map of these items as it is encoded, whatever is wrong with it."""
    if not items:
        return "-"
    entries = []
    for item in items:
        key = _key(item["key"])
        if key is None:
            return None
        entries.append((key, _bytes(item["item"])))
    entries.sort(key=lambda entry: bytes.fromhex(entry[0]))
    return _head(0xA0, len(entries)) + "".join(key + value for key, value in entries)


def _key(key: Any) -> str | None:
    if isinstance(key, int):
        return None if key < 0 else _head(0, key)
    if not isinstance(key, str):
        return None
    return _head(0x60, len(key.encode())) + key.encode().hex()


def _head(major: int, argument: int) -> str:
    """A CBOR head in its shortest form (RFC 8949, section 3)."""
    if argument < 24:
        return f"{major | argument:02x}"
    for more, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return f"{major | more:02x}{argument:0{2 * size}x}"
    raise ValueError(f"{argument} has no head")


def ask_decode(vector: Vector) -> Question | None:
    question, expect = ["decode", _word(vector["hex"])], vector["expect"]
    if "error" in expect:
        return question, _refused(expect)
    frame = expect["frame"]
    base = encode(_without_extensions(frame)).hex()
    keys = question[1][len(base) :] or "-"
    fields = f"{frame['kind']} {frame['id']} {_name(frame['target'])} {_word(frame['payload'])}"
    return question, f"valid {fields} {keys}"


def _without_extensions(frame: Vector) -> Frame:
    payload = bytes.fromhex(_bytes(frame["payload"]))
    return Frame(frame["kind"], frame["id"], frame["target"], payload)


def ask_meaning(vector: Vector) -> Question | None:
    expect = vector["expect"]
    trace = _trace(expect["trace"])
    if trace is None:
        return None
    numbers = [str(_NUMBERS[name]) for name in expect["unusable"]]
    said = f"meaning {' '.join(trace)} {','.join(numbers) or '-'}"
    return ["meaning", _word(vector["hex"])], said


#: Assigned keys by the names that vectors have for them.
_NUMBERS: Final = read_keys()


def ask_encode(vector: Vector) -> Question | None:
    given = vector["arguments"]
    words, keys = _fields(given), _map(given["raw"])
    if given["extensions"] or words is None or keys is None:
        return None  # values that _plain asks for
    if len(given["raw"]) > 1 and not _are_items(given["raw"]):
        return None
    return ["encode", *words, keys], _written(vector["expect"])


def ask_plain(vector: Vector) -> Question | None:
    given = vector["arguments"]
    words, keys = _fields(given), _map(given["raw"])
    if not given["extensions"] or words is None or keys is None:
        return None
    if not _are_items(given["raw"]):
        return None
    creation, values = "-", {}
    try:
        for entry in given["extensions"]:
            if "trace" in entry["value"]:
                creation = _trace(entry["value"]["trace"])[0]  # type: ignore[index]
            else:
                values[entry["key"]] = _value(entry["value"])
    except TypeError:
        return None  # text that is no Unicode
    encoded = cbor2.dumps(values).hex() if values else "-"
    return ["plain", *words, creation, encoded, keys], _written(vector["expect"])


def _are_items(raw: list[Vector]) -> bool:
    """Whether all are items: a line has encoded keys as one map, which other bytes would break."""
    try:
        for entry in raw:
            RawItem(bytes.fromhex(_bytes(entry["item"]))).check()
    except FrameError:
        return False
    return True


def _value(tagged: Vector) -> Any:
    """A tagged value (schema.json). TypeError for text that is no Unicode."""
    [(tag, content)] = [item for item in tagged.items() if item[0] != "times"]
    match tag:
        case "int":
            return int(content)
        case "bytes":
            return bytes.fromhex(_bytes(content))
        case "text":
            return content * tagged.get("times", 1)
        case "simple":
            return {"null": None, "false": False, "true": True}[content]
        case "array":
            return [_value(element) for element in content]
        case "map":
            return {_value(key): _value(item) for key, item in content}
    raise TypeError(tag)


def _fields(given: Vector) -> list[str] | None:
    """The words of a base frame and its trace; None for text that is no Unicode."""
    trace, name = _trace(given["trace"]), _name(given["target"])
    if trace is None or name is None:
        return None
    return [str(given["kind"]), str(given["id"]), name, _word(given["payload"]), *trace]


def _written(expect: Vector) -> str:
    return (
        f"refused {expect['error']['rule']}"
        if "error" in expect
        else f"frame {_bytes(expect['hex'])}"
    )


def ask_written(vector: Vector) -> Question | None:
    """What is asked by values of either form."""
    return ask_encode(vector) or ask_plain(vector)


def ask_restamp(vector: Vector) -> Question | None:
    """The same as ask_relay, of a restamp."""
    return ask_relay(vector) if vector["operation"] == "restamp" else None


def ask_shed(question: Callable[[Vector], Question | None]) -> Callable[[Vector], Question | None]:
    """What is counted where the question is answered by a frame."""

    def asked(vector: Vector) -> Question | None:
        inner = question(vector)
        if inner is None or "shed" not in vector["expect"]:
            return None
        counts = sorted((_NUMBERS[name], n) for name, n in vector["expect"]["shed"].items())
        shed = ",".join(f"{key}:{n}" for key, n in counts)
        return ["shed", *inner[0]], f"shed {shed or '-'}"

    return asked


def ask_relay(vector: Vector) -> Question | None:
    question, expect = [vector["operation"], _bytes(vector["hex"]) or "-"], vector["expect"]
    if vector["operation"] == "restamp":
        trace = _trace(vector["trace"])
        if trace is None:
            return None
        question += trace
    if "error" in expect:
        return question, _refused(expect)
    return question, f"frame {_bytes(expect['hex'])}"


def ask_unwrap(vector: Vector) -> Question | None:
    if vector["operation"] != "unwrap":
        return None  # what a sender of bare messages does
    understood, expect = ",".join(map(str, vector["understood"])) or "-", vector["expect"]
    question = ["unwrap", vector["mode"], understood, _word(vector["hex"])]
    if "error" in expect:
        return question, _refused(expect)
    if "bare" in expect:
        return question, f"bare {_word(expect['bare'])}"
    keys = _map(expect["envelope"]["extensions"])
    return question, f"envelope {_word(expect['envelope']['payload'])} {keys}"


def ask_stream(vector: Vector) -> Question | None:
    if vector["transport"] != "stream":
        return None  # files and messages are decoded frame by frame
    expect = vector["expect"]
    pieces = [_bytes(chunk) for chunk in vector["chunks"]]
    question = ["stream", str(vector.get("max_frame", MAX_FRAME)), *filter(None, pieces)]
    items = [
        f"!{_place(item['error'], '@')}" if "error" in item else _bytes(item["frame"])
        for item in expect["items"]
    ]
    end = "end" if expect["eof"] is None else f"!{_place(expect['eof'], '@')}"
    return question, " ".join(["items", *items, end])
