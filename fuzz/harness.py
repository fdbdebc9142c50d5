"""One invariant under libFuzzer: ``python -m fuzz.harness NAME CODEC [libFuzzer's arguments]``.

run.py starts it, in an environment where atheris and the instrumented CODEC can be imported.
"""

import ctypes
import sys
from importlib import import_module

import atheris

from fuzz.invariants import INVARIANTS, PLANTED


def main() -> None:
    program, name, codec_name, *arguments = sys.argv
    invariant = next(known for known in (*INVARIANTS, PLANTED) if known.name == name)
    codec = import_module(codec_name)
    check = invariant.check
    copy = Isolated().copy
    options: dict[str, object] = {}
    if invariant.framed:
        from fuzz.mutator import mutate

        options["custom_mutator"] = lambda data, size, _: mutate(codec, data, size, atheris.Mutate)
    atheris.Setup(
        [program, *arguments],
        lambda data: check(codec, copy(data)),
        enable_python_coverage=False,
        **options,
    )
    atheris.Fuzz()


class Isolated:
    """Copies of inputs, each in a heap block of its own that ends where the input does.

    Python's allocator puts small objects side by side, and keeps a zero after the bytes of each:
    a read that goes too far would pass for a good one.
    """

    def __init__(self) -> None:
        process = ctypes.CDLL(None)
        self.forbid = process["__asan_poison_memory_region"]
        self.forbid.argtypes = ctypes.c_void_p, ctypes.c_size_t
        self.forbid.restype = None
        self.allocate = ctypes.pythonapi.PyMem_RawMalloc
        self.allocate.argtypes = (ctypes.c_size_t,)
        self.allocate.restype = ctypes.c_void_p

    def copy(self, data: bytes) -> bytes:
        size = bytes.__basicsize__ + len(data)
        block = self.allocate(size)
        ctypes.memmove(block, id(data), size)
        ctypes.c_ssize_t.from_address(block).value = 0  # references; the object made next is one
        copy: bytes = ctypes.cast(block, ctypes.py_object).value
        self.forbid(block + size - 1, 1)
        return copy


if __name__ == "__main__":
    main()
