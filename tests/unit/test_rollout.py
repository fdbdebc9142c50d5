"""Which dialect a destination is sent, and when that may change (M-5, G-3, R-2, R-3)."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.talk import Clock
from tests.unit.telemetry import SAMPLED, attached, remote
from tracewire.codec import Kind, decode, is_frame, unwrap
from tracewire.protocol import Census, Rollout
from tracewire.protocol.errors import ModeUnknown
from tracewire.protocol.operations.rollout import NotReady

MESSAGE = b'{"member": 1}'
FALSE_FRAME = b"\xd9\xd4\xf7\x84 is how this begins"


def configured(how: str, mode: str = "framed") -> Rollout:
    """A rollout in which "guild" has a mode by configuration, in one of the ways there are."""
    ways: dict[str, Callable[[], Any]] = {
        "mapping": lambda: Rollout("bare", {"guild": mode}),  # type: ignore[dict-item]
        "function": lambda: Rollout("bare", lambda name: mode if name == "guild" else "bare"),  # type: ignore[arg-type,return-value]
        "default": lambda: Rollout(mode, {"room": "bare"}),  # type: ignore[arg-type]
    }
    made: Rollout = ways[how]()
    return made


def census_of(*ready: str) -> Census:
    """Expects "a" and "b" on "guild"; those that are named have reported that they read both."""
    census = Census(60, clock=Clock())
    census.expect("guild", ["a", "b"])
    for name in ready:
        census.report("guild", name, "both")
    return census


# What is configured.


def test_a_destination_is_bare_where_nothing_is_configured() -> None:  # G-3
    assert Rollout().mode("guild") == "bare"
    assert Rollout().wrap("guild", MESSAGE) == MESSAGE


@pytest.mark.parametrize("how", ["mapping", "function", "default"])
def test_a_destination_is_sent_what_is_configured_for_it_alone(how: str) -> None:
    rollout = configured(how)
    assert unwrap(rollout.wrap("guild", MESSAGE), mode="framed").payload == MESSAGE
    assert rollout.wrap("room", MESSAGE) == MESSAGE


def test_an_envelope_carries_the_current_context() -> None:
    with attached(remote(SAMPLED)):
        frame = decode(Rollout("framed").wrap("guild", MESSAGE))
    assert (frame.kind, frame.trace) == (Kind.NOTIFICATION, SAMPLED)


def test_an_envelope_has_the_extensions_that_are_given_and_a_bare_message_goes_as_it_is() -> None:
    given: dict[int | str, object] = {7: 2_000_000, "tenant": "a"}
    with attached(remote(SAMPLED)):
        frame = decode(configured("mapping").wrap("guild", MESSAGE, given))
    assert (frame.payload, frame.trace) == (MESSAGE, SAMPLED)
    assert frame.extensions[7] == 2_000_000
    assert "tenant" in frame.extensions
    assert configured("mapping").wrap("room", MESSAGE, given) == MESSAGE
    assert given == {7: 2_000_000, "tenant": "a"}


def test_an_envelope_with_extensions_that_are_none_is_refused() -> None:
    with pytest.raises(ValueError, match="pass trace"):
        Rollout("framed").wrap("guild", MESSAGE, {1: b""})
    with pytest.raises(TypeError, match="Mapping"):
        Rollout("framed").wrap("guild", MESSAGE, [("tenant", "a")])  # type: ignore[arg-type]


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("mode", ["bare", "framed"])
def test_a_message_may_be_any_buffer(buffer: type[memoryview], mode: Any) -> None:
    sent = Rollout(mode).wrap("guild", buffer(MESSAGE))
    assert type(sent) is bytes
    assert unwrap(sent).payload == MESSAGE


def test_a_function_is_asked_anew_for_each_message() -> None:
    modes: dict[str, Any] = {"guild": "bare"}
    rollout = Rollout(destinations=lambda name: modes[name])
    sent = [rollout.wrap("guild", MESSAGE)]
    modes["guild"] = "framed"
    sent.append(rollout.wrap("guild", MESSAGE))
    assert [is_frame(data) for data in sent] == [False, True]


def test_a_mapping_that_is_changed_afterwards_changes_nothing() -> None:
    modes: dict[str, Any] = {"guild": "bare"}
    rollout = Rollout("bare", modes)
    modes["guild"] = "framed"
    assert rollout.mode("guild") == "bare"


@pytest.mark.parametrize("mode", ["both", "", "FRAMED", 0, True, ["framed"]])
def test_a_mode_that_is_none_is_refused_where_it_is_said(mode: Any) -> None:
    rollout = Rollout()
    with pytest.raises(ValueError, match="mode of the default must be one of"):
        Rollout(mode)
    with pytest.raises(ValueError, match="mode of destination 'guild' must be one of"):
        Rollout("bare", {"guild": mode})
    with pytest.raises(ValueError, match="mode of destination 'guild' must be one of"):
        rollout.switch("guild", mode)
    assert rollout.mode("guild") == "bare"


class Untold(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


def unknown_hash() -> Any:
    """Something that cannot even be compared."""

    class Odd:
        def __eq__(self, other: object) -> bool:
            raise TypeError("not comparable")

        __hash__ = None  # type: ignore[assignment]

    return Odd()


@pytest.mark.parametrize("answer", ["both", "", None, True, 1, ["framed"], unknown_hash()])
def test_a_function_that_gives_no_mode_is_an_error_where_there_is_no_default(answer: Any) -> None:
    rollout = Rollout(destinations=lambda name: answer)
    with pytest.raises(ModeUnknown, match="'guild'.*there is no default"):
        rollout.wrap("guild", MESSAGE)
    assert Rollout("framed", lambda name: answer).mode("guild") == "framed"


def test_a_function_that_fails_is_an_error_that_names_the_destination_and_the_cause() -> None:
    def fail(destination: str) -> Any:
        raise KeyError("no such flag")

    with pytest.raises(ModeUnknown, match="'guild'.*no such flag") as caught:
        Rollout(destinations=fail).wrap("guild", MESSAGE)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("failure", [KeyError("flag"), GeneratorExit(), Untold()])
def test_the_last_answer_holds_where_the_function_fails(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Any] = ["framed", failure, "bare", failure, failure]

    def ask(destination: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    rollout = Rollout("framed", ask)
    assert [rollout.mode("guild") for _ in range(5)] == ["framed", "framed", "bare", "bare", "bare"]
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["the function of a rollout gave no dialect"]  # once, and then counted


def test_a_thousand_last_answers_are_kept() -> None:
    failing = False

    def ask(destination: str) -> Any:
        return None if failing else "framed"

    rollout = Rollout(destinations=ask)
    for number in range(1_001):
        rollout.mode(f"guild.{number}")
    failing = True
    assert rollout.mode("guild.1") == "framed"
    with pytest.raises(ModeUnknown, match="'guild.0'"):
        rollout.mode("guild.0")


def test_what_was_switched_is_sent_though_the_function_fails() -> None:
    def fail(destination: str) -> Any:
        raise KeyError("no such flag")

    rollout = Rollout(destinations=fail)
    rollout.switch("guild", "bare")
    assert rollout.wrap("guild", MESSAGE) == MESSAGE


def test_a_bare_message_that_begins_like_a_frame_is_refused() -> None:  # M-5
    rollout = Rollout()
    with pytest.raises(ValueError, match="'guild'.*begins like a frame"):
        rollout.wrap("guild", FALSE_FRAME)
    rollout.switch("guild", "framed")
    assert unwrap(rollout.wrap("guild", FALSE_FRAME)).payload == FALSE_FRAME


# Switches.


@pytest.mark.parametrize("how", ["mapping", "function", "default"])
@pytest.mark.parametrize(("before", "after"), [("bare", "framed"), ("framed", "bare")])
def test_a_switch_wins_over_configuration_from_the_next_message_on(
    how: str, before: str, after: Any
) -> None:
    rollout = configured(how, before)
    rollout.switch("guild", after)
    assert is_frame(rollout.wrap("guild", MESSAGE)) == (after == "framed")
    assert rollout.mode("room") == "bare"
    rollout.reset("guild")
    assert is_frame(rollout.wrap("guild", MESSAGE)) == (before == "framed")


def test_a_reset_of_what_was_not_switched_changes_nothing() -> None:
    rollout = Rollout("framed")
    rollout.reset("guild")
    assert rollout.mode("guild") == "framed"


def test_a_switch_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tracewire.rollout"):
        Rollout().switch("guild", "framed")
    assert caplog.messages == ["destination 'guild' is switched to framed"]


def test_switches_by_one_thread_are_obeyed_by_those_that_send() -> None:
    """Each message is whole: bare as it was given, or an envelope around that."""
    rollout = Rollout()
    ended = threading.Event()
    sent: list[bytes] = []

    def send() -> None:
        while not ended.is_set():
            sent.append(rollout.wrap("guild", MESSAGE))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        rollout.switch("guild", "framed")
        rollout.reset("guild")
    ended.set()
    for thread in threads:
        thread.join()
    assert {unwrap(data).payload for data in sent} <= {MESSAGE}
    assert rollout.wrap("guild", MESSAGE) == MESSAGE


# With a census.


@pytest.mark.parametrize("ready", [(), ("a",), ("b",)])
def test_a_switch_to_frames_is_refused_until_every_receiver_reads_them(
    ready: tuple[str, ...],
) -> None:
    rollout = Rollout(census=census_of(*ready))
    late = {"a", "b"} - set(ready)
    with pytest.raises(NotReady, match="'guild'") as caught:
        rollout.switch("guild", "framed")
    assert {name for name in "ab" if f"{name}: has not reported" in str(caught.value)} == late
    assert rollout.wrap("guild", MESSAGE) == MESSAGE


def test_a_switch_to_frames_is_made_once_every_receiver_reads_them() -> None:
    rollout = Rollout(census=census_of("a", "b"))
    rollout.switch("guild", "framed")
    assert rollout.mode("guild") == "framed"


def test_a_destination_of_which_the_census_knows_nothing_is_not_switched() -> None:
    rollout = Rollout(census=census_of("a", "b"))
    with pytest.raises(NotReady, match="'room'.*no instance is expected"):
        rollout.switch("room", "framed")


def test_the_way_back_asks_nobody() -> None:
    rollout = Rollout("framed", census=census_of())
    rollout.switch("guild", "bare")
    assert rollout.wrap("guild", MESSAGE) == MESSAGE


def test_a_reset_that_leads_to_frames_asks_the_census() -> None:
    census = census_of("a")
    rollout = Rollout("framed", census=census)
    rollout.switch("guild", "bare")
    with pytest.raises(NotReady, match="b: has not reported"):
        rollout.reset("guild")
    assert rollout.mode("guild") == "bare"
    census.report("guild", "b", "both")
    rollout.reset("guild")
    assert rollout.mode("guild") == "framed"


def test_a_switch_to_frames_can_be_made_by_who_knows_better_than_the_census() -> None:
    rollout = Rollout(census=census_of())
    rollout.switch_unready("guild")
    assert rollout.mode("guild") == "framed"


def test_what_is_sent_is_counted_by_the_census() -> None:
    census = census_of("a", "b")
    rollout = Rollout(census=census)
    for times, mode in ((2, "bare"), (3, "framed")):
        rollout.switch("guild", mode)  # type: ignore[arg-type]
        for _ in range(times):
            rollout.wrap("guild", MESSAGE)
    assert census.snapshot()[0]["sent"] == {"bare": 2, "framed": 3}


def test_what_is_refused_is_not_counted_as_sent() -> None:
    census = census_of()
    with pytest.raises(ValueError, match="begins like a frame"):
        Rollout(census=census).wrap("guild", FALSE_FRAME)
    assert census.snapshot()[0]["sent"] == {"bare": 0, "framed": 0}


def test_a_function_whose_error_has_no_text_is_named_all_the_same() -> None:
    def ask(destination: str) -> Any:
        raise Untold

    with pytest.raises(ModeUnknown, match="'queue'.*: Untold: <Untold, whose text cannot be made>"):
        Rollout(destinations=ask).mode("queue")


def test_a_clock_that_fails_keeps_no_message_back() -> None:
    def clock() -> float:
        raise RuntimeError("clock")

    rollout = Rollout(census=Census(clock=clock))
    assert rollout.wrap("queue", b"{}") == b"{}"
