"""Goaway: the end of calls on a connection (section 7.5)."""

from dataclasses import dataclass
from typing import Final

from tracewire.codec import Frame, Kind, Status
from tracewire.codec.constants import MAX_ID

from .constants import ERROR_BYTES, GoawayKey
from .payload import is_uint, read_map, write_map

#: Characters, so that the text has no more bytes than an error may have.
_TEXT: Final = ERROR_BYTES // 4


@dataclass(frozen=True, slots=True)
class Goaway:
    """``last_id``: of the last request that was accepted. ``status``: OK in a drain."""

    last_id: int
    status: int = Status.OK
    text: str | None = None

    def frame(self) -> Frame:
        """The frame that says so; a text that is too long loses its end."""
        fields: dict[int, object] = {
            GoawayKey.LAST_ID: self.last_id,
            GoawayKey.STATUS: int(self.status),
            GoawayKey.TEXT: None if self.text is None else self.text[:_TEXT],
        }
        return Frame(Kind.GOAWAY, 0, 0, write_map(fields))


#: What a goaway means that cannot be read: any request may have been accepted.
UNREADABLE = Goaway(MAX_ID)


def read_goaway(payload: bytes) -> Goaway:
    """What the payload says, as far as it is readable."""
    fields = read_map(payload) or {}
    last_id, status = fields.get(GoawayKey.LAST_ID), fields.get(GoawayKey.STATUS)
    text = fields.get(GoawayKey.TEXT)
    if not is_uint(last_id) or not is_uint(status):
        return UNREADABLE
    return Goaway(last_id, status, text if isinstance(text, str) else None)
