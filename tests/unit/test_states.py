"""The states of a connection: the table, and what must be true of it."""

from itertools import product

import pytest

from tracewire.protocol.connection import shutdown as states
from tracewire.protocol.connection.shutdown import READING, TRANSITIONS, WRITING, State, Trigger

EVERY = list(product(State, Trigger))


def after(state: State) -> set[State]:
    """The states that can follow, itself left out."""
    return set(TRANSITIONS[state].values()) - {state}


def ways(state: State) -> list[list[State]]:
    """Every way from the state to where it ends; RecursionError if one never ends."""
    if not after(state):
        return [[state]]
    return [[state, *way] for next_state in after(state) for way in ways(next_state)]


@pytest.mark.parametrize(("state", "event"), EVERY, ids=[f"{s.name}-{e.name}" for s, e in EVERY])
def test_an_event_leads_to_a_state_or_is_a_key_error(state: State, event: Trigger) -> None:
    if event in TRANSITIONS[state]:
        assert TRANSITIONS[state][event] in State
    else:
        with pytest.raises(KeyError):
            TRANSITIONS[state][event]


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", State)
def test_every_way_leads_to_closed(state: State) -> None:
    assert {way[-1] for way in ways(state)} == {State.CLOSED}


def test_closed_leads_nowhere() -> None:
    assert TRANSITIONS[State.CLOSED] == {}


@pytest.mark.parametrize("state", set(State) - {State.CLOSED}, ids=lambda state: state.name)
def test_a_lost_transport_closes_any_state(state: State) -> None:
    assert TRANSITIONS[state][Trigger.LOST] is State.CLOSED


def test_every_state_can_be_reached() -> None:
    assert {state for way in ways(State.OPEN) for state in way} == set(State)


def test_nothing_leads_back_to_open() -> None:
    assert State.OPEN not in {to for row in TRANSITIONS.values() for to in row.values()}


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.CLOSED] = {}  # type: ignore[index]


@pytest.mark.parametrize("state", READING, ids=lambda state: state.name)
def test_where_input_is_read_its_end_and_every_fault_of_it_are_known(state: State) -> None:
    assert {Trigger.END, Trigger.FAULT} <= set(TRANSITIONS[state])


@pytest.mark.parametrize("state", WRITING, ids=lambda state: state.name)
def test_where_frames_are_written_a_full_buffer_is_a_fault(state: State) -> None:
    assert Trigger.FAULT in TRANSITIONS[state]


def test_a_state_that_waits_for_time_can_expire() -> None:
    expiring = {state for state in State if Trigger.EXPIRE in TRANSITIONS[state]}
    assert expiring == {State.LINGERING, State.FAILED}


def test_the_diagram_is_the_table() -> None:
    assert states.__doc__ is not None
    lines = [line.split() for line in states.__doc__.splitlines() if line.startswith("    ")]
    head, *rows = lines
    assert head == [event.name for event in Trigger]
    drawn = {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows}
    table = {
        state.name: {
            event.name: TRANSITIONS[state][event].name if event in TRANSITIONS[state] else "."
            for event in Trigger
        }
        for state in State
    }
    assert drawn == table
