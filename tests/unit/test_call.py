"""What a handler can ask about its call, and what metadata callers may send."""

import asyncio
import contextvars
from typing import Any

import pytest

from tracewire.codec import Frame, FrameError, Kind, decode, encode_request, wrap
from tracewire.protocol.peers.call import Call, check_metadata, current_call, enter, running_call

PEER: Any = object()


def call(**options: Any) -> Call:
    frame = options.pop("frame", None) or Frame(Kind.REQUEST, 1, "guild.join", b"\x01")
    return Call(frame, PEER, "link", **options)


# The call


def test_call_tells_of_its_frame() -> None:
    frame = Frame(Kind.REQUEST, 1, "guild.join", b"\x01")
    it = Call(frame, PEER, "link", 2.5)
    assert (it.method, it.frame, it.peer, it.trust, it.deadline) == (
        "guild.join",
        frame,
        PEER,
        "link",
        2.5,
    )


def test_call_of_an_envelope_has_no_method() -> None:
    assert call(frame=decode(wrap(b"message"))).method == ""


def test_metadata_is_the_text_keys_without_those_kept_for_tracewire() -> None:
    extensions: dict[int | str, object] = {
        "tenant": "a",
        "nested": {"x": [1, b"y", None]},
        "tracewire.carrier": {"b3": "0"},
        "tracewire": 1,
        7: 1000,
        70_001: "experiment",
    }
    frame = decode(encode_request(1, "m", b"", None, extensions))
    assert call(frame=frame).metadata == {
        "tenant": "a",
        "nested": {"x": [1, b"y", None]},
        "tracewire": 1,
    }


def test_metadata_of_a_frame_without_extensions_is_empty() -> None:
    assert call().metadata == {}


def test_metadata_is_read_once_and_cannot_be_changed() -> None:
    it = call(frame=decode(encode_request(1, "m", b"", None, {"tenant": "a"})))
    metadata = it.metadata
    assert it.metadata is metadata
    with pytest.raises(TypeError):
        metadata["tenant"] = "b"  # type: ignore[index]


def test_call_without_a_deadline_has_no_time_left_to_tell() -> None:
    assert call().time_left() is None


@pytest.mark.parametrize(("ahead", "left"), [(5.0, 5.0), (0.0, 0.0), (-5.0, 0.0)])
def test_time_left_counts_by_the_loops_clock_down_to_zero(ahead: float, left: float) -> None:
    async def time_left() -> float | None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        loop.time = lambda: now  # type: ignore[method-assign]
        return call(deadline=now + ahead).time_left()

    assert asyncio.run(time_left()) == pytest.approx(left)


# The current call


def test_outside_a_handler_there_is_no_current_call() -> None:
    assert running_call() is None
    with pytest.raises(LookupError, match="no call is being handled here"):
        current_call()


def test_entered_call_is_current_in_its_context_alone() -> None:
    it = call()

    def handle() -> tuple[Call, Call | None]:
        enter(it)
        return current_call(), running_call()

    assert contextvars.copy_context().run(handle) == (it, it)
    assert running_call() is None


def test_tasks_of_a_handler_have_its_call_and_others_do_not() -> None:
    it = call()

    async def ask() -> Call | None:
        return running_call()

    async def handle() -> Call | None:
        enter(it)
        return await asyncio.create_task(ask())

    async def both() -> tuple[Call | None, Call | None]:
        return await asyncio.create_task(handle()), await asyncio.create_task(ask())

    assert asyncio.run(both()) == (it, None)


# Metadata of callers


def test_metadata_becomes_extensions() -> None:
    extensions = check_metadata({"tenant": "a", "tracewire": [1]})
    assert extensions == {"tenant": "a", "tracewire": [1]}
    assert call(frame=decode(encode_request(1, "m", b"", None, extensions))).metadata == extensions


def test_metadata_given_is_not_changed_with_the_extensions() -> None:
    metadata = {"tenant": "a"}
    check_metadata(metadata)[7] = 1000
    assert metadata == {"tenant": "a"}


@pytest.mark.parametrize("key", ["tracewire.", "tracewire.carrier", "tracewire.other"])
def test_keys_kept_for_tracewire_are_refused(key: str) -> None:  # N-3
    with pytest.raises(ValueError, match=f"'{key}'"):
        check_metadata({"tenant": "a", key: 1})


@pytest.mark.parametrize("key", [7, 1, b"tenant", None])
def test_keys_that_are_not_text_are_type_errors(key: Any) -> None:
    with pytest.raises(TypeError, match=f"not {key!r}"):
        check_metadata({key: 1})


@pytest.mark.parametrize("metadata", [{"": 1}, {"k" * 65: 1}])
def test_keys_that_no_frame_can_carry_are_refused_by_the_encoder(metadata: Any) -> None:
    with pytest.raises(FrameError) as raised:
        encode_request(1, "m", b"", None, check_metadata(metadata))
    assert raised.value.rule == "X-6"
