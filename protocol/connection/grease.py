"""Grease: now and then a frame has an extension that nobody has assigned (rule N-2).

So a peer that cannot ignore one is found early, and not when a new extension is assigned. Grease
never decides whether a frame can be sent: it waits for one that has room.
"""

from collections.abc import Mapping
from random import Random
from typing import Final

from tracewire.codec import Status
from tracewire.codec.constants import CONTENT_FORMAT, MAX_ID, TIMEOUT

#: One frame in so many, unless an application says otherwise.
EVERY: Final = 256
#: Keys of the frames that are chosen, whose room is known, and bytes of their payload.
_SMALL: Final = frozenset({TIMEOUT, CONTENT_FORMAT})
_ROOM: Final = 32_768
_LEAST_KEY: Final = 65_537
_VALUES: Final[tuple[object, ...]] = (0, -1, 1 << 63, b"\xff", "grease", False, None, [], [[0]], {})


class Grease:
    """The grease of one connection.

    ``every``: one frame in about so many, the first after half of it.
    """

    __slots__ = ("_every", "_random", "left", "waiting")

    def __init__(self, every: int, random: Random) -> None:
        self._every, self._random = every, random
        #: Frames until the next that is chosen.
        self.left = self._gap()
        #: The id of the request with grease whose response is awaited, or 0.
        self.waiting = 0

    def _gap(self) -> int:
        return self._every // 2 + self._random.randrange(self._every) + 1

    def perhaps_on(
        self, id: int, payload: bytes, extensions: Mapping[int | str, object] | None
    ) -> Mapping[int | str, object] | None:
        """The extensions of a frame, one in so many with grease. ``id``: of a request, else 0."""
        self.left -= 1
        return extensions if self.left else self._on(id, payload, extensions)

    def _on(
        self, id: int, payload: bytes, extensions: Mapping[int | str, object] | None
    ) -> Mapping[int | str, object] | None:
        """The extensions of a chosen frame, with one more."""
        if len(payload) > _ROOM or not _SMALL.issuperset(extensions or ()):
            self.left = 1
            return extensions
        self.left = self._gap()
        self.waiting = id
        key = self._random.randrange(_LEAST_KEY, MAX_ID, 2)
        return {**(extensions or {}), key: self._random.choice(_VALUES)}

    def is_choked_by(self, id: int, status: int) -> bool:
        """Whether this response says that grease was too much; then no more is sent."""
        if id != self.waiting:
            return False
        self.waiting = 0
        if status != Status.INVALID_ARGUMENT:
            return False
        self.left = 0  # which never comes to 0 again
        return True

    def give_up(self) -> bool:
        """No response can come any more: whether one to a frame with grease was awaited."""
        awaited, self.waiting = self.waiting != 0, 0
        return awaited
