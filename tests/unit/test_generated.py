"""What generators write stands in the repository, and the vectors owe nothing to the codec."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spec.generators import collisions, contents, examples
from spec.generators.markers import SPECIFICATION, between
from spec.generators.vectors import generate
from tests.unit.vector_files import FOLDER

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """What the generator writes, made once: it takes seconds."""
    return generate.files()


@pytest.mark.parametrize("name", [f"{area}.json" for area in generate.AREAS])
def test_a_vector_file_is_what_its_generator_writes(name: str, written: dict[str, str]) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == written[name]


def test_no_vector_file_lacks_a_generator() -> None:
    found = {path.name for path in FOLDER.glob("*.json")} - {"schema.json"}
    assert found == {f"{area}.json" for area in generate.AREAS}


def test_expectations_are_stated_without_the_codec() -> None:
    code = "import spec.generators.vectors.generate, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = run.stdout.split()
    assert "spec.generators.vectors.frames" in loaded
    assert [module for module in loaded if module.split(".")[0] in ("tracewire", "codec")] == []


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("collision table", collisions.table),
        ("worked examples", examples.section),
        ("contents", contents.section),
    ],
)
def test_a_part_of_the_specification_is_what_its_generator_writes(
    name: str, written: Callable[[], str]
) -> None:
    text = SPECIFICATION.read_text(encoding="utf-8")
    assert between(text, name, written()) == text


def test_a_part_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers of 'no such part'"):
        between("<!-- worked examples -->\n", "no such part", "")
