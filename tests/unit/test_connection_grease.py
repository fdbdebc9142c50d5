"""Grease: one frame in so many has an unknown extension, and who chokes on it is counted."""

from random import Random

import pytest

from tests.unit.talk import Maker, Talk, goaway, response
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol.connection.events import CallAnswered
from tracewire.protocol.connection.grease import Grease


def greased(met: Maker, every: int = 1) -> Talk:
    return met(connector=True, grease=Grease(every, Random(7)))


def unknown(frame: Frame) -> list[int | str]:
    """Keys that nobody has assigned."""
    return [key for key in frame.raw_extensions if not isinstance(key, int) or key > 15]


def call(talk: Talk, times: int = 1) -> list[Frame]:
    for _ in range(times):
        talk.connection.request("caller", "m")
    return talk.says()


def test_one_frame_in_so_many_has_a_key_that_receivers_ignore(met: Maker) -> None:
    frames = call(greased(met, every=10), 1_000)
    chosen = [place for place, frame in enumerate(frames) if unknown(frame)]
    gaps = [after - before for before, after in zip(chosen, chosen[1:], strict=False)]
    assert 80 < len(chosen) < 120
    assert (min(gaps), max(gaps)) == (6, 15)
    for place in chosen:
        (key,) = unknown(frames[place])
        assert isinstance(key, int)
        assert key % 2 == 1
        assert key >= 1 << 16


def test_without_grease_no_frame_has_one(met: Maker) -> None:
    assert not any(map(unknown, call(met(connector=True), 1_000)))


def test_notifications_and_responses_have_it_too(met: Maker) -> None:
    talk = greased(met)
    talk.connection.notify("m")
    talk.connection.notify("m")
    talk.hears(Frame(Kind.REQUEST, 1, "m"), Frame(Kind.REQUEST, 2, "m"))
    talk.connection.respond(1)
    talk.connection.respond(2)
    kinds = {frame.kind for frame in talk.says() if unknown(frame)}
    assert kinds == {Kind.NOTIFICATION, Kind.RESPONSE}


def test_it_waits_for_a_frame_that_has_room(met: Maker) -> None:
    talk = greased(met)
    talk.connection.request("caller", "m", bytes(32_769))
    talk.connection.request("caller", "m", extensions={"app": 1})
    assert [unknown(frame) for frame in talk.says()] == [[], ["app"]]
    assert any(map(unknown, call(talk, 2)))


def test_an_answer_that_it_was_invalid_is_counted_and_ends_it(met: Maker) -> None:
    talk = greased(met)
    *_, chosen = call(talk, 2)
    assert unknown(chosen)
    talk.hears(response(chosen.id, b"\xa0", Status.INVALID_ARGUMENT))
    assert talk.connection.counts["grease_choked"] == 1
    assert not any(map(unknown, call(talk, 1_000)))


@pytest.mark.parametrize("status", [Status.OK, Status.INTERNAL])
def test_another_answer_is_none(met: Maker, status: Status) -> None:
    talk = greased(met)
    for frame in call(talk, 20):
        talk.hears(
            response(frame.id) if status is Status.OK else response(frame.id, b"\xa0", status)
        )
    assert talk.connection.counts["grease_choked"] == 0


def test_an_invalid_call_of_another_kind_is_none(met: Maker) -> None:
    talk = greased(met, every=100)
    (frame,) = call(talk)
    talk.hears(response(frame.id, b"\xa0", Status.INVALID_ARGUMENT))
    assert talk.connection.counts["grease_choked"] == 0


@pytest.mark.parametrize("end", ["goaway", "end", "lost"])
def test_a_bad_end_before_the_answer_is_counted_once(met: Maker, end: str) -> None:
    talk = greased(met)
    call(talk, 2)
    if end == "goaway":
        talk.hears(goaway(1, Status.INVALID_ARGUMENT))
        talk.connection.end()
    elif end == "end":
        talk.connection.end()
    else:
        talk.connection.lost()
    assert talk.connection.counts["grease_choked"] == 1


def test_a_drain_is_none(met: Maker) -> None:
    talk = greased(met)
    frames = call(talk, 2)
    talk.hears(goaway(2))
    assert [type(each) for each in talk.hears(*(response(f.id) for f in frames))] == [
        CallAnswered
    ] * 2
    talk.connection.end()
    assert talk.connection.counts["grease_choked"] == 0
