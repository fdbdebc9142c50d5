"""What waits in all connections of a server (C-94)."""

from typing import Protocol


class Backlogged(Protocol):
    """What bytes wait in."""

    def overflow(self) -> None:
        """Ends it: more waits than is allowed."""


class Backlog:
    """How many bytes wait in each connection whose other side does not keep up.

    ``limit``: of all together; beyond it the connection with most of it ends.
    """

    __slots__ = ("_limit", "_sizes", "_total")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sizes: dict[Backlogged, int] = {}
        self._total = 0

    def note(self, connection: Backlogged, size: int) -> None:
        """So many bytes wait there now."""
        self._total += size - self._sizes.pop(connection, 0)
        if size:
            self._sizes[connection] = size
        while self._total > self._limit:
            most = max(self._sizes, key=self._sizes.__getitem__)
            self.forget(most)
            most.overflow()

    def forget(self, connection: Backlogged) -> None:
        self._total -= self._sizes.pop(connection, 0)
