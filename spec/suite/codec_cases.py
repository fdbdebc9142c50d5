"""Codec cases: each asks for what the vectors of one rule and one operation say."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tracewire.codec import Frame, encode
from tracewire.codec.constants import MAX_FRAME
from tracewire.spec.specification import read_rules, read_vectors

from .case import Case, CaseFailed, Level, Unsupported
from .process import Testee, brief

Vector = dict[str, Any]
#: What a testee is asked of a vector, and the answer that is right.
Question = tuple[list[str], str]

_NAMED_FAULTS: Final = 3  # that a case which failed tells of
_BASE: Final = "84"  # the fourth byte of a frame without extensions


@dataclass(frozen=True)
class CodecOperation:
    """What a codec is asked by the vectors of one area.

    ``obeys``, ``breaks``: the last part of the ids of its cases, and what they ask of inputs that
    obey, or break, a rule.
    """

    area: str
    question: Callable[[Vector], Question | None]
    obeys: tuple[str, str]
    breaks: tuple[str, str]


def _bytes(written: Any) -> str:
    """Hexadecimal of a vector's bytes, which may be in parts."""
    if isinstance(written, str):
        return written
    return "".join(p if isinstance(p, str) else p["repeat"] * p["times"] for p in written)


def _word(written: Any) -> str:
    return _bytes(written) or "-"


def _fault(error: Vector, between: str) -> str:
    offset = error.get("offset")
    return f"{error['rule']}{between}{'?' if offset is None else offset}"


def _refused(expect: Vector) -> str:
    return f"invalid {_fault(expect['error'], ' ')}"


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


def _decode(vector: Vector) -> Question | None:
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


def _meaning(vector: Vector) -> Question | None:
    expect = vector["expect"]
    trace = _trace(expect["trace"])
    if trace is None:
        return None
    numbers = [str(_NUMBERS[name]) for name in expect["unusable"]]
    said = f"meaning {' '.join(trace)} {','.join(numbers) or '-'}"
    return ["meaning", _word(vector["hex"])], said


#: Assigned keys by the names that vectors have for them.
_NUMBERS: Final = {
    "trace": 1,
    "tracestate": 3,
    "baggage": 5,
    "timeout": 7,
    "content_format": 9,
    "fanout": 11,
    "creation": 13,
}


def _encode(vector: Vector) -> Question | None:
    given, expect = vector["arguments"], vector["expect"]
    trace, name, keys = _trace(given["trace"]), _name(given["target"]), _map(given["raw"])
    if given["extensions"] or trace is None or name is None or keys is None:
        return None  # values that only an encoder's own types can say
    numbers = [str(given["kind"]), str(given["id"])]
    question = ["encode", *numbers, name, _word(given["payload"]), *trace, keys]
    if "error" in expect:
        return question, f"refused {expect['error']['rule']}"
    return question, f"frame {_bytes(expect['hex'])}"


def _relay(vector: Vector) -> Question | None:
    question, expect = [vector["operation"], _bytes(vector["hex"]) or "-"], vector["expect"]
    if vector["operation"] == "restamp":
        trace = _trace(vector["trace"])
        if trace is None:
            return None
        question += trace
    if "error" in expect:
        return question, _refused(expect)
    return question, f"frame {_bytes(expect['hex'])}"


def _unwrap(vector: Vector) -> Question | None:
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


def _stream(vector: Vector) -> Question | None:
    if vector["transport"] != "stream":
        return None  # files and messages are decoded frame by frame
    expect = vector["expect"]
    pieces = [_bytes(chunk) for chunk in vector["chunks"]]
    question = ["stream", str(vector.get("max_frame", MAX_FRAME)), *filter(None, pieces)]
    items = [
        f"!{_fault(item['error'], '@')}" if "error" in item else _bytes(item["frame"])
        for item in expect["items"]
    ]
    end = "end" if expect["eof"] is None else f"!{_fault(expect['eof'], '@')}"
    return question, " ".join(["items", *items, end])


OPERATIONS: Final = (
    CodecOperation(
        "frames",
        _decode,
        ("reads", "Frames that obey it are read, all their fields."),
        ("refuses", "Frames that break it are refused."),
    ),
    CodecOperation(
        "values",
        _meaning,
        ("understands", "Usable values mean what the rule says."),
        ("reads-as-absent", "Unusable values read as absent, and the frame is read."),
    ),
    CodecOperation(
        "encode",
        _encode,
        ("writes", "Encoders write these bytes, and no others."),
        ("refuses-to-write", "Encoders refuse what would break it."),
    ),
    CodecOperation(
        "relays",
        _relay,
        ("relays", "A relay that restamps or strips changes what it may, and nothing else."),
        ("refuses-to-relay", "What breaks it is not passed on."),
    ),
    CodecOperation(
        "messages",
        _unwrap,
        ("unwraps", "Bare messages and envelopes are told apart."),
        ("refuses-to-unwrap", "Messages that break it are refused."),
    ),
    CodecOperation(
        "streams",
        _stream,
        ("splits", "A stream's records are read, however they arrive."),
        ("splits-despite", "What breaks it is told, and no good record is lost."),
    ),
)


def codec_cases() -> Iterator[Case]:
    """In the order of the specification's rules."""
    by_area: defaultdict[str, defaultdict[tuple[str, bool], list[Vector]]]
    by_area = defaultdict(lambda: defaultdict(list))
    for vector in read_vectors():
        area = vector["area"]
        if "breaks" in vector:
            by_area[area][vector["breaks"], False].append(vector)
        else:
            for rule in vector["obeys"]:
                by_area[area][rule, True].append(vector)
    for rule in read_rules():
        for operation in OPERATIONS:
            for obeying in (True, False):
                vectors = by_area[operation.area][rule.id, obeying]
                yield from _cases_of(operation, rule.id, rule.section, obeying, vectors)


def _cases_of(
    operation: CodecOperation, rule: str, section: str, obeying: bool, vectors: list[Vector]
) -> Iterator[Case]:
    questions = [(v["id"], q) for v in vectors if (q := operation.question(v)) is not None]
    if not questions:
        return
    verb, asks = operation.obeys if obeying else operation.breaks
    asks = f"{asks} ({len(questions)} vectors)" if len(questions) > 1 else asks
    yield Case(f"{rule}/{verb}", rule, "MUST", section, asks, _asker(questions, "MUST"))
    if not obeying and operation.area != "values":
        said = f"The rule{'' if operation.area == 'encode' else ' and the offset'} is named."
        run = _asker(questions, "SHOULD")
        yield Case(f"{rule}/{verb}-by-name", rule, "SHOULD", section, said, run)


def _asker(
    questions: list[tuple[str, Question]], level: Level
) -> Callable[[Testee], Awaitable[None]]:
    async def run(testee: Testee) -> None:
        asked = [each for each in questions if _can_be_asked(testee, each[1])]
        if not asked:
            raise Unsupported("a generation 1 testee passes over extensions")
        faults = []
        for id, (words, right) in asked:
            answer = await testee.ask(*words)
            if not _is_right(testee, level, answer, right):
                faults.append(
                    f"{id}: {' '.join(map(brief, words))}\n"
                    f"  expected {brief(right)}\n  came     {brief(answer)}"
                )
        if faults:
            more = len(faults) - _NAMED_FAULTS
            rest = [f"and {more} more"] if more > 0 else []
            raise CaseFailed("\n".join([*faults[:_NAMED_FAULTS], *rest]))

    return run


def _can_be_asked(testee: Testee, question: Question) -> bool:
    """Whatever is wrong inside of extensions, generation 1 does not see it."""
    (command, *words), right = question
    if testee.generation >= 2 or right.startswith("valid"):
        return True
    return command == "decode" and words[0][6:8] != "85"


def _is_right(testee: Testee, level: Level, answer: str, right: str) -> bool:
    if testee.generation < 2 and right.startswith("valid"):
        fields, _, keys = right.rpartition(" ")
        return answer == (right if keys == "-" else f"{fields} +")
    return answer == right if level == "SHOULD" else _unnamed(answer) == _unnamed(right)


def _unnamed(answer: str) -> list[str]:
    """The answer without which rules are broken, and where."""
    words = answer.split()
    if words[:1] in (["invalid"], ["refused"]):
        return words[:1]
    return ["!" if word.startswith("!") else word for word in words]
