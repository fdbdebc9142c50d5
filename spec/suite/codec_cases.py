"""Codec cases: each asks for what the vectors of one rule and one operation say."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tracewire.spec.specification import read_rules, read_vectors

from . import questions
from .case import TYPED, Case, CaseFailed, Level, Unsupported
from .process import Testee, brief
from .questions import Question, Vector

_NAMED_FAULTS: Final = 3  # that a case which failed tells of


@dataclass(frozen=True)
class CodecOperation:
    """What a codec is asked by the vectors of one area.

    ``obeys``, ``breaks``: the last part of the ids of its cases, and what they ask of inputs that
    obey, or break, a rule; None where it asks nothing of the latter.
    """

    area: str
    question: Callable[[Vector], Question | None]
    obeys: tuple[str, str]
    breaks: tuple[str, str] | None = None
    level: Level = "MUST"


OPERATIONS: Final = (
    CodecOperation(
        "frames",
        questions.ask_decode,
        ("reads", "Frames that obey it are read, all their fields."),
        ("refuses", "Frames that break it are refused."),
    ),
    CodecOperation(
        "values",
        questions.ask_meaning,
        ("understands", "Usable values mean what the rule says."),
        ("reads-as-absent", "Unusable values read as absent, and the frame is read."),
    ),
    CodecOperation(
        "encode",
        questions.ask_encode,
        ("writes", "Encoders write these bytes, and no others."),
        ("refuses-to-write", "Encoders refuse what would break it."),
    ),
    CodecOperation(
        "encode",
        questions.ask_plain,
        ("writes-plain", "Encoders write plain values as these bytes, and no others."),
        ("refuses-plain", "Encoders refuse plain values that would break it."),
    ),
    CodecOperation(
        "encode",
        questions.ask_shed(questions.ask_written),
        ("counts", "Encoders count each part of context that they leave out."),
        level="SHOULD",
    ),
    CodecOperation(
        "relays",
        questions.ask_shed(questions.ask_restamp),
        ("relays-counting", "A restamp counts each part of context that it leaves out."),
    ),
    CodecOperation(
        "relays",
        questions.ask_relay,
        ("relays", "A relay that restamps or strips changes what it may, and nothing else."),
        ("refuses-to-relay", "What breaks it is not passed on."),
    ),
    CodecOperation(
        "messages",
        questions.ask_unwrap,
        ("unwraps", "Bare messages and envelopes are told apart."),
        ("refuses-to-unwrap", "Messages that break it are refused."),
    ),
    CodecOperation(
        "streams",
        questions.ask_stream,
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
    named = operation.obeys if obeying else operation.breaks
    questions = [(v["id"], q) for v in vectors if (q := operation.question(v)) is not None]
    if not questions or named is None:
        return
    verb, asks = named
    asks = f"{asks} ({len(questions)} vectors)" if len(questions) > 1 else asks
    level = operation.level
    yield Case(f"{rule}/{verb}", rule, level, section, asks, _asker(questions, "MUST"))
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
        await testee.ask_ahead([words for _, (words, _) in asked])
        faults, unsupported = [], []
        for id, (words, right) in asked:
            try:
                answer = await testee.ask(*words)
            except Unsupported as reason:
                unsupported.append(reason)
                continue
            if not _is_right(testee, level, answer, right):
                faults.append(_fault_told(id, words, right, answer))
        if faults:
            more = len(faults) - _NAMED_FAULTS
            rest = [f"and {more} more"] if more > 0 else []
            raise CaseFailed(*faults[:_NAMED_FAULTS], *rest)
        if len(unsupported) == len(asked):
            raise unsupported[0]

    return run


def _fault_told(id: str, words: list[str], right: str, came: str) -> str:
    lines = [f"{id}: {' '.join(map(brief, words))}", f"  expected {brief(right)}"]
    lines.append(f"  came     {brief(came)}")
    frames = [word for word in (*came.split(), *right.split(), *words) if word.startswith("d9d4f7")]
    if words[0] in _READING:
        frames = [word for word in words if len(word) > 1 and word == words[_READING[words[0]]]]
    if frames and len(frames[0]) <= _COPIED:
        lines.append(f"{TYPED}{frames[0]}")
    return "\n".join(lines)


#: Where the bytes stand in requests that are about bytes.
_READING: Final = {"decode": 1, "meaning": 1, "strip": 1, "unwrap": 3}
#: Characters of the longest line that somebody copies.
_COPIED: Final = 2_000


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
