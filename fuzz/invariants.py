"""The invariants by name, each the module fuzz.NAME with its ``check(codec, data)``.

``check`` returns where the invariant holds for the input and raises AssertionError, or whatever
the codec should not have raised, where it does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

Check = Callable[[ModuleType, bytes], None]


@dataclass(frozen=True)
class Invariant:
    """``differential``: asks the reference too, which is slow. ``framed``: is given frames.

    ``longest``: bytes of an input; 20,000 are more than an extension map may have.
    """

    name: str
    differential: bool = False
    framed: bool = True
    longest: int = 20_000

    @property
    def check(self) -> Check:
        check: Check = import_module(f"fuzz.{self.name}").check
        return check


INVARIANTS = (
    Invariant("encoders", differential=True, framed=False),
    Invariant("agreement", differential=True),
    Invariant("relays"),
    Invariant("rebuild"),
    Invariant("any_split", longest=2_000),
    Invariant("bounded_memory", framed=False),
    Invariant("only_frame_error"),
)

#: Not an invariant of the codec: shows that an overflow would be found.
PLANTED = Invariant("selftest.planted", framed=False)
