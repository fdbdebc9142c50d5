"""What both halves promise of their types; the compiled ones keep it by being compiled."""

from typing import Any


class Sealed:
    """A class that is not subclassed, and whose objects are neither pickled nor copied,
    unless it says how."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        base = cls.__bases__[0]
        if base.__module__ != __name__:
            raise TypeError(f"{base.__name__} cannot be subclassed")

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"cannot pickle or copy a {type(self).__name__}")


class Frozen(Sealed):
    """A sealed class whose objects cannot be changed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")
