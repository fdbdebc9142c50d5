"""Whatever is asked of a connection in whatever state, it moves as the table of states says."""

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.inputs import INPUTS, UNKNOWN, Input, Owner
from tests.property.strategies import FEWER
from tracewire.protocol.connection.shutdown import READING, TRANSITIONS, State, Trigger
from tracewire.protocol.constants import Executed, Mode
from tracewire.protocol.errors import RpcError

#: How a connection comes to each state with calls open in both directions, if it may have them.
WAYS = {
    State.OPEN: (),
    State.DRAINING: ("drain",),
    State.LEAVING: ("hear a goaway",),
    State.FINISHING: ("end",),
    State.LINGERING: ("drain", "respond", "respond"),
    State.FAILED: ("hear too much",),
    State.CLOSED: ("lost",),
}
#: How each event is brought about; a fault where the input is not read any more by the output.
CAUSES = {
    Trigger.DRAIN: "drain",
    Trigger.GOAWAY: "hear a goaway",
    Trigger.IDLE: "finish",
    Trigger.END: "end",
    Trigger.FAULT: "hear too much",
    Trigger.EXPIRE: "wait 5 s",
    Trigger.LOST: "lost",
}
EVERY_EVENT = list(product(State, Trigger))
EVERY_INPUT = list(product(State, INPUTS))


def brought_to(state: State, mode: Mode = "framed", connector: bool = True) -> Owner:
    """A connection in this state, with two calls and two requests, as far as it may have them."""
    owner = Owner(mode, connector)
    for name in ("hear a hello", "call", "call", "hear a request", "hear a request", *WAYS[state]):
        INPUTS[name].give(owner)
    assert owner.connection.state is state
    return owner


def legal(state: State, events: Iterable[Trigger]) -> set[State]:
    """Where these events can lead, in any order."""
    found = {state}
    while new := {TRANSITIONS[each].get(event, each) for each in found for event in events} - found:
        found |= new
    return found


def give(owner: Owner, asked: Input) -> None:
    """Holds what comes of it to the table, and an error to what is documented."""
    connection = owner.connection
    before = connection.state, connection.calls_open, connection.requests_open
    # A first frame, or no longer waiting for one, lets a goaway be said.
    met = set() if connection.may_frame else {Trigger.IDLE}
    try:
        asked.give(owner)
    except asked.errors as error:
        assert (connection.state, connection.calls_open, connection.requests_open) == before
        if isinstance(error, RpcError):
            assert error.executed is Executed.NO
        if isinstance(error, KeyError):
            assert error.args == (UNKNOWN,)
    assert connection.state in legal(before[0], asked.events | met)
    check_open(owner)


def check_open(owner: Owner) -> None:
    """What is open is what the owner thinks is, and what the state allows."""
    state, calls, requests = owner.connection.state, len(owner.calls), len(owner.requests)
    assert (owner.connection.calls_open, owner.connection.requests_open) == (calls, requests)
    waits = {State.DRAINING: requests, State.LEAVING: calls + requests, State.FINISHING: requests}
    # A goaway that cannot be said yet is waited for.
    assert waits.get(state) != 0 or not owner.connection.may_frame
    if state not in READING:
        assert calls == 0
    if state in (State.FAILED, State.CLOSED):
        assert set(owner.requests) <= owner.cancelled


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
@pytest.mark.parametrize("connector", (True, False))
@pytest.mark.parametrize("mode", ("framed", "both"))
def test_every_state_is_reached(state: State, connector: bool, mode: Mode) -> None:
    assert brought_to(state, mode, connector).connection.state is state


@pytest.mark.parametrize(
    ("state", "event"), EVERY_EVENT, ids=[f"{s.name}-{e.name}" for s, e in EVERY_EVENT]
)
def test_an_event_moves_a_connection_as_the_table_says_and_else_not(
    state: State, event: Trigger
) -> None:
    owner = brought_to(state)
    cause = "overflow" if (state, event) == (State.FINISHING, Trigger.FAULT) else CAUSES[event]
    give(owner, INPUTS[cause])
    assert owner.connection.state is TRANSITIONS[state].get(event, state)


@pytest.mark.parametrize(
    ("state", "name"), EVERY_INPUT, ids=[f"{s.name}-{name}" for s, name in EVERY_INPUT]
)
def test_whatever_is_asked_in_whatever_state_keeps_to_the_table(state: State, name: str) -> None:
    owner = brought_to(state)
    give(owner, INPUTS[name])
    give(owner, INPUTS[name])


@FEWER
@given(
    state=st.sampled_from(State),
    mode=st.sampled_from(("framed", "framed", "both")),
    connector=st.booleans(),
    names=st.lists(st.sampled_from(list(INPUTS)), max_size=30),
)
@example(state=State.OPEN, mode="framed", connector=True, names=["hear junk"] * 16)
@example(state=State.OPEN, mode="framed", connector=True, names=["hear a ping"] * 4)
def test_whatever_is_asked_from_any_state_on_keeps_to_the_table(
    state: State, mode: Mode, connector: bool, names: list[str]
) -> None:
    check(brought_to(state, mode, connector), names)


@FEWER
@given(
    mode=st.sampled_from(("framed", "both", "bare")),
    connector=st.booleans(),
    keepalive=st.sampled_from((None, 2.0)),
    names=st.lists(st.sampled_from(list(INPUTS)), max_size=30),
)
def test_whatever_is_asked_from_the_beginning_keeps_to_the_table(
    mode: Mode, connector: bool, keepalive: float | None, names: list[str]
) -> None:
    check(Owner(mode, connector, keepalive), names)


def check(owner: Owner, names: list[str]) -> None:
    """Each step keeps to the table, and in the end each call had one outcome at most."""
    for name in names:
        give(owner, INPUTS[name])
    give(owner, INPUTS["lost"])
    assert owner.connection.state is State.CLOSED
    assert owner.calls == {}
    assert set(owner.outcomes.values()) <= {1}
