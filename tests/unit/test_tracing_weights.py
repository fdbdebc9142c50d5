"""The weight of a fan-out goes on below a recipient that keeps its trace."""

from random import Random
from typing import Any

import pytest
from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import get_current_span, set_span_in_context

from tests.unit.telemetry import SAMPLED, Telemetry, attached, begun, remote
from tracewire.codec import NOT_SAMPLED, Status, TraceContext, decode, encode_request, unwrap, wrap
from tracewire.codec.constants import FANOUT
from tracewire.protocol import Tracing, current_weight

PAIR = (1_000, 10)
OTHER = TraceContext(0xB, 2, 1)
KEPT = wrap(b"", SAMPLED, {FANOUT: PAIR})


def numbers(attributes: Any) -> tuple[object, object]:
    names = "tracewire.fanout.recipients", "tracewire.fanout.kept"
    recipients, kept = ((attributes or {}).get(name) for name in names)
    return recipients, kept


def test_spans_of_both_sides_and_what_is_sent_have_the_numbers() -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    with tracing.received(KEPT):
        assert unwrap(tracing.wrap(b"")).extensions[FANOUT] == PAIR
        trace, extensions, operation = begun(tracing, "m")
        assert operation is not None
        operation.finish(Status.OK)
    assert extensions == {FANOUT: PAIR}
    frame = decode(encode_request(1, "m", b"", trace, extensions))
    context, served = tracing.server(frame, "parent")
    assert served is not None
    with attached(context):
        assert current_weight() == 100
    served.finish(Status.OK)
    assert [numbers(span.attributes) for span in telemetry.spans] == [PAIR, PAIR]


@pytest.mark.parametrize("pair", [(1, 1), None], ids=repr)
def test_a_message_to_one_alone_has_no_numbers(pair: Any) -> None:
    with Tracing().received(wrap(b"", SAMPLED, pair and {FANOUT: pair})):
        assert Tracing().inject() == (SAMPLED, None)


def test_numbers_that_the_caller_gives_stay() -> None:
    with Tracing().received(KEPT):
        assert Tracing().inject({FANOUT: (2, 1)})[1] == {FANOUT: (2, 1)}


def test_numbers_count_for_the_trace_they_came_with_alone() -> None:
    with Tracing().received(KEPT), attached(set_span_in_context(get_current_span(remote(OTHER)))):
        assert current_weight() == 1
        assert Tracing().inject() == (OTHER, None)


def test_below_a_bridge_that_keeps_the_span_alone_the_numbers_count() -> None:
    with Tracing().received(KEPT), attached(set_span_in_context(get_current_span(), Context())):
        assert current_weight() == 100
        assert Tracing().inject()[1] == {FANOUT: PAIR}


@pytest.mark.parametrize("beside", [{FANOUT: (20, 2)}, None], ids=repr)
def test_the_numbers_of_a_message_replace_those_around_it(beside: Any) -> None:
    with Tracing().received(KEPT):
        with Tracing().received(wrap(b"", SAMPLED, beside)):
            assert current_weight() == (10 if beside else 1)
        assert current_weight() == 100
    assert current_weight() == 1


def test_an_extracted_context_has_the_numbers_too() -> None:
    with attached(Tracing().extract(unwrap(KEPT))):
        assert current_weight() == 100


def test_what_is_not_sampled_has_no_numbers() -> None:
    with Tracing().received(wrap(b"", NOT_SAMPLED, {FANOUT: PAIR})):
        assert Tracing().inject() == (NOT_SAMPLED, None)
        assert current_weight() == 1


def test_the_copies_of_a_second_fan_out_multiply_once() -> None:
    tracing = Tracing(fanout_rate=lambda n: 0.5, random=Random(1))
    with tracing.received(wrap(b"", SAMPLED, {FANOUT: (9, 2)})):
        copies = tracing.fan_out(b"", 4)
        asking = unwrap(tracing.broadcast(b"", 4))
    assert unwrap(copies.sampled).extensions[FANOUT] == (9, 1)
    assert unwrap(copies.unsampled).extensions == {}
    assert asking.extensions[FANOUT] == (9, 2, 4)


@pytest.mark.parametrize(
    ("fanout", "weight"),
    [((2**64 - 1, 2), 2**53 - 1), ((2**64 - 1, 2**64 - 1), 1), ((2**62, 1, 4), 2**53)],
)
def test_numbers_from_outside_are_brought_below_what_otlp_takes(fanout: Any, weight: float) -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry, fanout_rate=lambda n: 1.0)
    frame = decode(encode_request(1, "m", b"", SAMPLED, {FANOUT: fanout}))
    _, operation = tracing.server(frame, "parent")
    assert operation is not None
    operation.finish(Status.OK)
    (span,) = telemetry.spans
    recipients, kept = numbers(span.attributes)
    if weight > 1:
        assert isinstance(recipients, int) and isinstance(kept, int)
        assert recipients <= 2**53
        assert recipients / kept == pytest.approx(weight, rel=0.01)
    else:
        assert recipients == kept


def test_the_context_of_a_caller_is_left_as_it_was() -> None:
    before = get_current()
    token = attach(before)
    with Tracing().received(KEPT):
        pass
    assert get_current() is before
    assert token is not None


def test_an_extracted_context_of_a_message_to_one_alone_hides_the_numbers_around_it() -> None:
    with Tracing().received(KEPT), attached(Tracing().extract(unwrap(wrap(b"", SAMPLED)))):
        assert current_weight() == 1
