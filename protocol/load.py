"""Load: how many requests are handled at once, over all connections of a server (C-25)."""


class Load:
    """``limit``: requests that may be handled at once. ``taken``: those that are."""

    __slots__ = ("limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
