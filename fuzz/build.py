"""The compiled codec as it is fuzzed: built by clang, with address and undefined-behaviour checks
and with coverage counters."""

import fcntl
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILDS = ROOT / "build" / "fuzz"
COMPILER = "clang-14"
FLAGS = (
    *("-shared", "-fPIC", "-O1", "-g", "-fno-omit-frame-pointer", "-Wno-everything"),
    *("-fsanitize=address,undefined,fuzzer-no-link", "-fsanitize-trap=undefined"),
    "-fno-sanitize=pointer-overflow",  # Cython's own code adds 0 to NULL
)


class Unavailable(Exception):
    """What fuzzing needs is not installed."""


def build_codec() -> Path:
    """The directory from which to import the instrumented package."""

    def fill(directory: Path) -> None:
        codec = directory / "tracewire" / "codec"
        shutil.copytree(ROOT / "package", codec.parent)
        shutil.copytree(ROOT / "codec", codec)
        _compile(codec / "compiled" / "_speedups.pyx", "tracewire.codec.compiled._speedups")

    return _built(f"codec-{codec_digest()}", fill)


def build_module(source: Path) -> Path:
    """The directory from which to import one instrumented module."""

    def fill(directory: Path) -> None:
        directory.mkdir(parents=True)
        _compile(Path(shutil.copy(source, directory)), source.stem)

    return _built(f"{source.stem}-{_digest([source])}", fill)


def codec_digest() -> str:
    """Changes with the codec's sources and with how they are built."""
    return _digest(_codec())


def peers_digest() -> str:
    """Changes with the sources of peers, the codec's among them."""
    return _digest([*_codec(), *sorted((ROOT / "protocol").rglob("*.py"))])


def _codec() -> list[Path]:
    sources = [path for path in sorted((ROOT / "codec").rglob("*.*")) if path.suffix != ".pyc"]
    return [*sources, *sorted((ROOT / "package").glob("*.py"))]


def _built(name: str, fill: Callable[[Path], None]) -> Path:
    """A directory that was filled once; its name tells what from."""
    directory = BUILDS / name
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        fill(unfinished)
        unfinished.rename(directory)
    return directory


def _digest(sources: list[Path]) -> str:
    whole = sha256(repr((FLAGS, sysconfig.get_config_var("EXT_SUFFIX"))).encode())
    for path in sources:
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


@contextmanager
def alone() -> Iterator[None]:
    """A block that one process at a time is in."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_tools() -> None:
    """Raises Unavailable where something that fuzzing needs is missing."""
    if shutil.which(COMPILER) is None:
        raise Unavailable(f"{COMPILER} is missing; on Debian: clang-14 libclang-rt-14-dev")
    for package in ("atheris", "Cython"):
        if find_spec(package) is None:
            raise Unavailable(f"the Python package {package.lower()} is missing")


def _compile(source: Path, module: str) -> None:
    cython = [sys.executable, "-m", "cython", "-3", "--module-name", module]
    subprocess.run([*cython, str(source)], check=True)
    extension = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    include = sysconfig.get_path("include")
    subprocess.run(
        [COMPILER, *FLAGS, f"-I{include}", str(source.with_suffix(".c")), "-o", str(extension)],
        check=True,
    )
