"""docs/architecture.md names nothing that is not there, and every file of protocol/."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tracewire.codec
import tracewire.protocol

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PROSE = re.sub(r"^    .*$", "", PAGE, flags=re.MULTILINE)
PICTURE = re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE)[0]
QUOTED = sorted(set(re.findall(r"`([^`]+)`", PROSE)))
PATH = re.compile(r"[\w/]+(?:\.(?:py|md|toml)|/)")
NAME = re.compile(r"\w+(?:\.\w+)*")
#: No names of the code: the command, a call, the order of imports, and what is to come.
OTHERS = {
    'await peer.call("guild.join", 42, timeout=1.0)', "async with", "messaging/",
    "spec -> protocol -> codec",
}  # fmt: skip


def known_names() -> dict[str, object]:
    """What a name may begin with: the codec, and all that protocol's modules hold."""
    package = tracewire.protocol
    found: dict[str, object] = {"codec": tracewire.codec, **vars(tracewire.codec)}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        found |= vars(importlib.import_module(module.name))
    return found


KNOWN = known_names()


def is_known(name: str) -> bool:
    first, *rest = name.split(".")
    if first not in KNOWN:
        return False
    value = KNOWN[first]
    for each in rest:
        if not hasattr(value, each):
            return False
        value = getattr(value, each)
    return True


def files_drawn(block: str) -> set[str]:
    """The paths of the files in the picture, by its indents."""
    found, folders = set(), [""]
    for line in block.splitlines():
        match = re.match(r"    ( *)([\w/.]+)  +\S", line)
        if match is None or len(match[1]) > 8:
            continue
        depth, name = len(match[1]) // 2, match[2]
        del folders[1 + min(depth, len(folders) - 1) :]
        if name.endswith("/"):
            folders.append(name)
        elif name.endswith(".py"):
            found.add("".join(folders) + name)
    return found


@pytest.mark.parametrize("path", [each for each in QUOTED if PATH.fullmatch(each)])
def test_a_path_that_is_named_exists(path: str) -> None:
    assert path in OTHERS or (ROOT / path).exists()


@pytest.mark.parametrize(
    "name", [each for each in QUOTED if NAME.fullmatch(each) and not PATH.fullmatch(each)]
)
def test_a_name_that_is_named_exists(name: str) -> None:
    assert is_known(name)


def test_nothing_else_is_quoted() -> None:
    rest = {each for each in QUOTED if not (PATH.fullmatch(each) or NAME.fullmatch(each))}
    assert rest <= OTHERS


@pytest.mark.parametrize("name", ["Peer.cal", "codec.encode_", "Nobody", "Connection.request.id_"])
def test_a_name_that_does_not_exist_is_seen(name: str) -> None:
    assert not is_known(name)


def test_the_picture_has_each_file_of_protocol() -> None:
    protocol = ROOT / "protocol"
    files = {f"protocol/{path.relative_to(protocol)}" for path in protocol.rglob("*.py")}
    inits = {path for path in files if path.endswith("/__init__.py")} - {"protocol/__init__.py"}
    assert files_drawn(PICTURE) == files - inits


def test_folders_of_the_picture_exist() -> None:
    top = re.findall(r"^    (\w+/)", PICTURE, re.MULTILINE)
    assert len(top) > 4
    assert [name for name in top if not (ROOT / name).is_dir()] == []


def test_each_term_of_the_glossary_stands_once_and_has_a_place() -> None:
    glossary = PAGE.partition("## Glossary")[2]
    terms = re.findall(
        r"^\| ([\w ,-]+) \| [^|]+ \| (?:`[^`|]+`(?:, )?)+ \|$", glossary, re.MULTILINE
    )
    assert len(terms) == len(re.findall(r"^\| (?!term )", glossary, re.MULTILINE))
    split = [term for line in terms for term in line.split(", ")]
    assert len(split) > 60
    assert sorted(split) == sorted(set(split))
