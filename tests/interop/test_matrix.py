"""Every peer of every generation reaches every other, through every relay."""

import asyncio
import shutil

import pytest

from tests.interop import matrix
from tests.interop.matrix import EVERY, RELAYS, Cell, Peer

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def peers() -> tuple[Peer, ...]:
    """Those whose runtime is here."""
    runtimes = ("erl", "erlc", "elixir", "elixirc", "node", "npm", "go")
    missing = [program for program in runtimes if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    matrix.compile_erlang()
    matrix.compile_elixir()
    matrix.build_go()
    matrix.install_node()
    return EVERY


@pytest.fixture(scope="module")
def cells(peers: tuple[Peer, ...]) -> list[Cell]:
    return asyncio.run(matrix.fill_all(peers, lambda cell: None))


@pytest.mark.parametrize("relay", RELAYS)
def test_every_message_arrives_as_the_specification_says(relay: str, cells: list[Cell]) -> None:
    some = [cell for cell in cells if cell.relay == relay]
    assert len(some) == len(EVERY) ** 2
    assert {cell.outcome for cell in some} == {"bare", "no context", "ignored", "kept", "-"}
    assert [(c.sender.name, c.receiver.name, c.problems) for c in some if c.problems] == []


def test_damage_on_the_way_is_noticed_in_each_cell(
    peers: tuple[Peer, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "RELAYS", ("none", "damaging"))
    some = tuple(peer for peer in peers if peer.name in ("json", "framed-python", "compiled"))
    cells = asyncio.run(matrix.fill_all(some, lambda cell: None))
    assert {cell.relay for cell in cells if cell.problems} == {"damaging"}
    assert all(cell.problems for cell in cells if cell.relay == "damaging")
