"""Records of a listener that also reads bare messages (section 5.4, G-15)."""

from collections.abc import Sequence
from typing import Protocol

from tracewire.codec import Frame, FrameError, StreamDecoder, decode, is_frame
from tracewire.codec.constants import STREAM_PREFIX

from ..constants import MODES, Mode

Item = Frame | FrameError | bytes


class RecordReader(Protocol):
    """Takes input in any pieces, gives what is complete: bytes stand for a bare message."""

    def feed(self, data: bytes | memoryview) -> Sequence[Item]: ...
    def eof(self) -> FrameError | None: ...


class MixedRecords:
    """Records of which each may be a frame or a bare message. ``frames``: False takes all as bare.

    M-2, M-4, M-7: what begins like a frame is one, and an error where it proves invalid.
    """

    __slots__ = ("_ended", "_frames", "_max_frame", "_rest")

    def __init__(self, max_frame: int, frames: bool) -> None:
        self._max_frame = max_frame
        self._frames = frames
        self._rest = bytearray()
        self._ended = False

    def feed(self, data: bytes | memoryview) -> list[Item]:
        items: list[Item] = []
        if self._ended:
            return items
        self._rest += data
        at = 0
        while len(self._rest) - at >= STREAM_PREFIX:
            start = at + STREAM_PREFIX
            length = int.from_bytes(self._rest[at:start], "big")
            if length > self._max_frame:
                said = f"{length} bytes, at most {self._max_frame}"
                items.append(FrameError("S-2", 0, detail=said))  # S-2
                self._ended = True
                self._rest.clear()
                return items
            if len(self._rest) - start < length:
                break
            at = start + length
            items.append(self._read(bytes(self._rest[start:at])))
        del self._rest[:at]
        return items

    def eof(self) -> FrameError | None:
        if not self._rest:
            return None
        return FrameError("S-3", max(0, len(self._rest) - STREAM_PREFIX))  # S-3

    def _read(self, record: bytes) -> Item:
        if not (self._frames and is_frame(record)):  # M-2
            return record
        try:
            return decode(record)
        except FrameError as error:
            return error


def record_reader(mode: Mode, max_frame: int) -> RecordReader:
    """The reader of a listener's mode."""
    if mode not in MODES:
        raise ValueError(f"mode must be framed, both or bare, not {mode!r}")
    if mode == "framed":
        return StreamDecoder(max_frame)
    return MixedRecords(max_frame, frames=mode == "both")
