"""Frames out of files of any size, in memory that depends on the largest frame alone."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import click

from tracewire.codec import FrameError, decode
from tracewire.codec.constants import MAGIC, STREAM_PREFIX
from tracewire.spec.tool.inputs import Readable, Unreadable
from tracewire.spec.tool.safe import plain_text

CHUNK: Final = 1 << 18  # bytes asked of a file at a time
WINDOW: Final = 1024  # bytes looked at for the first frame of a sequence
SAMPLE: Final = 4096  # bytes that tell hexadecimal text from other input
TEXT_PER_BYTE: Final = 16  # characters of hexadecimal text, comments included, for a byte of frame

EMPTY: Final = "the input is empty"

_NO_DIGITS: Final = re.compile(rb"#[^\n]*|0[xX]|(?<=[0-9a-fA-F]{2}):(?=[0-9a-fA-F]{2})")
_NOT_HEX: Final = re.compile(rb"[^0-9a-fA-F\s]")


class Record(NamedTuple):
    """One frame of a capture, or what there is of it.

    ``at``: where it begins in the input, in bytes. ``data``: the frame; of an invalid one, whose
    end may be unknown, what was read of it. ``error``: why it is invalid. ``more``: the input goes
    on after what was read of an invalid one.
    """

    at: int
    data: bytes
    error: FrameError | None
    more: bool = False


class Window:
    """A view of the input that slides over it and holds little more than it was asked for."""

    def __init__(self, file: Readable) -> None:
        self.offset = 0  # of the next byte, in the input
        self._file = file
        self._held = b""
        self._next = 0  # of the next byte, in what is held
        self._ended = False

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer where the input ends before."""
        if self._next + size > len(self._held) and not self._ended:
            self._fill(size)
        return self._held[self._next : self._next + size]

    def skip(self, size: int) -> None:
        """Moves on by ``size`` bytes that were peeked."""
        self._next += size
        self.offset += size

    def _fill(self, size: int) -> None:
        # Chunk by chunk: nothing is allocated for a length that was only announced.
        parts = [self._held[self._next :]]
        missing = size - len(parts[0])
        while missing > 0 and not self._ended:
            parts.append(self._read())
            missing -= len(parts[-1])
            self._ended = not parts[-1]
        self._held = b"".join(parts)
        self._next = 0

    def _read(self) -> bytes:
        try:
            return self._file.read(CHUNK)
        except OSError as error:
            raise Unreadable(error.strerror) from None


def read_capture(file: Readable, form: str, max_frame: int) -> tuple[str, Iterator[Record]]:
    """The form of the input, found out where it is ``auto``, and its records.

    Raises Unreadable where there is nothing to judge.
    """
    window = Window(file)
    if form != "auto":
        return form, READERS[form](window, max_frame)
    form = detect(window)
    if form == "seq" and (text := plain_text(window.peek(SAMPLE))):
        return form, iter([_text_record(text.encode(), window)])
    return form, READERS[form](window, max_frame)


def detect(window: Window) -> str:
    """The form that the first bytes show.

    ``seq`` if they begin like a frame, ``stream`` if they do so after a length, ``hex`` if they are
    hexadecimal text; ``seq`` again for all else, which is therefore no frame. Raises Unreadable
    where there are none.
    """
    start = window.peek(STREAM_PREFIX + len(MAGIC))
    if not start:
        raise Unreadable(EMPTY)
    if MAGIC.startswith(start[: len(MAGIC)]):
        return "seq"
    record = start[STREAM_PREFIX:]
    if record and MAGIC.startswith(record):
        return "stream"
    return "hex" if is_hexadecimal(window.peek(SAMPLE)) else "seq"


def fault(data: bytes) -> FrameError | None:
    """Why the bytes are no valid frame, None where they are one."""
    try:
        decode(data)
    except FrameError as error:
        return error.with_traceback(None)
    return None


def _text_record(text: bytes, window: Window) -> Record:
    """What no frame begins like, since it is text, and perhaps meant to be hexadecimal."""
    digits = _blank(text)
    wrong = _NOT_HEX.search(digits)
    detail = "it is text, not frames"
    if wrong is not None and digits[: wrong.start()].strip():
        detail += f", and not hexadecimal at {_place(text, wrong.start())}"
    more = len(window.peek(len(text) + 1)) > len(text)
    return Record(0, text, FrameError("F-5", 0, "tag", detail=detail), more)


def _read_one(window: Window, max_frame: int) -> Iterator[Record]:
    """The whole input as one frame."""
    data = window.peek(max_frame + 1)
    if not data:
        raise Unreadable(EMPTY)
    over = len(data) > max_frame
    yield Record(0, data, _overlong(max_frame) if over else fault(data), more=over)


def _read_sequence(window: Window, max_frame: int) -> Iterator[Record]:
    """Frames back to back, up to the first invalid one. S-5"""
    while window.peek(1):
        data, error = _first_frame(window, max_frame)
        if error is not None:
            more = len(window.peek(len(data) + 1)) > len(data)
            yield Record(window.offset, data, error, more)
            return
        yield Record(window.offset, data, None)
        window.skip(len(data))


def _first_frame(window: Window, max_frame: int) -> tuple[bytes, FrameError | None]:
    """The next frame's bytes and None, or some of its bytes and why it is invalid."""
    size = WINDOW
    while True:
        size = min(size, max_frame)
        data = window.peek(size)
        guess = data.find(MAGIC, 1)  # most often the next frame; an error less to make
        if guess > 0 and fault(data[:guess]) is None:
            return data[:guess], None
        error = fault(data)
        if error is None:
            return data, None
        if error.rule == "F-18":  # not asked in a file: the next frame follows
            return data[: error.offset], None
        if error.rule != "F-1":
            return data, error
        if size == max_frame:
            more = len(window.peek(size + 1)) > size
            return data, _overlong(max_frame) if more else error
        size *= 2  # so what is copied stays linear in the frame's length


def _read_stream(window: Window, max_frame: int) -> Iterator[Record]:
    """Each frame after its length (S-1), invalid records among them (S-4)."""
    while prefix := window.peek(STREAM_PREFIX):
        window.skip(len(prefix))
        at = window.offset
        if len(prefix) < STREAM_PREFIX:
            there = f"{len(prefix)} of the {STREAM_PREFIX} bytes of its length are there"
            yield Record(at, b"", FrameError("S-3", 0, detail=there))  # S-3
            return
        length = int.from_bytes(prefix, "big")
        if length > max_frame:
            yield Record(at, b"", _overlong(max_frame, length))  # S-2
            return
        data = window.peek(length)
        if len(data) < length:
            there = f"{len(data):,} of its {length:,} bytes are there"
            yield Record(at, data, FrameError("S-3", len(data), detail=there))  # S-3
            return
        yield Record(at, data, fault(data))
        window.skip(length)


def _read_hex(window: Window, max_frame: int) -> Iterator[Record]:
    """The whole input as one frame in hexadecimal text."""
    most = TEXT_PER_BYTE * max_frame
    text = window.peek(most + 1)
    if len(text) > most:
        raise Unreadable(f"over {most} characters of hexadecimal text; make it binary (xxd -r -p)")
    yield from_digits(text, max_frame)


def from_digits(text: bytes, max_frame: int) -> Record:
    """The one frame that hexadecimal text holds. Raises Unreadable."""
    data = unhex(text)
    if not data:
        raise Unreadable(EMPTY)
    if len(data) > max_frame:
        return Record(0, data, _overlong(max_frame))
    error = fault(data)
    if error is not None and error.rule == "F-18":
        one = "hexadecimal input holds one frame"
        error = FrameError(error.rule, error.offset, error.field, error.kind, error.id, one)
    return Record(0, data, error)


def is_hexadecimal(text: bytes) -> bool:
    """Whether the text holds hexadecimal digits, and what unhex passes over, alone."""
    return not _NOT_HEX.search(_blank(text))


def unhex(text: bytes) -> bytes:
    """The bytes that hexadecimal text stands for.

    White space, 0x, colons between pairs of digits, and comments after # stand for nothing.

    Raises Unreadable with the line and column of what is not hexadecimal.
    """
    digits = _blank(text)
    wrong = _NOT_HEX.search(digits)
    if wrong is not None:
        raise Unreadable(f"not hexadecimal at {_place(digits, wrong.start())}")
    joined = b"".join(digits.split())
    if len(joined) % 2:
        raise Unreadable(f"an odd number of hexadecimal digits ({len(joined)})")
    return bytes.fromhex(joined.decode("ascii"))


def _place(text: bytes, at: int) -> str:
    line = text.count(b"\n", 0, at) + 1
    column = at - text.rfind(b"\n", 0, at)
    return f"line {line}, column {column}"


def _blank(text: bytes) -> bytes:
    """The text with spaces for all that stands for nothing, so that places stay the same."""
    return _NO_DIGITS.sub(lambda found: b" " * len(found[0]), text)


def _overlong(max_frame: int, length: int | None = None) -> FrameError:
    size = "" if length is None else f"{length:,} bytes, "
    return FrameError("S-2", 0, detail=f"{size}--max-frame is {max_frame:,} bytes")  # S-2


READERS: Final[dict[str, Callable[[Window, int], Iterator[Record]]]] = {
    "raw": _read_one,
    "seq": _read_sequence,
    "stream": _read_stream,
    "hex": _read_hex,
}
form_option: Final = click.option(
    "--input",
    "form",
    type=click.Choice(["auto", *READERS]),
    default="auto",
    show_default=True,
    help="What the input is.",
)
