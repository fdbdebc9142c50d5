"""What a payload means: one value as CBOR, or raw bytes with their content format."""

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from tracewire.codec import Status

from ..constants import Executed
from ..errors import RpcError
from .cbor import CborError, read_item, same_number, word, write_item

# CoAP Content-Format numbers.
OCTET_STREAM: Final = 42
CBOR: Final = 60  # what an absent content format means

_BYTES: Final = (bytes, bytearray)

# Patterns are compiled when they are first needed, not with every import.
#: What msgspec says of types.
_EXPECTED: Final = r"^Expected `[^`]*`(?:, got `[^`]*`)?"
#: And where another form of the same number, or none for nothing, may do.
_SAME_NUMBER: Final = r"^Expected `[^`]*`, got `(?:float|cbor2\.UndefinedType)`"

#: How many types are remembered.
_TYPES: Final = 1_024
#: Types without a hash, by identity; each is kept, so that its identity is not given again.
_without_hash: Final[dict[int, tuple[Any, type[msgspec.Struct]]]] = {}


class Body(msgspec.Struct, frozen=True):
    """Raw bytes as a body, neither written nor read as CBOR.

    It is the whole body: not a value within another one. As a handler's annotation, or as
    ``returns=``, it takes any body as it came, CBOR too.

    Args:
        data: bytes; a bytearray or memoryview is refused when the body is written.
        content_format: a CoAP Content-Format number; 42 is application/octet-stream, 60 says that
            the bytes are CBOR already.
    """

    data: bytes
    content_format: int = OCTET_STREAM


def write_body(value: object) -> tuple[bytes, int | None]:
    """The payload, and its content format where it is not CBOR.

    A Body gives its bytes and None an empty payload. All else becomes one CBOR item:

    - None, bool, int, float, str, bytes, list, tuple and dict as they are; int at any size;
    - an aware datetime as tag 0, a Decimal as tag 4;
    - dataclasses, msgspec Structs, attrs classes and TypedDicts as maps; named tuples as arrays;
      an Enum as its value; by the rules of msgspec.to_builtins, with renamed and omitted fields;
    - sets as arrays; UUID, date, time and timedelta as the text that msgspec gives them.

    Keys of maps are text, bytes or plain numbers (or what becomes one, as a UUID does), and
    nesting is at most 128 deep: a peer would refuse others. Raises TypeError naming the type.
    """
    if isinstance(value, Body):
        if not isinstance(value.data, bytes):
            raise TypeError(f"the data of a Body is bytes, not {type(value.data).__qualname__}")
        return value.data, None if value.content_format == CBOR else value.content_format
    if value is None:
        return b"", None
    return write_item(value), None


def read_body(payload: bytes, content_format: int | None, type: Any = object) -> Any:
    """The value of a payload, as ``type``.

    An empty payload is None. CBOR is exactly one item, converted by msgspec.convert in its strict
    mode, or left as decoded where type is object or Any. Text is read too where the type has none
    in JSON (UUID, datetime, Decimal …), but not as bytes; a whole float below 2^53 where an int is
    wanted, and undefined as null. Another content format gives a Body,
    or its bytes where type is bytes. ``type`` Body gives any payload as it came.

    Raises RpcError INVALID_ARGUMENT, executed = no, its message naming CBOR's types and the path
    from ``$``.
    """
    if type is Body:
        return Body(payload, CBOR if content_format is None else content_format)
    untyped = type is object or type is Any
    if content_format is None or content_format == CBOR:
        value = _read_cbor(payload) if payload else None
    elif type is bytes:
        return payload
    elif not payload:
        value = None
    elif untyped:
        return Body(payload, content_format)
    else:
        raise _invalid(f"a body of content format {content_format} is not read here, only CBOR")
    return value if untyped else _convert(value, type)


def check_type(type: Any) -> None:
    """Raises TypeError where ``read_body`` cannot give this type at all."""
    if type is Body or type is object or type is Any:
        return
    if Body in getattr(type, "__args__", ()):
        raise TypeError("Body stands for the whole body: it cannot be part of another type")
    try:
        _argument(type)
    except NameError as error:
        raise TypeError(f"{type!r} cannot be resolved: {error}") from error


def _read_cbor(payload: bytes) -> Any:
    try:
        return read_item(payload)
    except CborError as error:
        raise _invalid(f"the body is not CBOR that can be read: {error}") from error


def _convert(value: object, type: Any) -> Any:
    try:
        return _converted(value, type)
    except msgspec.ValidationError as error:
        reason = str(error)
    if re.search(_SAME_NUMBER, reason):
        try:
            return _converted(same_number(value), type)
        except msgspec.ValidationError as error:
            if _place(str(error)) != _place(reason):  # else it was no number, or not null, before
                reason = str(error)
    raise _invalid(re.sub(_EXPECTED, _in_words, reason.replace("`$[0]", "`$", 1)))


def _converted(value: object, type: Any) -> Any:
    return msgspec.convert((value,), _argument(type), builtin_types=_BYTES).value  # type: ignore[attr-defined]


def _place(reason: str) -> str:
    return reason.rpartition(" - at ")[2]


def _in_words(expected: re.Match[str]) -> str:
    """Types alone are renamed: names of fields and keys are the application's."""
    return re.sub(r"[\w.]+(?=[`|, ])", lambda found: word(found[0]), expected[0])


def _argument(type: Any) -> type[msgspec.Struct]:
    """A Struct around the type: msgspec keeps what it learnt of Structs only, and names paths."""
    try:
        return _hashable_argument(type)
    except TypeError:  # an application's marker in Annotated has no hash
        pass
    made = _without_hash.get(id(type))
    if made is None:
        if len(_without_hash) >= _TYPES:
            _without_hash.clear()
        made = _without_hash[id(type)] = type, _struct(type)
    return made[1]


@lru_cache(maxsize=_TYPES)
def _hashable_argument(type: Any) -> type[msgspec.Struct]:
    return _struct(type)


def _struct(type: Any) -> type[msgspec.Struct]:
    """Raises TypeError, or NameError, where msgspec can make no such type."""
    made = msgspec.defstruct("Argument", [("value", type)], array_like=True)
    msgspec.msgpack.Decoder(made)
    return made


def _invalid(message: str) -> RpcError:
    return RpcError(Status.INVALID_ARGUMENT, message, executed=Executed.NO)
