"""Report: what one receiver says of itself to the census."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Final, Self

import msgspec

from ..constants import AGENT_BYTES, MODES, Mode, instance_of, one_of
from ..wire import is_uint

_DESTINATION_BYTES: Final = 255


@dataclass(frozen=True, slots=True)
class Report:
    """One instance, at one time, on one destination. `Census.report` makes them.

    Args:
        destination: at most 255 bytes.
        instance: its name, at most 64 bytes.
        mode: that of its listener.
        generation: 0 to 3 (section 6).
        at: seconds since 1970 by its own clock.
        quiet: seconds before that in which it received no bare message there; None where it did
            not count any message.

    Raises:
        ValueError: it cannot be true.
    """

    destination: str
    instance: str
    mode: Mode
    generation: int
    at: float
    quiet: float | None = None

    def __post_init__(self) -> None:
        _check_name("destination", self.destination, _DESTINATION_BYTES)
        _check_name("instance", self.instance, AGENT_BYTES)
        of = f"in the report of instance {self.instance!r} on {self.destination!r}"
        one_of(f"mode {of}", self.mode, MODES)
        if not is_uint(self.generation):
            raise ValueError(f"generation {of} must be 0 or more, not {self.generation!r}")
        if self.generation == 0 and self.mode != "bare":
            raise ValueError(f"generation 0 {of} reads no frames: mode must be bare")
        if not isfinite(self.at):
            raise ValueError(f"at {of} must be seconds since 1970, not {self.at!r}")
        if self.quiet is not None and not 0 <= self.quiet < inf:
            raise ValueError(f"quiet {of} must be seconds, 0 or more, not {self.quiet!r}")

    def to_dict(self) -> dict[str, str | int | float | None]:
        """Plain values, for JSON, CBOR and the like.

        Returns:
            The fields by name, which `from_dict` takes.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> Self:
        """A report from what `to_dict` gave, which may come from anywhere.

        Args:
            fields: by name; names that are not known here are left out.

        Returns:
            The report.

        Raises:
            ValueError: they are no report, or one that cannot be true; it says what is wrong.
        """
        try:
            return msgspec.convert(fields, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"that is no report of a census: {error}") from error


def _check_name(what: str, name: str, most: int) -> None:
    size = len(instance_of(f"the {what} of a report", name, str).encode())
    if not 0 < size <= most:
        raise ValueError(f"the {what} of a report has 1 to {most} bytes, not {size}: {name[:80]!r}")
