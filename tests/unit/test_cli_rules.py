"""`tracewire rules`: the specification's own sentences, with the vectors that prove them."""

import json
from pathlib import Path

import pytest

import tracewire.spec
from tests.unit.tool import run
from tests.unit.vector_files import everything
from tracewire.spec.specification import read_rules

SPECIFICATION = Path(tracewire.spec.__file__).with_name("tracewire.md").read_text()


def test_every_requirement_is_listed_with_its_text() -> None:
    listed = run("rules").stdout.splitlines()[1:]
    stated = [line for line in SPECIFICATION.splitlines() if line.startswith("- **")]
    assert len(listed) == len(stated) > 100
    for line, statement in zip(listed, stated, strict=True):
        rule, _, text = line.split(maxsplit=2)
        assert statement == f"- **{rule}** {text}"


def test_every_vector_stands_with_the_rules_that_it_obeys_and_breaks() -> None:
    rules = list(read_rules())
    obeyed = {(rule.id, vector) for rule in rules for vector in rule.obeyed_by}
    broken = {(rule.id, vector) for rule in rules for vector in rule.broken_by}
    vectors = list(everything())
    assert obeyed == {(rule, each["id"]) for each in vectors for rule in each.get("obeys", [])}
    assert broken == {(each["breaks"], each["id"]) for each in vectors if "breaks" in each}


@pytest.mark.parametrize("name", ["F-18", "f-18"])
def test_one_rule_shows_its_text_section_and_vectors(name: str) -> None:
    done = run("rules", name)
    assert done.returncode == 0
    rule, text, obeyed, broken = done.stdout.splitlines()
    assert rule == "rule       F-18, section 2.1 How a frame is read"
    assert text == "text       Nothing MUST follow the frame's last item."
    assert obeyed.startswith("obeyed by  F-18/")
    assert broken.startswith("broken by  F-18/")


def test_a_rule_with_many_vectors_shows_some_and_says_how_many_more() -> None:
    (rule,) = [rule for rule in read_rules() if rule.id == "F-2"]
    shown = run("rules", "F-2").stdout.splitlines()[-1]
    assert shown.count("/") == 12
    assert shown.endswith(f"and {len(rule.broken_by) - 12} more, which --json lists")


@pytest.mark.parametrize("name", ["T-2", "N-1"])
def test_a_rule_that_is_not_about_bytes_says_once_that_it_has_no_vectors(name: str) -> None:
    *_, text, last = run("rules", name).stdout.splitlines()
    assert text.startswith("text ")
    assert last == "vectors  none: not about bytes"


def test_json_is_an_object_on_a_line_for_every_rule() -> None:
    rules = [json.loads(line) for line in run("rules", "--json").stdout.splitlines()]
    assert [rule["id"] for rule in rules] == [rule.id for rule in read_rules()]
    one = json.loads(run("rules", "--json", "X-1").stdout)
    assert one in rules
    assert list(one) == ["id", "section", "text", "obeyed_by", "broken_by"]
    assert one["text"] == "The fifth element MUST be a map."


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("F-99", 'there is no rule "F-99". Rules F are F-1 to F-19.'),
        ("F11", "Rules F are F-1 to F-19."),
        ("x", "Rules X are X-1 to X-12."),
        ("S-", "Rules S are S-1 to S-10."),
        ("no\x1b[2Jthing", 'there is no rule "no\\x1b[2Jthing". `tracewire rules` lists them.'),
        ("", "`tracewire rules` lists them."),
    ],
)
def test_an_unknown_rule_exits_2_and_names_those_of_its_group(name: str, complaint: str) -> None:
    done = run("rules", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
