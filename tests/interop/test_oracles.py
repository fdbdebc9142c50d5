"""Others judge generated frames as we do, but where a table says why not."""

import shutil
from collections import Counter

import cbor2
import pytest

from tests.interop import oracles
from tests.interop.oracles import EXPLAINED, REFUSED, TWICE, VALID
from tests.interop.shape import TAG, is_frame
from tests.unit.vector_files import data, load

pytestmark = pytest.mark.once


def test_every_difference_is_explained_and_every_explanation_is_needed() -> None:
    for program in ("node", "go"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    valid, found, _ = oracles.differences(oracles.FRAMES)
    assert oracles.unexplained(found) == []
    assert valid > oracles.FRAMES // 4


def test_frames_are_the_same_for_the_same_seed() -> None:
    assert list(oracles.frames(200)) == list(oracles.frames(200))
    assert list(oracles.frames(200)) != list(oracles.frames(200, seed=1))


def test_an_oracle_that_differs_otherwise_is_not_explained() -> None:
    agreeing = Counter(dict.fromkeys(EXPLAINED, 1))
    assert oracles.unexplained(agreeing) == []
    for each in (
        ("cbor2", VALID, "refuses"),
        ("cbor-x", VALID, "reads otherwise"),
        ("fxamacker", "F-1", "accepts"),
    ):
        assert len(oracles.unexplained(agreeing + Counter({each: 1}))) == 1
    agreeing.pop(("cbor2", "X-7", "accepts"))
    assert oracles.unexplained(agreeing) == ["not seen: cbor2 accepts: X-7"]


def test_an_oracle_is_asked_for_all_that_it_read() -> None:
    frame = bytes.fromhex("d9d4f7850001616140a10b820201")
    verdict, read = oracles.ours(frame)
    assert verdict == VALID
    assert oracles.difference(verdict, read, oracles.by_cbor2([frame])[0]) is None
    for other in ("d9d4f7850001616140a10b820202", "d9d4f7840001616140"):
        said = oracles.by_cbor2([bytes.fromhex(other)])[0]
        assert oracles.difference(verdict, read, said) == "reads otherwise"
    assert oracles.difference(verdict, read, REFUSED) == "refuses"
    assert oracles.difference("F-1", "", read) == "accepts"
    assert oracles.difference("F-1", "", REFUSED) is None


def test_a_frame_with_a_key_twice_inside_a_value_is_told_from_others() -> None:
    assert oracles.ours(bytes.fromhex("d9d4f7850001616140a10fa201f601f5"))[0] == TWICE
    assert oracles.ours(bytes.fromhex("d9d4f7850001616140a10fa201f602f5"))[0] == VALID


FRAMES = [*load("frames"), *load("values")]
#: What is wrong with bytes, and not with the value that they encode.
OF_BYTES = {"F-1", "F-2", "F-3", "F-4", "F-16", "F-18", "X-7"}


def test_the_shape_is_that_of_every_valid_vector() -> None:
    valid = [each for each in FRAMES if "error" not in each["expect"]]
    assert [each["id"] for each in valid if not is_frame(cbor2.loads(data(each["hex"])))] == []


def test_the_shape_judges_each_rule_about_values() -> None:
    wrong = [each for each in FRAMES if "error" in each["expect"]]
    rules = {each["expect"]["error"]["rule"] for each in wrong} - OF_BYTES
    refused = {
        each["expect"]["error"]["rule"]
        for each in wrong
        if oracles.by_cbor2([data(each["hex"])]) == [REFUSED]
    }
    assert rules - refused == set()


def test_the_encoded_length_of_extensions_is_part_of_the_shape() -> None:
    elements = [0, 1, "m", b"", {65_537: bytes(16_384 - 9)}]
    assert is_frame(cbor2.CBORTag(TAG, elements))
    assert not is_frame(cbor2.CBORTag(TAG, [*elements[:4], {65_537: bytes(16_384 - 8)}]))
