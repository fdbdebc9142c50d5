"""One CBOR item at a time, checked as section 2.1 of the specification asks. Pure Python.

The reference codec reads frames with it. Both codecs use it for extension values that are looked
at one by one.
"""

from typing import Final, NoReturn

from .constants import MAX_VALUE_DEPTH
from .errors import FrameError

UINT: Final = 0
NINT: Final = 1
BSTR: Final = 2
TSTR: Final = 3
ARRAY: Final = 4
MAP: Final = 5
TAG: Final = 6
SIMPLE: Final = 7

FALSE: Final = 20
TRUE: Final = 21
NULL: Final = 22

_INDEFINITE: Final = 31


class Cursor:
    """A place in ``data``, and what was read before it, for the error that names both."""

    __slots__ = ("data", "field", "id", "item", "kind", "offset")

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset
        self.item = offset  # where the item that is being read begins
        self.field: str | None = None
        self.kind: int | None = None
        self.id: int | None = None

    def fail(self, rule: str, offset: int | None = None) -> NoReturn:
        """Raises FrameError for the item at hand, or for the given offset."""
        at = self.item if offset is None else offset
        raise FrameError(rule, at, self.field, self.kind, self.id)

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes. F-1 if they are not all there."""
        end = self.offset + length
        if end > len(self.data):
            self.fail("F-1", len(self.data))  # F-1
        taken = self.data[self.offset : end]
        self.offset = end
        return taken

    def head(self) -> tuple[int, int]:
        """The major type and argument of the next item, whose head is complete and sound."""
        self.item = self.offset
        initial = self.take(1)[0]
        major, info = initial >> 5, initial & 0x1F
        if info < 24:
            return major, info
        if info == _INDEFINITE and BSTR <= major <= MAP:
            self.fail("F-3")  # F-3
        if info > 27:
            self.fail("F-2")  # F-2
        size: int = 1 << (info - 24)
        argument = int.from_bytes(self.take(size), "big")
        if major == SIMPLE:
            if info == 24 and argument < 32:
                self.fail("F-2")  # F-2
            return major, info  # never 20 to 22: floats and other simple values are of no use
        if argument < (24 if size == 1 else 1 << (4 * size)):
            self.fail("F-4")  # F-4
        return major, argument

    def text(self, length: int) -> str:
        """The content of a tstr."""
        content = self.take(length)
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass  # FrameError says it all, without a context
        self.fail("F-16")  # F-16

    def value(self, depth: int = 0) -> None:
        """Passes over one value of the subset that lies inside ``depth`` containers."""
        major, argument = self.head()
        if major == BSTR:
            self.take(argument)
        elif major == TSTR:
            self.text(argument)
        elif major == TAG or (major == SIMPLE and not FALSE <= argument <= NULL):
            self.fail("X-8")
        elif major in (ARRAY, MAP):
            if depth == MAX_VALUE_DEPTH:
                self.fail("X-9")
            for _ in range(argument):
                if major == MAP:
                    self.nested_key()
                self.value(depth + 1)

    def nested_key(self) -> None:
        """Passes over a key of a map inside a value."""
        major, argument = self.head()
        if major not in (UINT, TSTR):
            self.fail("X-10")
        if major == TSTR:
            self.text(argument)
