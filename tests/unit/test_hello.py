"""The payload of a hello: what is written, what can be read, and what reads as unreadable."""

import cbor2
import pytest

from tracewire.codec import Kind
from tracewire.protocol.connection.messages import Hello, read_hello

LEAST = {0: 2, 1: [], 2: [], 3: 65_536}


def test_a_hello_is_read_as_it_was_written() -> None:
    said = Hello(3, (2, 4_294_967_294), (3, 8), 70_000, "guild-1")
    frame = said.frame()
    assert (frame.kind, frame.id, frame.target, dict(frame.raw_extensions)) == (
        Kind.HELLO,
        0,
        0,
        {},
    )
    assert read_hello(frame.payload) == said


def test_the_payload_is_that_of_the_specification() -> None:
    fields = {0: 3, 1: [65_538], 2: [3, 32_768], 3: 70_000, 4: "guild-1"}
    assert Hello(3, (65_538,), (3, 32_768), 70_000, "guild-1").frame().payload == cbor2.dumps(
        fields
    )


def test_by_default_a_hello_says_what_this_package_reads() -> None:
    assert cbor2.loads(Hello().frame().payload) == {0: 2, 1: [], 2: [3, 4, 5, 6, 7], 3: 4_194_304}


@pytest.mark.parametrize("max_frame", [65_536, 1 << 32, (1 << 64) - 1])
def test_a_max_frame_of_at_least_65536_is_read(max_frame: int) -> None:  # C-8
    read = read_hello(cbor2.dumps(LEAST | {3: max_frame}))
    assert read is not None
    assert read.max_frame == max_frame


def test_a_max_frame_under_65536_is_neither_said_nor_read() -> None:  # C-8, C-10
    with pytest.raises(ValueError, match="at least 65536"):
        Hello(max_frame=65_535)
    assert read_hello(cbor2.dumps(LEAST | {3: 65_535})) is None


@pytest.mark.parametrize("agent", ["a" * 64, "é" * 32])
def test_an_agent_of_64_bytes_is_said_and_read(agent: str) -> None:  # C-8
    assert read_hello(Hello(agent=agent).frame().payload) == Hello(agent=agent)


@pytest.mark.parametrize("agent", ["a" * 65, "é" * 32 + "a"])
def test_an_agent_of_65_bytes_is_neither_said_nor_read(agent: str) -> None:  # C-8, C-10
    with pytest.raises(ValueError, match="at most 64 bytes"):
        Hello(agent=agent)
    assert read_hello(cbor2.dumps(LEAST | {4: agent})) is None


def test_an_empty_agent_is_none() -> None:
    assert read_hello(cbor2.dumps(LEAST | {4: ""})) == read_hello(cbor2.dumps(LEAST))


def test_unknown_keys_are_ignored_whatever_their_values() -> None:
    fields = LEAST | {5: [{"a": None}], 1 << 63: -1, "agent": 5}
    assert read_hello(cbor2.dumps(fields)) == Hello(2, (), (), 65_536)


def test_keys_may_come_in_any_order() -> None:
    fields = {3: 65_536, "x": 1, 2: [32_768], 1: [65_538], 0: 7}
    assert read_hello(cbor2.dumps(fields)) == Hello(7, (65_538,), (32_768,), 65_536)


def test_the_first_of_duplicate_keys_counts() -> None:
    payload = b"\xa5\x00\x02\x00\x09\x01\x80\x02\x80\x03\x1a\x00\x01\x00\x00"
    assert read_hello(payload) == Hello(2, (), (), 65_536)


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_without_one_of_keys_0_to_3_it_is_unreadable(missing: int) -> None:  # C-10
    assert read_hello(cbor2.dumps({k: v for k, v in LEAST.items() if k != missing})) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {0: -1},
        {0: "2"},
        {0: None},
        {0: True},
        {1: None},
        {1: 2},
        {1: [-2]},
        {1: ["2"]},
        {1: [True]},
        {1: {}},
        {2: [[3]]},
        {2: "345"},
        {3: None},
        {3: [65_536]},
        {4: None},
        {4: b"guild-1"},
        {4: 5},
    ],
    ids=str,
)
def test_a_value_of_another_type_makes_it_unreadable(wrong: dict[int, object]) -> None:  # C-10
    assert read_hello(cbor2.dumps(LEAST | wrong)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x80",
        b"\x05",
        b"\xff",
        b"\xbf\xff",
        cbor2.dumps(LEAST)[:-1],
        cbor2.dumps(LEAST) + b"\x00",
        cbor2.dumps(LEAST | {5: 1.5}),
        cbor2.dumps(LEAST | {5: cbor2.CBORTag(0, "now")}),
        cbor2.dumps(LEAST | {-1: 0}),
        b"\xa4\x00\x18\x02\x01\x80\x02\x80\x03\x1a\x00\x01\x00\x00",  # not shortest
    ],
    ids=lambda payload: payload.hex()[:20] or "empty",
)
def test_what_is_no_map_of_the_value_subset_is_unreadable(payload: bytes) -> None:  # C-10
    assert read_hello(payload) is None


def test_a_payload_that_takes_too_long_to_read_is_unreadable() -> None:
    fields = LEAST | {2: list(range(24)) * 1_000}
    assert len(cbor2.dumps(fields)) > 16_384
    assert read_hello(cbor2.dumps(fields)) is None
    fits = LEAST | {5: bytes(16_384 - len(cbor2.dumps(LEAST)) - 4)}
    assert len(cbor2.dumps(fits)) == 16_384
    assert read_hello(cbor2.dumps(fits)) is not None
    assert read_hello(cbor2.dumps(LEAST | {5: bytes(16_385 - len(cbor2.dumps(LEAST)) - 4)})) is None
