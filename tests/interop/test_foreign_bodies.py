"""What encoders of other languages write, and what is read of it: each row of docs/bodies.md."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.interop import matrix
from tracewire.codec import FrameError, decode
from tracewire.protocol import RpcError
from tracewire.protocol.body.body import read_body, write_body

pytestmark = pytest.mark.once

PAGE = (matrix.ROOT / "docs" / "bodies.md").read_text()
Row = list[str]


def table(name: str) -> list[Row]:
    """The cells of the rows between the page's markers."""
    lines = PAGE.partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0].split("\n")
    rows = [line.strip("| ").split(" | ") for line in lines if line]
    return [[cell.strip("`") for cell in row] for row in rows[2:]]


BODIES, RELAYED = table("bodies"), table("relayed")


def by_node(rows: list[Row]) -> list[str]:
    return asked(["node", str(matrix.PEERS / "node" / "bodies.js")], rows)


def by_go(rows: list[Row]) -> list[str]:
    return asked([str(matrix.build_go()), "bodies"], rows)


def asked(command: list[str], rows: list[Row]) -> list[str]:
    """What the encoders write, in hexadecimal."""
    lines = "".join(f"{json.dumps(row[:3])}\n" for row in rows)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    missing = [each for each in ("node", "npm", "go") if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    matrix.install_node()


def test_the_page_has_all_libraries() -> None:
    assert {row[0] for row in BODIES} == {"cbor-x", "cbor", "cborg", "fxamacker"}
    assert len(BODIES) > 80
    assert len(RELAYED) == 12


def test_encoders_write_what_the_page_says() -> None:
    go = [row for row in BODIES if row[0] == "fxamacker"]
    node = [row for row in [*BODIES, *RELAYED] if row[0] != "fxamacker"]
    assert by_node(node) == [row[3] for row in node]
    assert by_go(go) == [row[3] for row in go]


@pytest.mark.parametrize("row", BODIES, ids=" ".join)
def test_a_handler_without_a_type_gets_what_the_page_says_and_can_send_it_back(row: Row) -> None:
    payload, said = bytes.fromhex(row[3]), row[4]
    if said.startswith("refused: "):
        with pytest.raises(RpcError, match=said.removeprefix("refused: ")):
            read_body(payload, None)
        return
    value = read_body(payload, None)
    assert repr(value) == said
    assert repr(read_body(*write_body(value))) == said


@pytest.mark.parametrize(
    ("value", "type", "read"),
    [
        ("2 ** 40", int, 2**40),
        ("-(2 ** 40)", int, -(2**40)),
        ("Number.MAX_SAFE_INTEGER", int, 2**53 - 1),
        ("new Uint8Array([1, 2, 3])", bytes, b"\x01\x02\x03"),
        ("new Map([[1, 'a']])", dict[int, str], {1: "a"}),
        ("undefined", int | None, None),
    ],
)
def test_a_handler_with_a_type_gets_it_from_each_library(value: str, type: Any, read: Any) -> None:
    rows = [row for row in BODIES if row[2] == value]
    assert {row[0] for row in rows} >= {"cbor-x", "cbor", "cborg"}
    for row in rows:
        got = read_body(bytes.fromhex(row[3]), None, type)
        assert (got, repr(got)) == (read, repr(read)), row


@pytest.mark.parametrize("row", RELAYED, ids=" ".join)
def test_a_frame_that_was_encoded_again_is_what_the_page_says(row: Row) -> None:
    again = bytes.fromhex(row[3])
    try:
        decode(again)
        said = "the same" if again.hex() in row[2] else "another frame"
    except FrameError as error:
        said = f"invalid: {error.rule}"
    assert said == row[4]
