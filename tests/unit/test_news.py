"""News fragments: what a name says, and that a wrong one is noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = "Calls are quicker.\n"

pytestmark = pytest.mark.once


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with our settings and no fragment yet."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "docs/news").mkdir(parents=True)
    shutil.copy(ROOT / "docs/news/README.md", tmp_path / "docs/news")
    return tmp_path


def draft(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "7.8.9"]
    return subprocess.run(
        [*command, "--dir", project], cwd=project, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("kind", ["added", "changed", "fixed", "removed"])
@pytest.mark.parametrize("number", ["", ".2"])
def test_a_fragment_appears_below_its_kind_with_its_issue(
    project: Path, kind: str, number: str
) -> None:
    (project / f"docs/news/9.{kind}{number}.md").write_text(TEXT)
    printed = draft(project).stdout
    assert printed.startswith("## 7.8.9, ")
    assert f"### {kind.capitalize()}\n\n- {TEXT.strip()} (issue 9)\n" in printed


@pytest.mark.parametrize("name", ["quicker.md", "9.md", "9.bugfix.md", "changed.9.md"])
def test_another_name_is_an_error_that_names_it(project: Path, name: str) -> None:
    (project / "docs/news" / name).write_text(TEXT)
    ran = draft(project)
    assert ran.returncode == 1
    assert f"Invalid news fragment name: {name}" in ran.stderr


def test_a_release_moves_the_fragments_into_the_change_log(project: Path) -> None:
    shutil.copy(ROOT / "CHANGELOG.md", project)
    fragment = project / "docs/news/9.fixed.md"
    fragment.write_text(TEXT)
    for arguments in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "7.8.9"]
    subprocess.run([*command, "--dir", project], cwd=project, check=True, capture_output=True)
    before, after = (project / "CHANGELOG.md").read_text().split("<!-- news -->\n")
    assert before == (ROOT / "CHANGELOG.md").read_text().split("<!-- news -->\n")[0]
    assert after.index(TEXT.strip()) < after.index("## Unreleased")
    assert not fragment.exists()
