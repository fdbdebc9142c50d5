"""`tracewire rules`: the specification's requirements, each with the vectors that prove it."""

import json
from dataclasses import asdict
from typing import Final

import click
from rich.text import Text

from tracewire.spec.specification import Rule, read_rules
from tracewire.spec.tool.safe import quoted
from tracewire.spec.tool.screen import columns, show

IDS_SHOWN: Final = 12  # of the vectors on either side
ABOUT_BYTES: Final = "FXUELMS"  # letters of the rules that vectors prove

EPILOG: Final = """\
\b
Examples:
  tracewire rules
  tracewire rules F-11
  tracewire rules --json | grep MUST

\b
Rules F, X, U, E, L, M and S are about bytes and have vectors, and so do
rules C about payloads; the others are about behaviour over time.
Exit status: 0, or 2 for an unknown rule.
"""


@click.command(epilog=EPILOG)
@click.argument("wanted", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="An object on a line for every rule.")
def rules(wanted: str | None, as_json: bool) -> None:
    """Show the rules of the specification, or one with its vectors."""
    known = {rule.id: rule for rule in read_rules()}
    chosen = list(known.values()) if wanted is None else [_choose(known, wanted)]
    if as_json:
        for rule in chosen:
            print(json.dumps(asdict(rule)))
    elif wanted is None:
        _show_all(chosen)
    else:
        _show_one(chosen[0])


def _choose(known: dict[str, Rule], wanted: str) -> Rule:
    name = wanted.upper()
    if name in known:
        return known[name]
    letter = name.partition("-")[0].rstrip("0123456789")
    ids = [id for id in known if id.startswith(f"{letter}-")]
    ids.sort(key=lambda id: int(id.partition("-")[2]))
    hint = f"Rules {letter} are {ids[0]} to {ids[-1]}." if ids else "`tracewire rules` lists them."
    raise click.BadParameter(f"there is no rule {quoted(wanted)}. {hint}", param_hint="ID")


def _show_all(chosen: list[Rule]) -> None:
    table = columns("rule", "vectors", "text")
    table.columns[1].justify = "right"
    for rule in chosen:
        vectors = len(rule.obeyed_by) + len(rule.broken_by)
        table.add_row(rule.id, str(vectors or "-"), Text(rule.text))
    show(table)


def _show_one(rule: Rule) -> None:
    table = columns("", "")
    table.show_header = False
    table.add_row("rule", f"{rule.id}, section {rule.section}")
    table.add_row("text", Text(rule.text))
    if rule.obeyed_by or rule.broken_by:
        table.add_row("obeyed by", Text(_listed(rule.id, rule.obeyed_by)))
        table.add_row("broken by", Text(_listed(rule.id, rule.broken_by)))
    else:
        about_bytes = rule.id[0] in ABOUT_BYTES
        table.add_row("vectors", "none" if about_bytes else "none: not about bytes")
    show(table)


def _listed(rule: str, ids: list[str]) -> str:
    own_first = sorted(ids, key=lambda id: not id.startswith(f"{rule}/"))
    more = len(ids) - IDS_SHOWN
    rest = [f"and {more} more, which --json lists"] if more > 0 else []
    return ", ".join([*own_first[:IDS_SHOWN], *rest])
