"""What `tracewire top` makes of answers of other versions, whatever they lack or have besides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tracewire.protocol import Census, Timings
from tracewire.spec.tool.inputs import Unreadable
from tracewire.spec.tool.peers.snapshot import WIDE, Snapshot, fitting, read, tables

VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


def todays() -> dict[str, list[dict[str, Any]]]:
    timings, census = Timings(), Census()
    for number in range(3):
        timings.record(f"guild-{number}", "typing", 3.0 - number, 42)
    census.expect("guilds", ["a"])
    census.report("users", "b", "both")
    return {"timings": timings.snapshot(), "census": census.snapshot()}


KNOWN = {name for rows in todays().values() for row in rows for name in row}


@st.composite
def of_other_versions(draw: st.DrawFn) -> dict[str, Any]:
    answer: dict[str, Any] = todays()
    new_names = st.text(max_size=9).filter(lambda name: name not in KNOWN)
    for row in (*answer["timings"], *answer["census"]):
        for name in draw(st.sets(st.sampled_from(sorted(row)))):
            del row[name]
        row.update(draw(st.dictionaries(new_names, VALUES, max_size=3)))
    answer.update(draw(st.dictionaries(new_names.filter(lambda name: name not in answer), VALUES)))
    return answer


def printed(snapshot: Snapshot, width: int) -> str:
    console = Console(width=500, force_terminal=False)
    with console.capture() as captured:
        for table in tables(snapshot, width):
            console.print(table)
    return captured.get()


@given(of_other_versions(), st.integers(1, 5), st.sampled_from([80, WIDE]), st.integers(1, 40))
def test_every_answer_is_shown(answer: dict[str, Any], most: int, width: int, height: int) -> None:
    snapshot = read(answer, most)
    assert all(row in answer["timings"] for row in snapshot.timings or ())
    assert all(row in answer["census"] for row in snapshot.census or ())
    shown = printed(fitting(snapshot, width, height), width)
    for row in snapshot.census or ():
        assert row.get("destination", "?") in shown


@pytest.mark.parametrize("name", ["entity", "action"])
def test_rows_that_lack_a_name_stand_for_one_thing(name: str) -> None:
    answer = todays()
    for row in answer["timings"]:
        del row[name]
    shown = printed(read({"timings": answer["timings"]}, 9), WIDE)
    assert len(shown.splitlines()) == (2 if name == "entity" else 4)
    assert "?" in shown


@pytest.mark.parametrize(
    ("pair", "said"),
    [(["a", "silent"], "a: silent"), (["a", "silent", {"since": 1}], "a: silent"), (["a"], "a")],
)
def test_a_pair_is_read_as_far_as_it_is_known(pair: list[object], said: str) -> None:
    shown = printed(read({"census": [{"missing": [pair]}]}, 1), WIDE)
    assert shown.splitlines()[-1].rstrip().endswith(f"  {said}")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"timings": {}},
        {"timings": [{"count": "many"}]},
        {"census": [{"ready": "soon"}]},
        {"census": [{"missing": ["a"]}]},
    ],
)
def test_a_field_of_another_type_is_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable, match=r"^its answer cannot be read: Expected"):
        read(answer, 1)
