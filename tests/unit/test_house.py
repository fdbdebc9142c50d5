"""The house: imports run one way, as docs/architecture.md draws it, and never in a circle."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import tracewire

pytestmark = pytest.mark.once

PACKAGE = Path(tracewire.__file__).parent

#: The lowest first; a package imports itself and those before it.
PACKAGES: Final = (
    "tracewire.codec",
    "tracewire",
    "tracewire.protocol",
    "tracewire.spec",
    "tracewire.__main__",
)
#: The same for the wings of protocol. Those of one floor do not import each other. The empty name
#: is the package itself, with the public names.
FLOORS: Final = (
    {"wire", "constants"},
    {"errors", "limits", "fence", "draws"},
    {"tracing", "body", "transports", "connection"},
    {"peers"},
    {"operations"},
    {"messaging"},
    {"testing", "blocking"},
    {""},
)
#: What wings do not import, by whatever way.
APART: Final = {
    **dict.fromkeys(
        ("connection", "errors", "limits", "wire", "constants"), {"asyncio", "opentelemetry"}
    ),
    "transports": {"opentelemetry"},
}


def read_sources(root: Path) -> dict[str, str]:
    """The source of each module by its name, or a compiled one's stub; a package's is __init__."""
    found = {}
    for path in [*root.rglob("*.py"), *root.rglob("*.pyi")]:
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        found[".".join(parts).removesuffix(".__init__")] = path.read_text()
    return found


def read_imports(name: str, source: str, modules: Iterable[str]) -> set[str]:
    """What a module imports anywhere in it: those of ours by their names, others as they are."""
    is_package = any(each.rpartition(".")[0] == name for each in modules)
    return {_module(target, modules) for target in _targets(source, name, is_package)}


def _targets(source: str, name: str, is_package: bool) -> Iterator[str]:
    """The full name of each thing that is imported."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module, names, level):
                above = name.split(".")
                start = above[: len(above) - level + is_package] if level else []
                parent = ".".join([*start, *([module] if module else [])])
                yield from (f"{parent}.{each.name}" for each in names)


def _module(target: str, modules: Iterable[str]) -> str:
    """The module of ours that an imported name stands in, or it is; what is not ours as it is."""
    if target.split(".")[0] != "tracewire":
        return target
    while target not in modules and "." in target:
        target = target.rpartition(".")[0]
    return target


@pytest.fixture(scope="module")
def imports() -> Mapping[str, set[str]]:
    """What each module imports."""
    sources = read_sources(PACKAGE)
    return {name: read_imports(name, source, sources) for name, source in sources.items()}


def planted(imports: Mapping[str, set[str]], module: str, line: str) -> dict[str, set[str]]:
    """The same with one more line in a module, and a module on top of protocol."""
    more = {**imports, "tracewire.protocol.testing": set[str]()}
    more[module] = more[module] | read_imports(module, line, more)
    return more


def package_of(module: str) -> str:
    return max((name for name in PACKAGES if f"{module}.".startswith(f"{name}.")), key=len)


def wing_of(module: str) -> str:
    return module.removeprefix("tracewire.protocol").removeprefix(".").split(".")[0]


def floor_of(module: str) -> int | None:
    return next((n for n, wings in enumerate(FLOORS) if wing_of(module) in wings), None)


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "tracewire"


def reached(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    """All that a module imports, and what that imports, and so on."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for target in imports.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def faults(imports: Mapping[str, set[str]]) -> list[str]:
    """Each import that the house forbids, and why."""
    found = []
    for module, targets in sorted(imports.items()):
        for target in sorted(targets):
            why = _fault(module, target)
            if why is not None:
                found.append(f"{module} imports {target}: {why}")
        everything = reached(module, imports)
        if module in everything:
            found.append(f"{module} imports itself, by others: circle")
        if package_of(module) == "tracewire.protocol":
            apart = APART.get(wing_of(module), set())
            outside = {each.split(".")[0] for each in everything if not is_ours(each)}
            found += [f"{module} reaches {each}: apart" for each in sorted(apart & outside)]
    return found


def _fault(module: str, target: str) -> str | None:
    if not is_ours(target):
        alone = package_of(module) == "tracewire.codec"
        foreign = target.split(".")[0] not in sys.stdlib_module_names
        return "foreign" if alone and foreign else None
    here, there = package_of(module), package_of(target)
    if PACKAGES.index(there) > PACKAGES.index(here):
        return "climbs"
    if not here == there == "tracewire.protocol" or wing_of(module) == wing_of(target):
        return None
    lower, upper = floor_of(target), floor_of(module)
    if lower is None or upper is None:
        return "on no floor"
    return None if lower < upper else "climbs" if lower > upper else "sideways"


def test_every_import_runs_down_and_none_in_a_circle(imports: Mapping[str, set[str]]) -> None:
    assert len(imports) > 90
    assert sum(map(len, imports.values())) > 500
    assert faults(imports) == []


def test_every_module_of_protocol_stands_on_a_floor(imports: Mapping[str, set[str]]) -> None:
    modules = [name for name in imports if package_of(name) == "tracewire.protocol"]
    assert {wing_of(name) for name in modules} >= {"wire", "limits", "connection", "peers"}
    assert [name for name in modules if floor_of(name) is None] == []


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("codec.value", "import tracewire.protocol.wire", "climbs"),
        ("codec.value", "from tracewire import __version__", "climbs"),
        ("codec.value", "import cbor2", "foreign"),
        ("codec.value", "from msgspec import Struct", "foreign"),
        ("protocol.wire", "from tracewire.spec import registry", "climbs"),
        ("protocol.peers.peer", "from tracewire.spec.tool import cli", "climbs"),
        ("protocol.wire", "from .errors import RpcError", "climbs"),
        ("protocol.wire", "from .constants import MODES", "sideways"),
        ("protocol.errors", "from . import limits", "sideways"),
        ("protocol.limits", "from .connection import grease", "climbs"),
        ("protocol.connection.grease", "from ..peers import call", "climbs"),
        ("protocol.connection.grease", "from ..tracing.semconv import SCOPE", "sideways"),
        ("protocol.tracing.trust", "from ..transports.schemes import parse_address", "sideways"),
        ("protocol.transports.address", "from ..body.body import Body", "sideways"),
        ("protocol.body.cbor", "from tracewire.protocol.connection import events", "sideways"),
        ("protocol.peers.peer", "from ..operations.rollout import Rollout", "climbs"),
        ("protocol.operations.top", "from .. import connect", "climbs"),
        ("protocol.operations.top", "import tracewire.protocol.testing", "climbs"),
        ("protocol.peers.call", "from .peer import Peer", "circle"),
        ("protocol.peers.call", "from . import call", "circle"),
        ("protocol.peers.call", "if TYPE_CHECKING:\n    from .handlers import Handlers", "circle"),
        ("protocol.peers.call", "def late():\n    from .handlers import Handlers", "circle"),
        ("protocol.connection.grease", "import asyncio", "apart"),
        ("protocol.connection.grease", "from asyncio.events import AbstractEventLoop", "apart"),
        ("protocol.errors", "from opentelemetry import trace", "apart"),
        ("protocol.transports.address", "import opentelemetry.trace", "apart"),
    ],
)
def test_an_import_that_the_house_forbids_is_found(
    imports: Mapping[str, set[str]], module: str, line: str, found: str
) -> None:
    said = faults(planted(imports, f"tracewire.{module}", line))
    ours = [each for each in said if each.startswith(f"tracewire.{module} ")]
    assert found in {each.rpartition(": ")[2] for each in ours}


def test_what_is_apart_is_found_behind_others_too(imports: Mapping[str, set[str]]) -> None:
    found = faults(planted(imports, "tracewire.protocol.wire", "import opentelemetry"))
    assert "tracewire.protocol.connection.connection reaches opentelemetry: apart" in found
    assert not [each for each in found if "transports" in each]  # which do not reach it by that


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("protocol.peers.peer", "from ..connection import events"),
        ("protocol.peers.peer", "from opentelemetry import trace"),
        ("protocol.tracing.trust", "import asyncio"),
        ("protocol.operations.top", "from ..peers.peer import Peer"),
        ("codec.value", "from collections import abc"),
    ],
)
def test_an_import_that_runs_down_is_none_of_them(
    imports: Mapping[str, set[str]], module: str, line: str
) -> None:
    assert faults(planted(imports, f"tracewire.{module}", line)) == []
