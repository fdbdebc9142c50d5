"""The switch that turns every skip into a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = {
    "test_calls.py": """
import pytest

@pytest.fixture
def tool():
    pytest.skip("no tool")

def test_that_skips():
    pytest.skip("no tool")

@pytest.mark.skip(reason="no tool")
def test_with_a_mark():
    pass

def test_with_a_fixture(tool):
    pass

@pytest.mark.xfail
def test_known_to_fail():
    assert False
""",
    "test_module.py": "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
    "test_import.py": "import pytest\npytest.importorskip('no_such_module')\n",
}


@pytest.mark.parametrize(
    ("no_skips", "outcome"),
    [("", "5 skipped, 1 xfailed"), ("1", "1 failed, 1 xfailed, 4 errors")],
    ids=["elsewhere they are only reported", "where forbidden they fail"],
)
def test_skips(tmp_path: Path, no_skips: str, outcome: str) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir=.", "--continue-on-collection-errors", "."],
        env={**os.environ, "TRACEWIRE_NO_SKIPS": no_skips},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in run.stdout.splitlines()[-1]
    assert run.returncode == (1 if no_skips else 0)
