"""FrameError, and the sentence that it says for each rule of the specification."""

from typing import Final

from . import constants as c
from .constants import Kind

_KINDS: Final = frozenset(Kind)

#: What went wrong, by rule id. The rules themselves stand in spec/tracewire.md.
SENTENCES: Final = {
    "F-1": "the input ends before the item does",
    "F-2": "this byte begins no well-formed CBOR item",
    "F-3": "the length is indefinite; lengths must be given",
    "F-4": "the argument is not in its shortest form",
    "F-5": "this is no frame: a frame begins with D9 D4 F7",
    "F-6": "a frame is an array of 4 or 5 elements",
    "F-7": f"the kind must be a uint of at most {c.MAX_KIND}",
    "F-8": f"the id must be a uint of at most {c.MAX_ID}",
    "F-9": "the id of a request, response, cancel, ping or pong must be at least 1",
    "F-10": "the id of a notification, hello or goaway must be 0",
    "F-11": f"the target of a request must be text of 1 to {c.MAX_TARGET_BYTES} bytes",
    "F-12": f"the target of a notification must be text of 0 to {c.MAX_TARGET_BYTES} bytes",
    "F-13": f"the target of a response must be a uint of at most {c.MAX_TARGET_NUMBER}",
    "F-14": "the target of a frame of this kind must be 0",
    "F-15": f"the target must be text of at most {c.MAX_TARGET_BYTES} bytes or a 32-bit uint",
    "F-16": "the text is not valid UTF-8",
    "F-17": "the payload must be a byte string",
    "F-18": "bytes follow the end of the item",
    "X-1": "the fifth element must be a map",
    "X-2": f"the extension map must have 1 to {c.MAX_EXTENSION_ENTRIES} entries",
    "X-3": f"the extension map must not be longer than {c.MAX_EXTENSION_BYTES} bytes",
    "X-4": "an extension key must be a uint or text",
    "X-5": f"an extension key must lie between 1 and {c.MAX_EXTENSION_KEY}",
    "X-6": f"a text extension key must be 1 to {c.MAX_EXTENSION_KEY_BYTES} bytes long",
    "X-7": "extension keys must be in ascending order, none twice",
    "X-8": "a value must be a 64-bit integer, bytes, text, false, true, null, array or map",
    "X-9": f"arrays and maps in a value must not be nested more than {c.MAX_VALUE_DEPTH} deep",
    "X-10": "a key of a map in a value must be a uint or text",
    "X-11": "the frame holds an even extension key that is not understood",
    "U-1": "unusable as trace",
    "U-2": "unusable as tracestate",
    "U-3": "unusable as baggage",
    "U-4": "the timeout must be a uint of microseconds",
    "U-5": f"the content-format must be a uint of at most {c.MAX_CONTENT_FORMAT}",
    "U-6": "fanout must be [n, k] or [n, k, m], uints of at least 1 with k at most n",
    "U-7": "unusable as creation",
    "S-1": "the frame is too long for a 4-byte length",
    "S-2": "the record is longer than the maximum",
    "S-3": "the stream ends inside a record",
    "M-3": "a valid frame, but not an envelope; decode() reads frames of calls",
}


class FrameError(ValueError):
    """Bytes that break a rule, or arguments that cannot make a valid frame.

    Its attributes are its arguments.

    Args:
        rule: the id of the rule of the specification.
        offset: the first byte of the item that breaks it, or the input's length where that ends too
            early; None for arguments.
        field: the part of the frame it lies in.
        kind: that of the frame, None where it was not read yet.
        id: that of the frame, None where it was not read yet.
        detail: what else there is to say.
    """

    def __init__(
        self,
        rule: str,
        offset: int | None = None,
        field: str | None = None,
        kind: int | None = None,
        id: int | None = None,
        detail: str | None = None,
    ) -> None:
        # All arguments go to the base class, so that the error survives pickling.
        super().__init__(rule, offset, field, kind, id, detail)
        self.rule = rule
        self.offset = offset
        self.field = field
        self.kind = Kind(kind) if kind in _KINDS else kind
        self.id = id
        self.detail = detail

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at offset {self.offset}"
        what = "" if self.field is None else f" in {self.field}"
        detail = "" if self.detail is None else f": {self.detail}"
        return f"{self.rule}{where}{what}: {SENTENCES[self.rule]}{detail}"
