"""No invariant of the codec, but of a module with a planted overflow that fuzzing must find."""

from types import ModuleType


def check(overflow: ModuleType, data: bytes) -> None:
    overflow.read(data)
