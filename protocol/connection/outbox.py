"""What this side has written and its transport has not taken yet, and what waits for room there."""

from typing import Final

from tracewire.codec import to_stream

from .waiting import Waiting

#: A long record counts as one more for each 2^12 bytes: see ``pending``.
_LONG: Final = 12


class Outbox:
    """Records for the owner to write, and the room for them (C-82).

    ``pending``: how many records ``take`` will give; a long one counts for each 4 KiB that it
    begins. ``congested``: whether there is no room, or somebody waits: to be written, or to start.
    ``waiting``: who waits for room. ``limit``: bytes below which there is room.
    """

    __slots__ = (
        "_buffered",
        "_given",
        "_left",
        "_records",
        "_space",
        "_unqueued",
        "congested",
        "limit",
        "pending",
        "waiting",
    )

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._records: list[bytes] = []
        self.pending = 0
        self.congested = False
        self.waiting = Waiting()
        #: Bytes of the records; that were given to the owner; of these, that it could not write.
        self._buffered = self._given = self._left = 0
        #: Bytes of records for which there is room.
        self._space = limit
        self._unqueued = _NONE

    def write(self, frame: bytes) -> None:
        record = to_stream(frame)
        self._records.append(record)
        size = len(record)
        self.pending += 1 + (size >> _LONG)
        self._buffered += size
        if self._buffered >= self._space:
            self.congested = True

    def write_unqueued(self, frame: bytes) -> None:
        """Writes what waits for nobody, and so is bounded. C-83, C-84"""
        if self._unqueued is _NONE:
            self._unqueued = _Unqueued()
        before = self._given + self._buffered
        self.write(frame)
        self._unqueued.add(before, self._given + self._buffered)

    def take(self) -> bytes:
        """The bytes to write now. They count as written unless ``left`` says otherwise."""
        data = b"".join(self._records)
        self._records.clear()
        self.pending = 0
        self._given += self._buffered
        self._buffered = 0
        return data

    def left(self, count: int, others_wait: bool) -> None:
        """The owner could not write so many bytes yet of what it took.

        ``others_wait``: whether something waits to start.
        """
        self._left = count
        self._space = self.limit - count
        self._unqueued.written(self._given - count)
        self.congested = others_wait or bool(self.waiting) or not self.has_room

    @property
    def has_room(self) -> bool:
        """Whether one more is admitted, however long. C-82"""
        return self._buffered < self._space

    @property
    def size(self) -> int:
        """Bytes that are not written yet, what waits for room included. C-87"""
        return self._left + self._buffered + self.waiting.size

    @property
    def taken(self) -> int:
        """Bytes that the transport took since the beginning."""
        return self._given - self._left

    @property
    def unqueued(self) -> int:
        """Bytes that did not wait for room and are not written yet. C-84"""
        return self._unqueued.size


class _Unqueued:
    """Where in all that is written the bytes are that did not wait. ``size``: how many are left."""

    __slots__ = ("_runs", "size")

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        self.size = 0

    def add(self, begin: int, end: int) -> None:
        self.size += end - begin
        if self._runs and self._runs[-1][1] == begin:
            begin = self._runs.pop()[0]
        self._runs.append((begin, end))

    def written(self, position: int) -> None:
        """All before the position was."""
        over = 0
        for begin, end in self._runs:
            if position <= begin:
                break
            self.size -= min(end, position) - begin
            if position < end:
                self._runs[over] = position, end
                break
            over += 1
        del self._runs[:over]


#: Of every connection that wrote nothing of the kind yet.
_NONE: Final = _Unqueued()
