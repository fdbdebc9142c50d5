"""A message that was received, while it is handled."""

from collections.abc import Callable
from typing import Self

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link

from tracewire.codec import Frame


class Received:
    """Makes the context of a message current inside its block. It is entered once.

    Attributes:
        frame: the message.
    """

    __slots__ = ("_extract", "_links", "_token", "frame")

    def __init__(
        self,
        frame: Frame,
        extract: Callable[[Frame], Context],
        links: Callable[[Frame], list[Link]],
    ) -> None:
        self.frame = frame
        self._extract, self._links = extract, links

    @property
    def body(self) -> bytes:
        """The message without its envelope."""
        return self.frame.payload

    @property
    def is_bare(self) -> bool:
        """Whether it came without an envelope."""
        return self.frame.kind is None

    @property
    def links(self) -> list[Link]:
        """For the span of the message's handling, if the application starts one."""
        return self._links(self.frame)

    def __enter__(self) -> Self:
        self._token = attach(self._extract(self.frame))
        return self

    def __exit__(self, *raised: object) -> None:
        detach(self._token)
