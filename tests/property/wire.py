"""The wire between the sides of the simulation, and what is said on it that no side would say."""

from typing import Final

from tracewire.codec import Frame, Kind, Status, encode, to_stream
from tracewire.codec.constants import MAX_ID


class Wire:
    """One direction: bytes that were written and not yet read."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.ended = self.heard = self.muted = False

    def write(self, data: bytes) -> None:
        if not self.muted:
            self._data += data

    def read(self, most: int) -> bytes:
        piece = bytes(self._data[:most])
        del self._data[:most]
        return piece

    def mute(self) -> None:
        """What is written from now on is lost."""
        self.muted = True

    def cut(self) -> None:
        """What is under way is lost as well."""
        self.mute()
        self._data.clear()


def _record(content: Frame | bytes) -> bytes:
    return to_stream(encode(content) if isinstance(content, Frame) else content)


#: The id of what nobody asked for.
STRAY: Final = MAX_ID

#: Records that a side drops, or that a third generation sends.
NOISE: Final = (
    _record(b""),
    _record(b"no frame"),
    _record(Frame(32_768, 1, 0)),
    _record(Frame(Kind.RESPONSE, STRAY, 0, b"stray")),
    _record(Frame(Kind.RESPONSE, STRAY, Status.ABORTED, b"stray")),
    _record(Frame(Kind.NOTIFICATION, 0, "m", b"0", None, {65_538: "not understood"})),
    _record(Frame(Kind.HELLO, 0, 0, b"unreadable")),
    _record(Frame(Kind.CANCEL, 1, 0, b"", None, {65_538: "not understood"})),
    _record(Frame(Kind.PONG, STRAY, 0)),
)

#: What is a connection error: an over-long record, the 16th invalid one, and at one time too many
#: pings, and more cancels than there can be requests.
MISDEEDS: Final = (
    b"\xff\xff\xff\xff",
    _record(b"") * 16,
    _record(Frame(Kind.PING, STRAY, 0)) * 4,
    _record(Frame(Kind.CANCEL, STRAY, 0)) * 200,
)
