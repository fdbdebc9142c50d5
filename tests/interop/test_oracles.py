"""Others judge generated frames as we do, but where a table says why not."""

import shutil
from collections import Counter

import pytest

from tests.interop import oracles

pytestmark = pytest.mark.once


def test_every_difference_is_explained_and_every_explanation_is_needed() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    valid, found, _ = oracles.differences(oracles.FRAMES)
    assert oracles.unexplained(found) == []
    assert valid > oracles.FRAMES // 4


def test_frames_are_the_same_for_the_same_seed() -> None:
    assert list(oracles.frames(50)) == list(oracles.frames(50))
    assert list(oracles.frames(50)) != list(oracles.frames(50, seed=1))


def test_an_oracle_that_differs_otherwise_is_not_explained() -> None:
    agreeing = Counter({(name, rule, "accepts"): 1 for name, rule in oracles.EXPLAINED})
    assert oracles.unexplained(agreeing) == []
    assert oracles.unexplained(agreeing + Counter({("cbor2", "valid", "refuses"): 1})) == [
        "cbor2 refuses frames that are valid"
    ]
    assert oracles.unexplained(agreeing + Counter({("cbor2", "F-1", "accepts"): 1})) == [
        "cbor2 accepts what breaks F-1"
    ]
    agreeing.pop(("cbor2", "X-7", "accepts"))
    assert oracles.unexplained(agreeing) == ["cbor2 does not accept what breaks X-7"]
