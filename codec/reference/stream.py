"""Streams: section 5.1."""

from .. import constants as c
from ..buffer import as_bytes
from ..errors import FrameError
from ..sealed import Sealed
from ..writing import Buffer, typed
from .frame import Frame, decode


def to_stream(frame_bytes: Buffer) -> bytes:
    """The frame after its length in 4 bytes, as it goes on a stream. Section 5.1

    Args:
        frame_bytes: a frame as it was encoded.

    Returns:
        The record, which `StreamDecoder` reads.

    Raises:
        FrameError: S-1, the frame is too long for such a length.
        TypeError: ``frame_bytes`` is no buffer.
        BufferError: ``frame_bytes`` is a view that is not contiguous.
    """
    record = as_bytes(frame_bytes)
    if len(record) >= 1 << 8 * c.STREAM_PREFIX:
        raise FrameError("S-1")  # S-1
    return len(record).to_bytes(c.STREAM_PREFIX, "big") + record


class StreamDecoder(Sealed):
    """Frames out of a stream that arrives in pieces of any size. Section 5.1

    One decoder serves one stream and one thread.

    Args:
        max_frame: the longest record that is accepted, in bytes without its prefix; 1 to 2**32 - 1.

    Raises:
        ValueError: ``max_frame`` lies outside.
        TypeError: ``max_frame`` is no number.
    """

    __slots__ = ("_buffer", "_max_frame", "_overlong")

    def __init__(self, max_frame: int = c.MAX_FRAME) -> None:
        if not 1 <= typed(max_frame, int) < 1 << 8 * c.STREAM_PREFIX:
            raise ValueError("max_frame must lie between 1 and 2**32 - 1")
        self._max_frame = max_frame
        self._buffer = bytearray()
        self._overlong = False

    @property
    def max_frame(self) -> int:
        return self._max_frame

    def feed(self, data: Buffer) -> list[Frame | FrameError]:
        """The records that are complete now.

        Args:
            data: the next piece of the stream.

        Returns:
            A Frame for each record, for an invalid one the FrameError that says why; offsets count
            from the first byte after the prefix. A record over the maximum is refused as soon as
            its length is known: its error is the last item, and later feeds return an empty list.

        Raises:
            TypeError: ``data`` is no buffer.
            BufferError: ``data`` is a view that is not contiguous.
        """
        items: list[Frame | FrameError] = []
        piece = as_bytes(data)
        if self._overlong:
            return items
        self._buffer += piece
        start = 0
        while (body := start + c.STREAM_PREFIX) <= len(self._buffer):
            length = int.from_bytes(self._buffer[start:body], "big")
            if length > self.max_frame:
                items.append(
                    FrameError("S-2", 0, detail=f"{length} bytes, at most {self.max_frame}")
                )  # S-2
                self._overlong = True
                self._buffer = bytearray()
                return items
            if body + length > len(self._buffer):
                break
            items.append(_decode_record(bytes(self._buffer[body : body + length])))
            start = body + length
        del self._buffer[:start]
        return items

    def eof(self) -> FrameError | None:
        """What the end of the stream cut off.

        Returns:
            The FrameError of a record that is not complete, None where there is none.
        """
        if not self._buffer:
            return None
        return FrameError("S-3", max(0, len(self._buffer) - c.STREAM_PREFIX))  # S-3


def _decode_record(record: bytes) -> Frame | FrameError:
    try:
        return decode(record)
    except FrameError as error:
        return error.with_traceback(None)  # S-4
