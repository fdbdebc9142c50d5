"""What each byte of a frame says, up to the item that breaks a rule.

Whether and where a frame is invalid is for the codec to say. This module names what lies before
that place.
"""

from dataclasses import dataclass

from tracewire.codec import Frame, FrameError, Kind, RawItem, TraceContext, decode
from tracewire.codec.constants import CONTENT_FORMAT, MAGIC, MAX_VALUE_DEPTH, TRACE_BYTES
from tracewire.codec.item import ARRAY, BSTR, MAP, TSTR, Cursor
from tracewire.spec.tool.safe import counted, diagnosis

from .describe import (
    describe_array,
    describe_container,
    describe_id,
    describe_key,
    describe_kind,
    describe_payload,
    describe_rest,
    describe_sampled,
    describe_target,
    describe_value,
    joined,
    usable_context,
)


@dataclass(frozen=True, slots=True)
class Field:
    """Some bytes of a frame, where they begin, how deep they are nested, and what they say."""

    offset: int
    data: bytes
    depth: int
    name: str
    meaning: str


def annotate(data: bytes, more: bool = False) -> tuple[list[Field], FrameError | None]:
    """The fields of a frame, which cover it in its order, and why it is invalid.

    Of an invalid frame the last field is all that was not read. ``more``: its input goes on.
    """
    walk = _Walk(data)
    try:
        walk.read_frame()
    except FrameError:
        walk.add_rest(more)
    return walk.fields, walk.fault


class _Walk:
    """A way through a frame that ends at its fault."""

    def __init__(self, data: bytes) -> None:
        self.fields: list[Field] = []
        self.fault: FrameError | None = None
        self._content_format: object = None
        try:
            self._content_format = decode(data).extensions.get(CONTENT_FORMAT)
        except FrameError as error:
            self.fault = error
        self._cursor = Cursor(data)
        self._entries: dict[int | str, RawItem] = {}  # the extensions passed so far

    def read_frame(self) -> None:
        """Adds a field for each item. Raises FrameError at the one that breaks a rule."""
        self._stop_at_fault()
        self._cursor.take(len(MAGIC))
        self._add("tag", "54519: a Tracewire frame")
        _, elements = self._head()
        self._add("array", describe_array(elements))
        _, kind = self._head()
        self._add("kind", describe_kind(kind))
        _, id = self._head()
        self._add("id", describe_id(id))
        self._read_target_and_payload(kind)
        if elements == 5:
            _, count = self._head()
            self._add("extensions", f"map of {counted(count, 'entry', 'entries')}")
            for _ in range(count):
                self._read_extension()
        self._stop_at_fault()

    def add_rest(self, more: bool) -> None:
        """Adds what lies behind the fields as one more."""
        last = self.fields[-1] if self.fields else None
        start = last.offset + len(last.data) if last else 0
        rest = self._cursor.data[start:]
        if self.fault is not None and rest:
            name = self.fault.field or "rest"
            said = describe_rest(self.fault.rule, rest, more)
            self.fields.append(Field(start, rest, 0, name, said))

    def _stop_at_fault(self) -> None:
        if self.fault is not None and self._cursor.offset >= (self.fault.offset or 0):
            raise self.fault

    def _head(self) -> tuple[int, int]:
        """The major type and argument of the next item, unless that breaks a rule."""
        self._stop_at_fault()
        return self._cursor.head()

    def _add(self, name: str, meaning: str, depth: int = 0) -> None:
        """Adds the item at hand."""
        start, end = self._cursor.item, self._cursor.offset
        self.fields.append(Field(start, self._cursor.data[start:end], depth, name, meaning))

    def _read_target_and_payload(self, kind: int) -> None:
        major, argument = self._head()
        target = self._cursor.text(argument) if major == TSTR else argument
        self._add("target", describe_target(kind, target))
        _, length = self._head()
        payload = self._cursor.take(length)
        envelope = kind == Kind.NOTIFICATION and target == ""
        self._add("payload", describe_payload(payload, self._content_format, envelope))

    def _read_extension(self) -> None:
        major, argument = self._head()
        key = self._cursor.text(argument) if major == TSTR else argument
        self._add("key", describe_key(key), 1)
        frame = self._with_next(key)
        context = None if frame is None else usable_context(key, frame)
        if context is not None:
            self._read_context(context)
        else:
            self._read_value(0, "" if frame is None else describe_value(key, frame))

    def _with_next(self, key: int | str) -> Frame | None:
        """A frame with the extensions passed so far and the next one, None where that is invalid.

        It tells what the value means, even if the frame as a whole is invalid.
        """
        ahead = Cursor(self._cursor.data, self._cursor.offset)
        try:
            ahead.value()
        except FrameError:
            return None
        self._entries[key] = RawItem(ahead.data[self._cursor.offset : ahead.offset])
        return Frame(Kind.NOTIFICATION, 0, "", raw_extensions=self._entries)

    def _read_context(self, context: TraceContext) -> None:
        """A usable binary trace context, field by field."""
        _, length = self._head()
        self._add("value", f"{length} bytes: a trace context", 2)
        parts = (
            ("version", 1, str(self._cursor.data[self._cursor.offset])),
            ("trace id", 17, f"{context.trace_id:032x}"),
            ("parent id", 9, f"{context.span_id:016x}"),
            ("flags", 2, f"{context.flags:02x}: {describe_sampled(context)}"),
            ("rest", length - TRACE_BYTES, "of a later version, not read"),
        )
        for name, size, text in parts:
            self._cursor.item = self._cursor.offset
            self._cursor.take(size)
            if size:
                self._add(name, text, 3)

    def _read_value(self, depth: int, known: str = "", name: str = "value") -> None:
        """An item that lies inside ``depth`` containers, and what is known beyond what it is."""
        major, argument = self._head()
        if major in (ARRAY, MAP):
            if depth == MAX_VALUE_DEPTH:
                self._cursor.fail("X-9")
            self._add(name, joined(describe_container(major, argument), known), depth + 2)
            for _ in range(argument):
                if major == MAP:
                    self._read_value(depth + 1, name="key")
                self._read_value(depth + 1, name="value" if major == MAP else "element")
            return
        if major in (BSTR, TSTR):
            self._cursor.take(argument)
        item = RawItem(self._cursor.data[self._cursor.item : self._cursor.offset])
        self._add(name, joined(diagnosis(item.value), known), depth + 2)
