"""What is installed, which half of the codec serves, and that both halves look the same."""

import ast
import importlib.metadata
import importlib.resources
import inspect
import operator
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

import tracewire
import tracewire.codec
from tracewire.codec import reference
from tracewire.codec.compiled import _speedups

ROOT = Path(__file__).parents[2]
HALVES = (reference, _speedups)


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TRACEWIRE_PURE_PYTHON": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(code: str, **environment: str) -> str:
    run = run_python(code, **environment)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


# What is installed


@pytest.mark.parametrize("module", [tracewire, tracewire.codec, *HALVES], ids=lambda m: m.__name__)
def test_tests_import_what_is_installed(module: ModuleType) -> None:
    assert module.__file__ is not None
    installed = Path(sysconfig.get_path("platlib")) / "tracewire"
    assert Path(module.__file__).is_relative_to(installed)


def test_version_is_that_of_the_metadata() -> None:
    assert tracewire.__version__ == importlib.metadata.version("tracewire")


def test_metadata_names_licence_pythons_and_dependencies() -> None:
    metadata = importlib.metadata.metadata("tracewire")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    required = [name for name in metadata.get_all("Requires-Dist", []) if "extra ==" not in name]
    assert sorted(name.split(">")[0] for name in required) == [
        "cbor2",
        "msgspec",
        "opentelemetry-api",
    ]


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("tracewire", ["py.typed"]),
        ("tracewire.codec.compiled", ["_speedups.pyi"]),
        ("tracewire.spec", ["tracewire.md", "registry.toml", "frame.cddl"]),
    ],
)
def test_data_is_installed_as_it_is_in_the_source(package: str, names: list[str]) -> None:
    folder = ROOT / {"tracewire": "package"}.get(
        package, package.removeprefix("tracewire.").replace(".", "/")
    )
    for name in names:
        installed = importlib.resources.files(package) / name
        assert installed.read_bytes() == (folder / name).read_bytes()


def test_every_vector_file_is_installed() -> None:
    installed = importlib.resources.files("tracewire.spec") / "vectors"
    names = sorted(path.name for path in installed.iterdir())
    assert names == sorted(path.name for path in (ROOT / "spec/vectors").glob("*.json")) != []


def test_no_source_of_the_compiled_half_is_installed() -> None:
    folder = importlib.resources.files("tracewire.codec.compiled")
    suffixes = {Path(path.name).suffix for path in folder.iterdir() if path.is_file()}
    assert suffixes <= {".py", ".pyi", ".so", ".pyd"}


def test_the_tool_runs_as_a_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tracewire", "--help"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Usage: python -m tracewire")


# The lazy names of `tracewire`


def test_tracewire_offers_the_names_of_the_codec() -> None:
    assert tracewire.__all__ == tracewire.codec.__all__
    for name in tracewire.__all__:
        assert getattr(tracewire, name) is getattr(tracewire.codec, name)
    assert set(tracewire.__all__) <= set(dir(tracewire))


def test_tracewire_loads_the_codec_only_when_asked() -> None:
    code = "import sys, tracewire; print('tracewire.codec' in sys.modules); tracewire.Frame"
    assert printed(code + "; print('tracewire.codec' in sys.modules)") == "False\nTrue"


def test_tracewire_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="'tracewire' has no attribute 'frame'"):
        tracewire.frame  # type: ignore[attr-defined]  # noqa: B018


# The selector

SELECTED = "import tracewire.codec as c; print(c.IMPLEMENTATION, c.Frame.__module__)"
WITHOUT = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "tracewire.codec.compiled._speedups":
            {failure}

sys.meta_path.insert(0, Missing())
"""


def test_the_compiled_half_serves_by_default() -> None:
    assert printed(SELECTED) == "compiled tracewire.codec.compiled._speedups"


def test_pure_python_selects_the_reference() -> None:
    pure = printed(SELECTED, TRACEWIRE_PURE_PYTHON="1")
    assert pure == "reference tracewire.codec.reference.frame"


def test_pure_python_never_loads_the_compiled_half() -> None:
    code = "import sys, tracewire.codec; print('tracewire.codec.compiled._speedups' in sys.modules)"
    assert printed(code, TRACEWIRE_PURE_PYTHON="1") == "False"


def test_the_compiled_half_never_loads_the_reference() -> None:
    code = "import sys, tracewire.codec; print('tracewire.codec.reference' in sys.modules)"
    assert printed(code) == "False"


def test_the_reference_serves_where_the_extension_was_not_built() -> None:
    absent = WITHOUT.format(failure="raise ModuleNotFoundError('none', name=name)")
    assert printed(absent + SELECTED) == "reference tracewire.codec.reference.frame"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("raise ModuleNotFoundError('gone', name='tracewire.codec.value')", "gone"),
        ("raise ImportError('undefined symbol', name=name)", "undefined symbol"),
    ],
    ids=["a module that it needs is missing", "it cannot be loaded"],
)
def test_a_broken_extension_is_not_hidden(failure: str, error: str) -> None:
    run = run_python(WITHOUT.format(failure=failure) + SELECTED)
    assert run.returncode == 1
    assert error in run.stderr.splitlines()[-1]


# The two halves and the stub


SHARED = {"NOT_SAMPLED", "FrameError", "Kind", "RawItem", "Status"}
OWN = sorted(set(tracewire.codec.__all__) - SHARED - {"IMPLEMENTATION", "counters"})


def members(half: ModuleType) -> list[str]:
    """Name what a half offers: `decode`, `Frame`, `Frame.payload`, and so on."""
    found = []
    for name in OWN:
        inside = dir(getattr(half, name)) if isinstance(getattr(half, name), type) else []
        found += [name, *(f"{name}.{member}" for member in inside if not member.startswith("_"))]
    return found


def shape(member: object) -> list[tuple[str, object, object]] | None:
    """Give a function's parameters with their kinds and defaults; None for anything else."""
    if isinstance(member, type) or not callable(member):
        return None
    parameters = inspect.signature(member).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


def annotations(path: Path) -> dict[str, list[str]]:
    """Map each function and constructor of a source file to its annotations, the result's last."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef):
                arguments = inner.args.posonlyargs + inner.args.args + inner.args.kwonlyargs
                types = [*(argument.annotation for argument in arguments), inner.returns]
                # The stub's private aliases differ from the reference's names by a `_` alone.
                found[prefix + inner.name] = [
                    ast.unparse(each).strip("'").replace("_", "") for each in types if each
                ]
    return found


@pytest.mark.parametrize("name", sorted(SHARED))
def test_both_halves_share_numbers_errors_and_values(name: str) -> None:
    assert getattr(_speedups, name) is getattr(reference, name)


def test_both_halves_offer_the_same_members() -> None:
    assert members(_speedups) == members(reference)


@pytest.mark.parametrize("name", members(reference))
def test_both_halves_have_the_same_signatures_and_docs(name: str) -> None:
    ours, theirs = (operator.attrgetter(name)(half) for half in (reference, _speedups))
    assert shape(theirs) == shape(ours)
    assert inspect.getdoc(theirs) == inspect.getdoc(ours)


def test_no_docstring_of_the_codec_begins_with_a_word_that_leans_on_its_name() -> None:
    sources = [path for path in (ROOT / "codec").rglob("*.p*") if path.suffix != ".pyc"]
    said = {path.name: re.findall(r'"""\s*(\w+)', path.read_text()) for path in sources}
    assert {"keys.py", "frame.pxi", "_speedups.pyx"} <= said.keys()
    assert {name for name, words in said.items() if {"Of", "Those"} & set(words)} == set()


def test_what_both_halves_share_imports_neither() -> None:
    shared = [path for path in (ROOT / "codec").glob("*.py") if path.name != "__init__.py"]
    imports = re.compile(r"^\s*(?:from|import) .*\b(?:reference|compiled|_speedups)\b", re.M)
    assert [path.name for path in shared if imports.search(path.read_text())] == []
    assert imports.search((ROOT / "codec/__init__.py").read_text())


def test_the_stub_has_the_types_of_the_reference() -> None:
    stub = annotations(ROOT / "codec/compiled/_speedups.pyi")
    source: dict[str, list[str]] = {}
    for path in (ROOT / "codec/reference").glob("*.py"):
        source |= annotations(path)
    common = stub.keys() & source.keys()
    assert {f"{name}.__init__" if name[0].isupper() else name for name in OWN} <= common
    assert {name: stub[name] for name in common} == {name: source[name] for name in common}
