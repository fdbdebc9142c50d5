"""Values as vectors write them down, so that no big integer, no bytes and no lone surrogate is
lost between languages (schema.json, ``value``)."""

from .build import PARENT_ID, TRACE_ID, Json, Name, written


class NotUtf8(str):
    """Text that is no UTF-8, by its bytes, as languages have it whose text is bytes."""

    __slots__ = ("content",)

    content: bytes

    def __new__(cls, content: bytes) -> "NotUtf8":
        made = super().__new__(cls, content.decode(errors="surrogateescape"))
        made.content = content
        return made


UNDECIDED = "undecided"
NOT_SAMPLED = "not sampled"


def context(
    flags: int = 1, state: str = "", ids: tuple[bytes, bytes] = (TRACE_ID, PARENT_ID)
) -> Json:
    """A trace context, its ids in hex; by default one that is sampled."""
    trace_id, parent_id = ids
    return {
        "trace_id": trace_id.hex(),
        "parent_id": parent_id.hex(),
        "flags": flags,
        "state": name(state),
    }


def tagged(value: object) -> Json:
    """A value as its only member's name says; a dict with a trace id is a trace context."""
    if value is None or isinstance(value, bool):
        return {"simple": {None: "null", False: "false", True: "true"}[value]}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": written(value)}
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return {"array": [tagged(element) for element in value]}
    if isinstance(value, dict) and "trace_id" in value:
        return {"trace": value}
    if isinstance(value, dict):
        return {"map": [[tagged(key), tagged(item)] for key, item in value.items()]}
    raise TypeError(type(value))


def _text(text: str) -> Json:
    if isinstance(text, NotUtf8):
        return {"not_utf8": text.content.hex()}
    if any("\ud800" <= character <= "\udfff" for character in text):
        return {"code_points": [ord(character) for character in text]}
    if len(text) >= 48 and len(set(text)) == 1:
        return {"text": text[0], "times": len(text)}
    return {"text": text}


def name(given: Name) -> object:
    """A target, an extension key or a state: a number or text, which may be none of Unicode."""
    if isinstance(given, str):
        made = _text(given)
        return str(given) if "text" in made else made
    return given
