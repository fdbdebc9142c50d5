"""Words for a terminal: remote text without control, long values shortened, counts."""

from codecs import getincrementaldecoder
from typing import Final

from tracewire.codec.constants import MAX_VALUE_DEPTH

MOST: Final = 60  # characters of a text, or bytes of a byte string, that are shown
LONGEST: Final = 400  # characters of a message that are shown


def escape(text: str) -> str:
    """The text without control characters, marks of direction and other invisible ones."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def brief(message: str) -> str:
    """The message escaped; of a long one its beginning and its end."""
    if len(message) > LONGEST:
        left_out = f" … ({len(message):,} characters in all) … "
        message = message[: LONGEST // 4] + left_out + message[-LONGEST // 4 :]
    return escape(message)


def plain_text(data: bytes) -> str:
    """The text that the bytes are or begin, nothing if they are none or have control characters."""
    text = utf8(data)
    return text if all(char.isprintable() or char in "\t\r\n" for char in text) else ""


def utf8(data: bytes) -> str:
    """The text that the bytes are or begin, nothing if they are none."""
    try:
        return getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return ""


def quoted(text: str) -> str:
    """The text in double quotes, escaped, and cut where it is long."""
    shown = escape(text[:MOST].replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{shown}"' + ("…" if len(text) > MOST else "")


def shortened(data: bytes, most: int = MOST) -> str:
    """The bytes in hexadecimal, cut after ``most`` of them."""
    return data[:most].hex() + ("…" if len(data) > most else "")


def diagnosis(value: object, depth: int = 0) -> str:
    """A value of the subset (section 3.2) in CBOR's diagnostic notation.

    ``depth``: how many containers it lies in; what would be nested too deep is left out.
    """
    if isinstance(value, (dict, list)) and depth == MAX_VALUE_DEPTH:
        return "…"
    match value:
        case dict():
            pairs = [f"{diagnosis(key)}: {diagnosis(value[key], depth + 1)}" for key in value]
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(diagnosis(item, depth + 1) for item in value) + "]"
        case str():
            return quoted(value)
        case bytes():
            return f"h'{shortened(value)}'"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 frame``, ``2 frames``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
