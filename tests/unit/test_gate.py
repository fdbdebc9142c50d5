"""The gate: it turns red at 5 % more instructions, and finds the commits to compare."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.counts import CannotRun, costs
from tests.bench.gate import (
    CODEC,
    INTENDED,
    NoBaseline,
    Rise,
    judge,
    last_release,
    merge_base,
    rises,
)

Git = Callable[..., str]

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
pytestmark = pytest.mark.once

MEANT = Rise("decode", 3.5, "asks one question more")


def red(before: float, after: float, limit: float = 2.0, **lists: list[Rise]) -> bool:
    listed: dict[str, list[Rise]] = {"intended": [], "known": []} | lists
    [verdict] = judge({"decode": before}, {"decode": after}, limit, **listed)
    return verdict.red


@needs_valgrind
def test_a_call_that_executes_5_percent_more_instructions_turns_the_gate_red() -> None:
    setup = "work = lambda units: [None for _ in range(units)]"
    before, again, more = costs(["work(200)", "work(200)", "work(210)"], setup, [])
    assert more / before == pytest.approx(1.05, abs=0.01)
    assert red(before, more)
    assert not red(before, again)


@needs_valgrind
def test_a_statement_costs_the_same_however_often_it_is_run() -> None:
    setup = "work = lambda units: [None for _ in range(units)]"
    [few] = costs(["work(2000)"], setup, [], runs=1)
    [many] = costs(["work(2000)"], setup, [], runs=100)
    assert few == pytest.approx(many, rel=0.02)


@needs_valgrind
def test_what_cannot_be_run_has_no_count() -> None:
    with pytest.raises(CannotRun, match="No module named 'nowhere'"):
        costs(["pass"], "import nowhere", [])


def test_the_limit_itself_is_green_and_anything_above_it_red() -> None:
    assert not red(1000, 1020)
    assert red(1000, 1021)
    assert not red(1000, 1100, limit=10.0)
    assert red(1000, 1101, limit=10.0)
    assert not red(1000, 500)


def test_an_intended_rise_is_allowed_on_top_of_the_limit() -> None:
    assert not red(1000, 1055, intended=[MEANT])
    assert red(1000, 1056, intended=[MEANT])


def test_an_intended_rise_of_another_case_allows_nothing() -> None:
    assert red(1000, 1055, intended=[MEANT._replace(case="peek_trace")])


def test_an_intended_rise_expires_once_the_baseline_lists_it() -> None:
    assert red(1000, 1055, intended=[MEANT], known=[MEANT])


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """git in a new repository of one commit, on main, with a compiled codec."""

    def run(*arguments: str) -> str:
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@invalid"]
        command = ["git", *identity, *arguments]
        ran = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    run("init", "--initial-branch=main")
    codec = tmp_path / "codec/compiled" / CODEC
    codec.parent.mkdir(parents=True)
    codec.touch()
    run("add", ".")
    run("commit", "--message=first")
    return run


def commit(git: Git) -> str:
    number = git("rev-list", "--all", "--count")  # else two of one second may be the same commit
    git("commit", "--allow-empty", f"--message={number}")
    return git("rev-parse", "HEAD")


def test_on_main_the_first_parent_is_compared_with(git: Git, tmp_path: Path) -> None:
    first = git("rev-parse", "HEAD")
    git("checkout", "-b", "branch")
    commit(git)
    git("checkout", "main")
    git("merge", "--no-ff", "--message=merge", "branch")
    assert merge_base(tmp_path) == first


def test_on_a_branch_the_commit_where_it_left_main_is_compared_with(
    git: Git, tmp_path: Path
) -> None:
    left = commit(git)
    git("checkout", "-b", "branch")
    commit(git)
    commit(git)
    git("checkout", "main")
    commit(git)
    git("checkout", "branch")
    assert merge_base(tmp_path) == left


def test_what_is_not_pushed_yet_is_compared_as_a_branch(git: Git, tmp_path: Path) -> None:
    pushed = git("rev-parse", "HEAD")
    git("update-ref", "refs/remotes/origin/main", pushed)
    commit(git)
    commit(git)
    assert merge_base(tmp_path) == pushed


def test_the_first_commit_has_nothing_to_compare_with(git: Git, tmp_path: Path) -> None:
    with pytest.raises(NoBaseline, match="this is the first commit"):
        merge_base(tmp_path)


def test_a_shallow_clone_has_nothing_to_compare_with(git: Git, tmp_path: Path) -> None:
    commit(git)
    git("clone", "--depth=1", tmp_path.as_uri(), "shallow")
    with pytest.raises(NoBaseline, match="the clone is shallow"):
        merge_base(tmp_path / "shallow")


def test_a_commit_without_a_compiled_codec_is_not_compared_with(git: Git, tmp_path: Path) -> None:
    git("rm", f"codec/compiled/{CODEC}")
    git("commit", "--message=pure")
    commit(git)
    with pytest.raises(NoBaseline, match="has no compiled codec"):
        merge_base(tmp_path)


def test_a_folder_without_git_has_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(NoBaseline, match="there is no branch main"):
        merge_base(tmp_path)


def test_the_release_before_this_commit_is_compared_with(git: Git, tmp_path: Path) -> None:
    with pytest.raises(NoBaseline, match=r"no tag v\* lies before HEAD"):
        last_release(tmp_path)
    for tag in ("v0.1.0", "other", "v0.2.0"):
        git("tag", tag)
        commit(git)
    git("tag", "v0.3.0")
    assert last_release(tmp_path) == "v0.2.0"


def test_intended_rises_are_read_from_the_commit(git: Git, tmp_path: Path) -> None:
    listed = tmp_path / INTENDED
    listed.parent.mkdir(parents=True)
    listed.write_text(
        f'[[rise]]\ncase = "{MEANT.case}"\npercent = {MEANT.percent}\nreason = "{MEANT.reason}"\n'
    )
    git("add", ".")
    git("commit", "--message=listed")
    assert rises(tmp_path, "HEAD") == [MEANT]
    assert rises(tmp_path, "HEAD^") == []
