"""The numbers of connections are those of spec/registry.toml."""

import tomllib
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import tracewire.spec
from tracewire.codec import constants as of_the_codec
from tracewire.protocol import constants

SPEC = Path(tracewire.spec.__file__).parent
REGISTRY: dict[str, Any] = tomllib.loads((SPEC / "registry.toml").read_text())
LIMITS = REGISTRY["limits"] | REGISTRY["waiting"]

NAMES = [name for name in vars(constants) if name.isupper() and name[0] != "_"]
#: Those that stand elsewhere in the registry than among the limits.
OTHERS = {"GENERATION", "MODES", "RESERVED_PREFIX", "TRUSTS"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - OTHERS))
def test_a_limit_is_the_registry_s(name: str) -> None:
    assert getattr(constants, name) == LIMITS[name.lower()]


def test_every_limit_of_the_registry_is_in_the_code_once() -> None:
    codec = {getattr(of_the_codec, name) for name in vars(of_the_codec) if name.isupper()}
    mine = {name.lower() for name in NAMES}
    assert mine - {name.lower() for name in OTHERS} <= set(LIMITS)
    missing = {name for name, n in LIMITS.items() if n not in codec} - mine
    assert missing == set()


@pytest.mark.parametrize(
    ("keys", "table"),
    [
        (constants.HelloKey, "hello"),
        (constants.GoawayKey, "goaway"),
        (constants.ErrorKey, "error"),
        (constants.Executed, "executed"),
    ],
)
def test_keys_of_payloads_are_the_registry_s(keys: type[IntEnum], table: str) -> None:
    assert {key.name.lower(): key.value for key in keys} == REGISTRY[table]


def test_the_reserved_prefix_is_the_registry_s() -> None:
    assert REGISTRY["names"]["reserved_prefix"] == constants.RESERVED_PREFIX


def test_the_generation_is_that_of_the_specification() -> None:
    text = (SPEC / "tracewire.md").read_text(encoding="utf-8")
    assert f"| {constants.GENERATION} | tracing | this document |" in text
