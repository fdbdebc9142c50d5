"""Names: two things never share one, cases of the suite have one, and helpers have a legend."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracewire

pytestmark = pytest.mark.once

PACKAGE = Path(tracewire.__file__).parent
SPEC = Path(__file__).parents[2] / "spec"
SUITE = sorted((SPEC / "suite").glob("*.py"))
TESTS = SPEC.parent / "tests"
LEGEND = (TESTS / "README.md").read_text()
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public_types(source: str) -> Iterator[str]:
    """The classes and aliases of types that a module defines, not those that it imports."""
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name):
                pass
            case ast.AnnAssign(ast.Name(name), ast.Name("TypeAlias")):
                pass
            case ast.Assign([ast.Name(name)], ast.Subscript() | ast.BinOp()):
                pass
            case _:
                continue
        if name[0].isupper() and not name.isupper():
            yield name


def shared(sources: dict[str, str]) -> dict[str, list[str]]:
    """The names that more than one module defines, and where."""
    places = defaultdict(list)
    for place, source in sources.items():
        for name in public_types(source):
            places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def functions(path: Path) -> list[str]:
    return [n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, FUNCTIONS)]


# The compiled half of the codec repeats the names of the reference by intent; it is no .py.
def test_no_two_modules_define_a_type_of_one_name() -> None:
    sources = {str(path.relative_to(PACKAGE)): path.read_text() for path in PACKAGE.rglob("*.py")}
    del sources["codec/__init__.py"]  # which gives the names of the half that serves
    assert len(sources) > 50
    assert shared(sources) == {}


@pytest.mark.parametrize(
    "definition",
    [
        "class Row: ...",
        "class Row(NamedTuple): ...",
        "Row: TypeAlias = dict[str, int]",
        "Row = dict[str, int]",
        "Row = int | str",
    ],
)
def test_a_second_type_of_a_name_is_found(definition: str) -> None:
    assert shared({"a": "class Row: ...", "b": definition}) == {"Row": ["a", "b"]}


@pytest.mark.parametrize(
    "other", ["from .a import Row", "ROW = a[0]", "class _Row: ...", "row = 1"]
)
def test_what_is_imported_private_or_no_type_is_no_second_one(other: str) -> None:
    assert shared({"a": "class Row: ...\nclass _Row: ...\nROW = b[0]", "b": other}) == {}


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_each_case_function_says_what_it_asks(path: Path) -> None:
    names = functions(path)
    assert "_" not in names
    if path.stem.startswith("peer_"):
        assert len(names) == len(set(names)) > 0


def test_the_legend_has_each_helper_of_the_tests_and_nothing_else() -> None:
    helpers = {
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if not path.name.startswith("test_") and "node_modules" not in path.parts
    }
    listed = re.findall(r"^\| `([\w/]+\.py)` \| .+ \|$", LEGEND, re.MULTILINE)
    assert sorted(listed) == sorted(helpers)


def test_files_that_the_legend_says_to_copy_are_there() -> None:
    _, _, part = LEGEND.partition("## To write a new one")
    named = re.findall(r"`((?:spec|unit|interop|property|bench|sweeps)/[\w/]+\.py)`", part)
    roots = {name: SPEC.parent if name.startswith("spec/") else TESTS for name in named}
    assert [name for name, root in roots.items() if not (root / name).is_file()] == []
