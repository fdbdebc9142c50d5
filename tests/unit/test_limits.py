"""The table of limits, and what may be set."""

import pytest

from tracewire.protocol.limits import Limits


def test_the_defaults_are_those_of_the_specification() -> None:
    limits = Limits()
    assert (limits.max_frame, limits.in_flight, limits.in_flight_server) == (
        4_194_304,
        1_000,
        10_000,
    )
    assert (limits.record_seconds, limits.linger_seconds, limits.discard_seconds) == (30, 5, 1)
    assert limits.keepalive_seconds is None


@pytest.mark.parametrize(
    ("name", "least"),
    [("max_frame", 65_536), ("in_flight", 1), ("in_flight_server", 1), ("connections", 1)],
)
def test_a_limit_has_a_least_value(name: str, least: int) -> None:
    assert getattr(Limits(**{name: least}), name) == least
    with pytest.raises(ValueError, match=name):
        Limits(**{name: least - 1})


def test_a_max_frame_has_a_largest_value() -> None:  # S-1
    assert Limits(max_frame=(1 << 32) - 1).max_frame == (1 << 32) - 1
    with pytest.raises(ValueError, match="max_frame"):
        Limits(max_frame=1 << 32)


def test_keepalive_does_not_make_strikes() -> None:  # C-15
    assert Limits(keepalive_seconds=1.001).keepalive_seconds == 1.001
    with pytest.raises(ValueError, match="strikes"):
        Limits(keepalive_seconds=1.0)


@pytest.mark.parametrize(
    "name", ["write_buffer", "record_seconds", "linger_seconds", "discard_seconds"]
)
def test_a_limit_is_not_negative(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: -1})
