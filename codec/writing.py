"""Bytes from the fields of a frame: section 4 of the specification."""

from collections.abc import Mapping
from typing import Final, TypeVar

from . import constants as c
from .buffer import as_bytes
from .errors import FrameError
from .item import ARRAY, BSTR, NINT, TSTR, UINT
from .keys import KEYS, TRACED
from .kinds import id_fault, target_fault
from .shedding import Baggage, Context, Whole, fit
from .value import RawItem, encode_head, encode_value

Buffer = bytes | bytearray | memoryview
Extensions = Mapping[int | str, object]

BASE: Final = c.MAGIC + encode_head(ARRAY, 4)
EXTENDED: Final = c.MAGIC + encode_head(ARRAY, 5)

_T = TypeVar("_T")


def write(
    kind: int,
    id: int,
    target: str | int,
    payload: Buffer,
    stamp: dict[int, Context],
    extensions: Extensions | None,
    raw_extensions: Mapping[int | str, RawItem] | None = None,
) -> bytes:
    """A frame as bytes. ``stamp``: what its trace puts into keys 1 and 3."""
    base = _write_base(typed(kind, int), typed(id, int), target, as_bytes(payload))
    raw = {} if raw_extensions is None else typed(raw_extensions, Mapping)
    plain = {} if extensions is None else typed(extensions, Mapping)
    others: dict[bytes, bytes] = {}
    # Key 1 as encoded stands for the state of the trace, too. E-11
    context = {key: v for key, v in stamp.items() if key not in raw and c.TRACE not in raw}
    for key, value in plain.items():
        write_key(key)
        if key in TRACED:
            raise FrameError(
                "U-1", field="extensions", detail="pass trace and tracestate as trace="
            )
        if key not in raw:
            _write_extension(key, value, others, context)
    for key, value in raw.items():
        _write_extension(key, typed(value, RawItem), others, context)
    return join(base, fit(others, context))


def join(base: bytes, extension_map: bytes) -> bytes:
    """A frame of the four elements and the extension map, as encoded."""
    return (EXTENDED if extension_map else BASE) + base + extension_map


def _write_base(kind: int, id: int, target: str | int, payload: bytes) -> bytes:
    """The four elements of the base frame."""
    if not 0 <= kind <= c.MAX_KIND:
        raise FrameError("F-7", field="kind")  # F-7
    if not 0 <= id <= c.MAX_ID:
        raise FrameError("F-8", field="id")  # F-8
    if (rule := id_fault(kind, id)) is not None:
        raise FrameError(rule, field="id")
    numbers = encode_head(UINT, kind) + encode_head(UINT, id)
    return numbers + _write_target(kind, target) + encode_head(BSTR, len(payload)) + payload


def _write_target(kind: int, target: str | int) -> bytes:
    if isinstance(target, str):
        head = TSTR, _length(target)
    else:
        head = (UINT, target) if typed(target, int, str) >= 0 else (NINT, -1 - target)
    if (rule := target_fault(kind, *head)) is not None:
        raise FrameError(rule, field="target")
    return encode_head(*head) + (_utf8(target, "target") if isinstance(target, str) else b"")


def _write_extension(
    key: object, value: object, others: dict[bytes, bytes], context: dict[int, Context]
) -> None:
    """Adds one extension, as what a full map may shed or as what it may not."""
    encoded_key, row = write_key(key), KEYS.get(key)
    data = _write_raw(key, value) if isinstance(value, RawItem) else None
    if row is None or row.sheds is None:
        others[encoded_key] = _write_plain(key, value) if data is None else data
    elif data is None and row.number == c.BAGGAGE:
        context[row.number] = Baggage(value)
    else:
        context[row.number] = Whole(data)  # a TraceContext comes here as a RawItem: E-4


def write_key(key: object) -> bytes:
    if isinstance(key, int) and not isinstance(key, bool):
        if not 1 <= key <= c.MAX_EXTENSION_KEY:
            raise FrameError("X-5", field="extension key")
        return encode_head(UINT, key)
    if not isinstance(key, str):
        raise TypeError(f"an extension key must be int or str, not {type(key).__name__}")
    if not 1 <= _length(key) <= c.MAX_EXTENSION_KEY_BYTES:
        raise FrameError("X-6", field="extension key")
    content = _utf8(key, "extension key")
    return encode_head(TSTR, len(content)) + content


def _write_raw(key: object, item: RawItem) -> bytes:
    try:
        item.check()
    except FrameError as error:
        raise FrameError(error.rule, field="extension value", detail=f"key {key!r}") from None
    return item.data


def _write_plain(key: object, value: object) -> bytes:
    try:
        data = encode_value(value)
    except FrameError as error:
        raise FrameError(error.rule, field="extension value", detail=f"key {key!r}") from None
    row = KEYS.get(key)
    if row is not None and row.read(data) is None:
        raise FrameError(row.rule, field="extension value")  # E-9
    return data


def _length(text: str) -> int:
    """Bytes of a text, which are asked for before it is asked whether they are UTF-8."""
    return len(text.encode(errors="surrogatepass"))


def _utf8(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FrameError("F-16", field=field) from None  # F-16


def typed(value: _T, *types: type) -> _T:
    if not isinstance(value, types):
        expected = " or ".join(t.__name__ for t in types)
        raise TypeError(f"expected {expected}, not {type(value).__name__}")
    return value
