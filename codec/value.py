"""Extension values: the CBOR subset of section 3.2, to and from Python."""

from collections.abc import Mapping
from typing import Final

from .buffer import as_bytes
from .constants import MAX_VALUE_DEPTH
from .errors import FrameError
from .item import ARRAY, BSTR, FALSE, MAP, NINT, NULL, TRUE, TSTR, UINT, Cursor
from .sealed import Frozen

#: What a value is in Python.
type_names: Final = "int, bytes, str, bool, None, list, tuple or mapping"

_SIMPLE: Final = {FALSE: False, TRUE: True, NULL: None}
_ENCODED: Final = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


class RawItem(Frozen):
    """An extension value as encoded, kept byte by byte.

    Args:
        data: one CBOR item of the subset of section 3.2; it is checked when it is written or read.

    Raises:
        TypeError: ``data`` is not ``bytes``.
    """

    __slots__ = ("data",)

    data: bytes

    def __init__(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"RawItem takes bytes, not {type(data).__name__}")
        object.__setattr__(self, "data", data)

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, RawItem) else NotImplemented

    def __hash__(self) -> int:
        return hash((RawItem, self.data))

    def __repr__(self) -> str:
        return f"RawItem({self.data!r})"

    @property
    def value(self) -> object:
        """The value in Python; of duplicate keys of a map the first counts.

        Raises FrameError where ``data`` is not one item of the subset, its offset within ``data``.
        """
        self.check()
        return decode_value(self.data)

    def check(self) -> None:
        """Raises FrameError where ``data`` is not one item of the subset."""
        cursor = Cursor(self.data)
        cursor.field = "raw item"
        cursor.value()
        if cursor.offset != len(self.data):
            cursor.fail("F-18", cursor.offset)


def decode_value(data: bytes) -> object:
    """The value in Python of one encoded item that was checked before."""
    return _build(Cursor(data))


def _build(cursor: Cursor) -> object:
    major, argument = cursor.head()
    if major == UINT:
        return argument
    if major == NINT:
        return -1 - argument
    if major == BSTR:
        return cursor.take(argument)
    if major == TSTR:
        return cursor.text(argument)
    if major == ARRAY:
        return [_build(cursor) for _ in range(argument)]
    if major == MAP:
        built: dict[object, object] = {}
        for _ in range(argument):
            key = _build(cursor)
            value = _build(cursor)
            built.setdefault(key, value)
        return built
    return _SIMPLE[argument]


def encode_head(major: int, argument: int) -> bytes:
    """A head in its shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise FrameError("X-8")


def encode_text(text: str) -> bytes:
    """A tstr. F-16 where the text has lone surrogates."""
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise FrameError("F-16") from None  # F-16
    return encode_head(TSTR, len(content)) + content


def encode_value(value: object, depth: int = 0) -> bytes:
    """One value of the subset. TypeError for types outside it, FrameError for X-8, X-9, F-16."""
    if value is None or isinstance(value, bool):
        return _ENCODED[value]
    if isinstance(value, int):
        return encode_head(UINT, value) if value >= 0 else encode_head(NINT, -1 - value)
    if isinstance(value, str):
        return encode_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        content = as_bytes(value)
        return encode_head(BSTR, len(content)) + content
    if not isinstance(value, (list, tuple, Mapping)):
        raise TypeError(f"an extension value must be {type_names}, not {type(value).__name__}")
    if depth == MAX_VALUE_DEPTH:
        raise FrameError("X-9")
    if isinstance(value, Mapping):
        pairs = [(_nested_key(key), encode_value(item, depth + 1)) for key, item in value.items()]
        pairs.sort()  # E-8
        return encode_head(MAP, len(pairs)) + b"".join(key + item for key, item in pairs)
    return encode_head(ARRAY, len(value)) + b"".join(encode_value(v, depth + 1) for v in value)


def _nested_key(key: object) -> bytes:
    if isinstance(key, str):
        return encode_text(key)
    if not isinstance(key, int) or isinstance(key, bool):
        raise TypeError(f"a key inside a value must be int or str, not {type(key).__name__}")
    if key < 0:
        raise FrameError("X-10")
    return encode_head(UINT, key)
