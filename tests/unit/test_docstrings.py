"""Docstrings: where they begin, and what those of the public names tell."""

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracewire.protocol

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SOURCES = ("package", "codec", "protocol", "spec", "fuzz")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
IN_THE_MIDDLE = re.compile(r"(As of|Of|Those)\b")
#: The same in what ast does not read: the compiled half of the codec.
QUOTED = re.compile(r'"""((?:As of|Of|Those)\b.*)')

PUBLIC = {name: getattr(tracewire.protocol, name) for name in tracewire.protocol.__all__}
#: What users make themselves; all else of the classes is handed to them.
MADE_BY_USERS = {
    "Body", "Census", "Limits", "Report", "Rollout", "RpcError", "Service", "Timings", "Tracing",
}  # fmt: skip
SECTION = re.compile(r"^(Args|Attributes|Returns|Raises):$", re.MULTILINE)
ERROR = re.compile(r"\b(\w+Error|NotReady|ModeUnknown)\b")


def middles(source: str) -> list[str]:
    """The docstrings of a module that begin in the middle of a sentence."""
    trees = [node for node in ast.walk(ast.parse(source)) if isinstance(node, DOCUMENTED)]
    texts = [ast.get_docstring(node) or "" for node in trees]
    return [text for text in texts if IN_THE_MIDDLE.match(text)]


def sections(docstring: str) -> dict[str, str]:
    """The text of each section, and under the empty name that before them."""
    first, *rest = SECTION.split(docstring)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def entries(section: str) -> set[str]:
    """The names that a section explains."""
    return set(re.findall(r"^    (\w+): ", section, re.MULTILINE))


def raises(function: Callable[..., Any]) -> bool:
    """Whether its own code raises anything but what it caught."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def own_methods(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public ones that it defines, without those that asyncio calls."""
    for name, value in vars(kind).items():
        function = value.__func__ if isinstance(value, classmethod) else value
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if not hasattr(asyncio.BufferedProtocol, name) and not hasattr(asyncio.Protocol, name):
            yield f"{kind.__name__}.{name}", function


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in PUBLIC.items():
        if inspect.isclass(value):
            yield from own_methods(value)
        elif inspect.isfunction(value):
            yield name, value


FUNCTIONS = dict(public_functions())
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


@pytest.mark.parametrize("folder", SOURCES)
def test_no_docstring_begins_in_the_middle(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    assert [(file.name, said) for file in files for said in middles(file.read_text())] == []


def test_no_docstring_of_the_compiled_half_begins_in_the_middle() -> None:
    files = [
        file for file in (ROOT / "codec").rglob("*") if file.suffix in (".pyx", ".pxi", ".pyi")
    ]
    assert files
    assert [(file.name, said) for file in files for said in QUOTED.findall(file.read_text())] == []


@pytest.mark.parametrize("text", ["Of the exemplar.", "Those that ended.", "As of now."])
def test_a_docstring_that_begins_in_the_middle_is_found(text: str) -> None:
    assert middles(f'def f():\n    """{text}"""\n') == [text]


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_says_what_it_is(name: str) -> None:
    assert CLASSES[name].__doc__


def test_a_public_name_is_a_class_a_function_or_a_type_with_a_comment() -> None:
    others = sorted(set(PUBLIC) - set(CLASSES) - {n for n in FUNCTIONS if "." not in n})
    peers = ROOT / "protocol" / "peers"
    source = "".join(file.read_text() for file in peers.glob("*.py"))
    commented = re.findall(r"^#: .+\n(\w+) = ", source, re.MULTILINE)
    assert others == ["CallInterceptor", "HandlerInterceptor"]
    assert set(others) <= set(commented)


@pytest.mark.parametrize("name", sorted(MADE_BY_USERS))
def test_a_class_that_users_make_explains_each_argument(name: str) -> None:
    explained = entries(sections(inspect.getdoc(CLASSES[name]) or "").get("Args", ""))
    assert explained == set(inspect.signature(CLASSES[name]).parameters)


@pytest.mark.parametrize("name", ["Call", "FanOut", "OutgoingCall", "Timing"])
def test_a_class_that_users_are_handed_explains_its_attributes(name: str) -> None:
    kind: Any = CLASSES[name]
    slots = getattr(kind, "__struct_fields__", None) or kind.__slots__
    public = {slot for slot in slots if not slot.startswith("_")}
    assert entries(sections(inspect.getdoc(kind) or "").get("Attributes", "")) == public


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_explains_each_argument(name: str) -> None:
    function = FUNCTIONS[name]
    parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
    said = sections(inspect.getdoc(function) or "")
    assert said[""].strip()
    assert entries(said.get("Args", "")) == parameters


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_says_what_it_returns(name: str) -> None:
    function = FUNCTIONS[name]
    gives = inspect.signature(function).return_annotation not in (None, "None")
    assert ("Returns" in sections(inspect.getdoc(function) or "")) == gives


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_lists_the_errors_that_it_raises(name: str) -> None:
    function = FUNCTIONS[name]
    said = sections(inspect.getdoc(function) or "")
    assert not raises(function) or "Raises" in said
    assert ERROR.findall(said[""]) == []  # they have a section


@pytest.mark.parametrize("name", sorted(MADE_BY_USERS))
def test_a_class_that_users_make_lists_the_errors_of_its_arguments(name: str) -> None:
    kind = CLASSES[name]
    checks = [vars(kind)[each] for each in ("__init__", "__post_init__") if each in vars(kind)]
    checks = [each for each in checks if inspect.getsourcefile(each) == inspect.getsourcefile(kind)]
    if any(map(raises, filter(None, checks))):
        assert "Raises" in sections(inspect.getdoc(kind) or "")
