"""Every block of Python in docs/peers.md and docs/operations.md runs, one after the other."""

import ast
import asyncio
import gc
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import tracewire.protocol
from tracewire import is_frame
from tracewire.protocol import Report, Service, Tracing

pytestmark = pytest.mark.once

DOCS = Path(__file__).parents[2] / "docs"
SOCKET = "/run/guild.sock"


class Channel:
    """A transport of the application's own: keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def publish(self, subject: str, message: bytes) -> None:
        self.sent.append(message)

    async def send(self, fields: object) -> None:
        self.sent.append(fields)


class Session:
    """One of many recipients."""

    def __init__(self) -> None:
        self.queue: list[bytes] = []


async def run_blocks(page: str, folder: Path, names: dict[str, Any]) -> dict[str, Any]:
    """The names of a page after all of its blocks, which share them."""
    text = (DOCS / page).read_text().replace(SOCKET, f"{folder}/guild.sock")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 3
    for block in blocks:
        code = compile(block, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)
        if inspect.iscoroutine(result):
            await result
    return names


def test_the_blocks_of_peers_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    threshold = gc.get_threshold()
    try:
        after = asyncio.run(run_blocks("peers.md", tmp_path, {}))
        assert gc.get_threshold() != threshold
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
    assert "guild.join of tenant a" in caplog.messages
    assert after["failed"] == {}


def test_the_blocks_of_operations_run(tmp_path: Path) -> None:
    queue, channel, sessions = Channel(), Channel(), [Session(), Session()]
    service = Service("guild")
    names: dict[str, Any] = {
        "channel": channel,
        "data": Tracing().wrap(b"message"),
        "fields": Report("guild.events", "guild-6", "bare", 0, 0.0).to_dict(),
        "message": b"message",
        "queue": queue,
        "service": service,
        "sessions": sessions,
    }

    async def main() -> dict[str, Any]:
        after = await run_blocks("operations.md", tmp_path, names)
        await after["server"].close()
        return after

    after = asyncio.run(main())
    assert [len(session.queue) for session in sessions] == [1, 1]
    assert all(map(is_frame, queue.sent))
    assert channel.sent[0]["instance"] == "guild-7"
    assert [name for name, _ in after["census"].missing("guild.events")] == ["guild-6", "guild-8"]
    assert "tracewire.top" in service.methods


PAGES = ["peers.md", "operations.md", "tool.md", "architecture.md", "when-something-goes-wrong.md"]


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_to_files(page: str) -> None:
    links = re.findall(r"\]\(([^):#]+)(?:#[\w-]+)?\)", (DOCS / page).read_text())
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


def lines_that_are_logged() -> set[str]:
    """The longest fixed part of each text that protocol/ gives to a logger or to the fence."""
    found = set()
    for path in (DOCS.parent / "protocol").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner, name = ast.unparse(node.func.value), node.func.attr
            if owner.endswith("logger"):
                text = node.args[0]
            elif owner == "FENCE" and name in ("report", "contain"):
                text = node.args[1]
            else:
                continue
            parts = [part.value for part in ast.walk(text) if isinstance(part, ast.Constant)]
            found |= {max(re.split(r"%\w", str(part)), key=len).strip() for part in parts[:1]}
    return found - {""}


def test_each_line_that_is_logged_stands_in_a_page() -> None:
    page = (DOCS / "when-something-goes-wrong.md").read_text()
    lines = lines_that_are_logged()
    assert len(lines) > 15
    assert sorted(line for line in lines if line not in page) == []


def test_each_count_stands_in_a_page() -> None:
    page = (DOCS / "when-something-goes-wrong.md").read_text()
    sources = "".join(path.read_text() for path in (DOCS.parent / "protocol").rglob("*.py"))
    counts = {*re.findall(r'counts\["(\w+)"\] [+-]=', sources), *tracewire.protocol.self_cost()}
    assert len(counts) > 30
    assert sorted(count for count in counts if f"`{count}`" not in page) == []


def test_files_that_contributing_names_exist() -> None:
    root = DOCS.parent
    folders = "codec|docs|examples|fuzz|package|protocol|spec|tests"
    text = (root / "CONTRIBUTING.md").read_text()
    paths = set(re.findall(rf"`((?:{folders})/[\w/.]*)`", text))
    assert len(paths) > 40
    assert sorted(path for path in paths if not (root / path).exists()) == []


def test_each_public_name_stands_in_a_page() -> None:
    text = "".join((DOCS / page).read_text() for page in ("peers.md", "operations.md"))
    named = set(re.findall(r"\w+", text))
    assert sorted(set(tracewire.protocol.__all__) - named) == []


def test_pages_do_not_name_what_is_gone() -> None:
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"]
    gone = re.compile(r"around_handlers|around_calls|\binside=|\bimages\b")
    assert [page.name for page in pages if gone.search(page.read_text())] == []
