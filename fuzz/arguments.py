"""Arguments for encoders, drawn from bytes: mostly right, now and then of a wrong type or size."""

from types import MappingProxyType, ModuleType
from typing import Any

from tracewire.codec.constants import Kind
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem, encode_value

NUMBERS = (0, 1, 2, 23, 24, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32, (1 << 53), 1 << 63)
HUGE = ((1 << 64) - 1, 1 << 64, -1, -(1 << 64), -(1 << 64) - 1, 1 << 200)
LENGTHS = (0, 1, 23, 24, 63, 64, 65, 127, 128, 255, 256, 500, 4_096, 8_192, 16_350, 65_536)
KEYS = (*(1, 3, 5, 5, 5, 7, 9, 11, 13, 13, 65_537, 65_538, 0, 1 << 32), "", "a", "k" * 65)
TEXTS = ("", "a", "guild.join", "a=1,b=2", ",,a=1,", "\x1f", "\x7f", "é", "\U0001f600", "\ud800")


class Source:
    """Bytes read one after the other; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def byte(self) -> int:
        return next(self._bytes, 0)

    def below(self, limit: int) -> int:
        return self.byte() % limit

    def pick(self, choices: tuple[Any, ...]) -> Any:
        return choices[self.byte() % len(choices)]

    def one_in(self, n: int) -> bool:
        return self.byte() % n == n - 1

    def bytes(self, length: int) -> bytes:
        return bytes(self.byte() for _ in range(length))


def number(source: Source) -> Any:
    if source.one_in(16):
        return source.pick((*HUGE, True, None, 1.5, "1", Kind.PING))
    return source.pick(NUMBERS) if source.one_in(2) else source.byte()


def text(source: Source) -> Any:
    if source.one_in(16):
        return source.pick((b"a", None, 7, "a" * 256, "é" * 128))
    if source.one_in(4):
        return "a" * source.pick(LENGTHS)
    if source.one_in(2):
        return source.bytes(source.below(24)).decode("utf-8", "surrogateescape")
    return "".join(source.pick(TEXTS) for _ in range(source.below(4)))


def buffer(source: Source) -> Any:
    content = source.bytes(source.below(24))
    if source.one_in(4):
        content += bytes(source.pick(LENGTHS))
    if source.one_in(16):
        return source.pick((memoryview(content)[::2], content.hex(), None, 5))
    return source.pick((bytes, bytearray, memoryview))(content)


def trace(source: Source, codec: ModuleType) -> object:
    if source.one_in(16):
        return source.pick((False, "00-1-2-3"))
    if source.one_in(3):
        return source.pick((None, NOT_SAMPLED))
    trace_id, span_id = 1 + source.byte(), (1 << 64) - 1 - source.byte()
    return codec.TraceContext(trace_id, span_id, source.byte(), tracestate(source))


def tracestate(source: Source) -> str:
    members = source.pick((0, 0, 1, 2, 31, 32, 33, 40))
    sizes = 0, 1, 9, 14, 20, 127, 128, 129, 511
    state = ",".join("m" * source.pick(sizes) for _ in range(members))
    extra: str = source.pick(("", ",", "é", ",\x1f", ",b=2", ",", "\ud800"))
    return state + extra


def value(source: Source, depth: int = 0) -> object:
    """A value of an extension, at times outside the subset."""
    shape = source.below(16)
    if shape < 4 and depth < 20:
        return [value(source, depth + 1) for _ in range(source.below(4))]
    if shape < 6 and depth < 20:
        return {_nested_key(source): value(source, depth + 1) for _ in range(source.below(4))}
    if shape == 6:
        return nest(source.pick((1, 15, 16, 17, 18)))
    if shape == 7:
        return source.pick((1.5, set(), RawItem(b"\0"), MappingProxyType({}), (1, 2), (5, 9)))
    if shape == 8:
        return buffer(source)
    if shape < 12:
        return text(source)
    return number(source)


def nest(depth: int) -> object:
    nested: object = 0
    for level in range(depth):
        nested = [nested] if level % 2 else {"k": nested}
    return nested


def _nested_key(source: Source) -> object:
    return text(source) if source.one_in(2) else number(source)


def baggage(source: Source) -> object:
    if source.one_in(8):
        return value(source)
    count = source.pick((0, 1, 2, 3, 63, 64, 65, 70))
    size = source.pick((0, 1, 100, 128, 250, 4_000))
    entries = {f"{n}{'k' * (n % 3)}": "v" * size for n in range(count)}
    for _ in range(source.below(3)):
        entries[text(source)] = text(source)
    return MappingProxyType(entries) if source.one_in(8) else entries


def raw_item(source: Source) -> RawItem:
    if source.one_in(4):
        return RawItem(source.bytes(source.below(34)))
    content = source.bytes(source.below(30)) or bytes(16_300)
    forms = (
        encode_value(content),
        encode_value(b"\0\0" + b"i" * 16 + b"\1" + b"s" * 8 + b"\2" + content[:1]),
        b"\x82" + b"\1" + b"\1",
        b"\xa1\x61a\x61b",
        b"\xa2\1\2\1\2",
        b"\xf4",
        b"\xf6",
        b"\x81" * 16 + b"\0",
        b"\x81" * 17 + b"\0",
    )
    return RawItem(source.pick(forms))


def extensions(source: Source, codec: ModuleType) -> object:
    if source.one_in(8):
        return source.pick((None, None, {}, [], "a"))
    drawn: dict[Any, object] = {}
    for _ in range(source.below(5)):
        key = source.pick(KEYS)
        drawn[key] = _extension(source, codec, key)
    if source.one_in(8):
        drawn |= {f"fill{n}": n for n in range(source.pick((58, 59, 60, 61, 62, 63, 64)))}
    if source.one_in(8):
        size = source.pick((15_000, 16_200, 16_330, 16_360, 16_376))
        drawn["fill"] = bytes(size + source.below(16))
    return drawn


def _extension(source: Source, codec: ModuleType, key: object) -> object:
    if source.one_in(4):
        return raw_item(source)
    if key == 5:
        return baggage(source)
    if key == 11:
        return source.pick((list, tuple))(number(source) for _ in range(source.below(5)))
    if key == 13 and not source.one_in(4):
        return codec.TraceContext(1 + source.byte(), 7, source.byte())
    return value(source)


def raw_extensions(source: Source) -> object:
    if source.one_in(2):
        return None
    return {source.pick(KEYS): raw_item(source) for _ in range(source.below(4))}
