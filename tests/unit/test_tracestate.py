"""What goes of a tracestate where only some recipients keep a trace."""

import pytest

from tracewire.codec import NOT_SAMPLED, TraceContext, unwrap, wrap
from tracewire.codec.constants import FANOUT
from tracewire.protocol import Tracing
from tracewire.protocol.tracing.tracestate import without_threshold


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("", ""),
        ("vendor=1", "vendor=1"),
        ("ot=th:0;rv:d29d6a7215ced0,vendor=1", "ot=rv:d29d6a7215ced0,vendor=1"),
        ("vendor=1,ot=rv:d29d6a7215ced0;th:c", "vendor=1,ot=rv:d29d6a7215ced0"),
        ("ot=th:8,vendor=1", "vendor=1"),
        ("ot=th:8", ""),
        ("vendor=th:8", "vendor=th:8"),
        ("vendor=1, ot=th:8;x:1 ", "vendor=1, ot=x:1 "),
        ("ot=rv:1;xth:8", "ot=rv:1;xth:8"),
        ("ot=,a=th:1", "ot=,a=th:1"),
        ("ot;th:8", "ot;th:8"),
    ],
)
def test_the_threshold_alone_is_erased(given: str, left: str) -> None:
    assert without_threshold(given) == left


def state_of(message: bytes) -> str:
    trace = unwrap(message).trace
    assert isinstance(trace, TraceContext)
    return trace.state


STATED = wrap(b"", TraceContext(1, 2, 3, "ot=th:8;rv:1,vendor=1"))
THINNED, WHOLE = "ot=rv:1,vendor=1", "ot=th:8;rv:1,vendor=1"


@pytest.mark.parametrize(("rate", "state"), [(0.01, THINNED), (1.0, WHOLE)])
def test_the_kept_copy_of_a_thinned_fan_out_claims_no_threshold(rate: float, state: str) -> None:
    tracing = Tracing(fanout_rate=lambda recipients: rate)
    with tracing.received(STATED):
        assert state_of(tracing.fan_out(b"", 1_000).sampled) == state
        assert state_of(tracing.wrap(b"")) == WHOLE  # what goes to one alone keeps it


@pytest.mark.parametrize(("rate", "state"), [(0.5, THINNED), (1.0, WHOLE)])
def test_who_is_drawn_from_a_broadcast_claims_no_threshold(rate: float, state: str) -> None:
    tracing = Tracing(fanout_rate=lambda recipients: rate)
    asking = wrap(b"", TraceContext(1, 2, 3, WHOLE), {FANOUT: (1, 1, 4)})
    found = []
    for _ in range(60):
        with tracing.received(asking):
            message = tracing.wrap(b"")
        if unwrap(message).trace is not NOT_SAMPLED:
            found.append(state_of(message))
    assert set(found) == {state}
