"""Fan-out: who keeps the trace, what each of them weighs, and what receivers make of it."""

from collections import Counter
from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from tests.unit.checks import memory
from tests.unit.telemetry import SAMPLED, UNSAMPLED, Telemetry, attached, ids, remote
from tracewire.codec import NOT_SAMPLED, Status, TraceContext, decode, encode_request, unwrap, wrap
from tracewire.codec.constants import FANOUT
from tracewire.codec.trace import NotSampled
from tracewire.protocol import FanOut, Tracing, current_weight
from tracewire.protocol.tracing.counters import self_cost
from tracewire.protocol.tracing.policy import Propagate
from tracewire.protocol.tracing.sampling import (
    ALONE,
    SamplingRatio,
    current_ratio,
    default_rate,
    how_many,
)

Trace = TraceContext | NotSampled | None

EVERY_SIZE = [*range(1, 301), 999, 1_000, 1_001, 9_999, 10_000, 10_001, 54_321, 1_000_000]


def seeded(seed: int = 7, **options: object) -> Tracing:
    return Tracing(random=Random(seed), **options)  # type: ignore[arg-type]


def fan_out(recipients: int, trace: Trace = SAMPLED, tracing: Tracing | None = None) -> FanOut:
    """From where a message with this trace is handled."""
    tracing = tracing or seeded()
    with tracing.received(wrap(b"", trace)):
        return tracing.fan_out(b"message", recipients)


# Who keeps the trace. T-8


@pytest.mark.parametrize("recipients", EVERY_SIZE)
def test_the_weights_of_a_fan_out_sum_to_its_recipients(recipients: int) -> None:
    images = Counter(fan_out(recipients))
    kept = [(image, count) for image, count in images.items() if unwrap(image).trace == SAMPLED]
    [(image, count)] = kept
    fanout = unwrap(image).extensions[FANOUT]
    assert images.total() == recipients
    assert fanout == (recipients, count)
    assert count * Fraction(recipients, count) == recipients


def test_all_others_are_told_that_it_is_not_sampled() -> None:
    images = [unwrap(image) for image in fan_out(100)]
    assert Counter(image.trace is NOT_SAMPLED for image in images) == {True: 90, False: 10}
    assert {image.payload for image in images} == {b"message"}
    assert all(FANOUT not in image.extensions for image in images if image.trace is NOT_SAMPLED)


@pytest.mark.parametrize("recipients", [1, 2, 3, 17, 100, 2_345, 10_000])
def test_how_many_keep_it_is_the_rate_of_all_with_one_draw_for_the_fraction(
    recipients: int,
) -> None:
    random = Random(1)
    wanted = max(1.0, recipients * default_rate(recipients))
    drawn = [how_many(recipients, default_rate, random) for _ in range(4_000)]
    assert set(drawn) <= {int(wanted), int(wanted) + 1}
    assert sum(drawn) / len(drawn) == pytest.approx(wanted, abs=0.03)


def test_every_choice_of_recipients_is_as_likely_as_any_other() -> None:
    made = FanOut(6, 3, b"1", b"0", Random(3))
    found = Counter(b"".join(made) for _ in range(20_000))
    choices = [bytes(48 + (at in each) for at in range(6)) for each in combinations(range(6), 3)]
    assert set(found) == set(choices)
    expected = 20_000 / len(choices)
    chi_squared = sum((count - expected) ** 2 / expected for count in found.values())
    assert chi_squared < 43.8  # 19 degrees of freedom: one seed of a thousand lies above


def test_no_place_among_many_recipients_is_favoured() -> None:
    made = FanOut(100_000, 100, b"1", b"0", Random(5))
    places: Counter[int] = Counter()
    for _ in range(40):
        for at, image in enumerate(made):
            if image == b"1":
                places[at // 10_000] += 1
    assert places.total() == 4_000
    assert all(count == pytest.approx(400, abs=70) for count in places.values())


def test_choosing_takes_one_draw_for_each_that_is_chosen() -> None:
    class Counting(Random):
        draws = 0

        def random(self) -> float:
            self.draws += 1
            return super().random()

    random = Counting(1)
    assert sum(1 for _ in FanOut(1_000_000, 1_000, b"1", b"0", random)) == 1_000_000
    assert random.draws == 1_000


def test_all_recipients_may_keep_it() -> None:
    assert list(FanOut(3, 3, b"1", b"0", Random(1))) == [b"1"] * 3


def test_the_rates_are_linear_in_logarithms_between_1_100_and_10_000() -> None:
    assert [default_rate(n) for n in (1, 100, 10_000, 1_000_000)] == [1, 0.1, 0.001, 0.001]
    assert default_rate(10) == pytest.approx(10**-0.5)
    assert default_rate(1_000) == pytest.approx(0.01)
    assert list(map(default_rate, range(1, 20_000))) == sorted(
        map(default_rate, range(1, 20_000)), reverse=True
    )


def test_the_rate_can_be_replaced() -> None:
    images = fan_out(100, tracing=seeded(fanout_rate=lambda recipients: 0.5))
    assert (images.recipients, images.keeping) == (100, 50)


def test_a_rate_over_1_keeps_all() -> None:
    images = fan_out(3, tracing=seeded(fanout_rate=lambda recipients: 7.0))
    assert images.keeping == 3


@pytest.mark.parametrize("propagate", ["ids", "off"])
@pytest.mark.parametrize("trace", [SAMPLED, NOT_SAMPLED, None], ids=repr)
def test_a_fan_out_to_nobody_has_no_copies(propagate: Propagate, trace: Trace) -> None:
    tracing = Tracing(propagate)
    with tracing.received(wrap(b"", trace)):
        nobody = tracing.fan_out(b"message", 0)
    assert (len(nobody), list(nobody)) == (0, [])


def test_a_broadcast_to_nobody_keeps_no_trace() -> None:
    with attached(remote(SAMPLED)):
        assert unwrap(seeded().broadcast(b"message", 0)).trace is NOT_SAMPLED


@pytest.mark.parametrize("send", [Tracing.fan_out, Tracing.broadcast])
def test_less_than_nobody_is_an_error(send: Any) -> None:
    with pytest.raises(ValueError, match="no recipient or more, not to -1"):
        send(seeded(), b"message", -1)


# What is not sampled. T-9


@pytest.mark.parametrize("propagate", ["ids", "decision", "sampled-only"])
@pytest.mark.parametrize("trace", [UNSAMPLED, NOT_SAMPLED, None])
def test_a_sender_that_is_not_sampled_or_undecided_tells_all_that_it_is_not(
    propagate: Propagate, trace: Trace
) -> None:
    images = set(fan_out(1_000, trace, seeded(propagate=propagate)))
    assert images == {wrap(b"message", NOT_SAMPLED)}


@pytest.mark.parametrize("trace", [SAMPLED, None])
def test_off_sends_nothing(trace: Trace) -> None:
    tracing = seeded(propagate="off")
    assert set(fan_out(1_000, trace, tracing)) == {wrap(b"message")}
    assert tracing.broadcast(b"message", 10) == wrap(b"message")


# What a recipient makes of it. T-13


def test_a_recipient_that_keeps_the_trace_continues_it_and_knows_its_weight() -> None:
    images = fan_out(1_000)
    with seeded().received(images.sampled):
        assert current_ratio() == (1_000, 10)
        assert current_weight() == 100
    assert current_weight() == 1


def test_any_other_recipient_starts_no_root() -> None:
    telemetry = Telemetry(ALWAYS_ON)
    tracing = seeded(tracer_provider=telemetry)
    with tracing.received(fan_out(1_000).unsampled):
        with telemetry.tracer.start_as_current_span("within"):
            pass
        assert current_ratio() is ALONE
    assert telemetry.asked.roots == 0
    assert telemetry.spans == ()


@pytest.mark.parametrize("fanout", [(1_000, 10), (1_000, 10, 5)])
def test_a_fan_out_without_a_trace_starts_no_root(fanout: tuple[int, ...]) -> None:
    telemetry = Telemetry(ALWAYS_ON)
    tracing = seeded(tracer_provider=telemetry)
    message = wrap(b"", None, {FANOUT: fanout})
    with tracing.received(message), telemetry.tracer.start_as_current_span("within"):
        pass
    assert telemetry.spans == ()


def test_the_span_of_a_recipient_says_how_many_it_stands_for() -> None:
    telemetry = Telemetry()
    tracing = seeded(tracer_provider=telemetry)
    frame = decode(encode_request(1, "m", b"", SAMPLED, {FANOUT: (1_000, 10)}))
    _, operation = tracing.server(frame, "parent")
    assert operation is not None
    operation.finish(Status.OK)
    [span] = telemetry.spans
    assert span.attributes is not None
    assert span.attributes["tracewire.fanout.recipients"] == 1_000
    assert span.attributes["tracewire.fanout.kept"] == 10


def test_the_fan_out_of_a_stranger_does_not_count() -> None:  # T-5
    tracing = seeded(trust="link")
    with tracing.received(fan_out(1_000).sampled):
        assert current_ratio() is ALONE


# Fan-outs of fan-outs. T-12


def test_nested_fan_outs_multiply() -> None:
    tracing = seeded()
    with tracing.received(fan_out(1_000).sampled):
        nested = tracing.fan_out(b"", 100)
    assert unwrap(nested.sampled).extensions[FANOUT] == (1_000, 1)


def test_a_pair_is_reduced_and_halved_until_it_fits() -> None:
    assert SamplingRatio(6, 4).times(2, 1) == (3, 1)
    assert ALONE.times(6, 4) == (6, 4)
    assert SamplingRatio(2**53, 1).times(1, 1) == (2**53, 1)
    assert SamplingRatio(2**53 - 1, 1).times(2, 1) == (2**53 - 1, 1)
    assert SamplingRatio(2**53, 3).times(5, 1) == (5 * 2**50, 1)
    assert SamplingRatio(2**40, 1).times(2**40, 1) == (2**53, 1)


# Where the sender cannot choose. T-10, T-11


def test_a_broadcast_asks_its_receivers_to_draw() -> None:
    tracing = seeded()
    with attached(remote(SAMPLED)):
        frame = unwrap(tracing.broadcast(b"message", 1_000))
    assert (frame.trace, frame.extensions[FANOUT]) == (SAMPLED, (1, 1, 1_000))


@pytest.mark.parametrize("trace", [UNSAMPLED, NOT_SAMPLED, None])
def test_a_broadcast_of_what_is_not_sampled_asks_nobody(trace: Trace) -> None:
    tracing = seeded()
    with tracing.received(wrap(b"", trace)):
        assert tracing.broadcast(b"message", 10) == wrap(b"message", NOT_SAMPLED)


def test_a_broadcast_from_within_a_fan_out_asks_for_more() -> None:
    tracing = seeded()
    with tracing.received(fan_out(1_000).sampled):
        frame = unwrap(tracing.broadcast(b"", 50))
    assert frame.extensions[FANOUT] == (100, 1, 50)


@pytest.mark.parametrize("receivers", [1, 2, 10, 137, 1_000])
def test_the_weights_of_receivers_that_draw_sum_to_all_on_average(receivers: int) -> None:
    tracing = seeded(11)
    with attached(remote(SAMPLED)):
        message = tracing.broadcast(b"", receivers)
    broadcasts = 40_000 // receivers
    weights = 0.0
    for _ in range(broadcasts * receivers):
        with tracing.received(message) as received:
            weights += current_weight() if current_ratio() is not ALONE else 0.0
        assert received.frame.trace == SAMPLED
    assert weights / broadcasts == pytest.approx(receivers, rel=0.15)


def test_a_receiver_that_is_not_drawn_passes_it_on_as_not_sampled() -> None:
    before = self_cost()["fanouts_thinned"]
    tracing = seeded(3, fanout_rate=lambda recipients: 1e-9)
    message = wrap(b"", SAMPLED, {FANOUT: (1, 1, 1_000_000)})
    with tracing.received(message):
        assert tracing.inject() == (NOT_SAMPLED, None)
    assert self_cost()["fanouts_thinned"] == before + 1


def test_a_receiver_that_is_drawn_multiplies_the_pair() -> None:
    tracing = seeded()
    with tracing.received(wrap(b"", SAMPLED, {FANOUT: (30, 3, 1)})):
        assert current_ratio() == (30, 3)


def test_a_context_after_a_fan_out_has_the_callers_ids() -> None:
    tracing = seeded()
    context: Context = tracing.extract(unwrap(fan_out(10).sampled))
    assert ids(context) == SAMPLED


def test_an_application_that_drops_everything_fans_out_as_not_sampled() -> None:
    telemetry = Telemetry(ALWAYS_OFF)
    tracing = seeded(tracer_provider=telemetry)
    with telemetry.tracer.start_as_current_span("dropped"):
        assert set(tracing.fan_out(b"message", 10)) == {wrap(b"message", NOT_SAMPLED)}


def test_the_memory_of_a_fan_out_does_not_depend_on_its_size() -> None:
    def peak(recipients: int) -> int:
        images = fan_out(recipients)
        with memory() as taken:
            assert sum(1 for _ in images) == recipients
        return taken["peak"]

    peak(10)
    assert peak(300_000) <= peak(10_000) + 256


@pytest.mark.parametrize("receivers", [2**53 + 1, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize("pair", [(1, 1), (2**64 - 1, 2**64 - 1), (2**64 - 1, 1)])
def test_numbers_of_64_bits_that_are_drawn_from_can_be_sent_on(
    receivers: int, pair: tuple[int, int]
) -> None:
    """As a float the part of so many may be more than they are."""
    tracing = Tracing(fanout_rate=lambda recipients: 1.0)
    with tracing.received(wrap(b"", SAMPLED, {FANOUT: (*pair, receivers)})):
        sent = unwrap(tracing.wrap(b"below")).extensions.get(FANOUT, (1, 1))
    assert isinstance(sent, tuple)
    assert 1 <= sent[1] <= sent[0] <= 2**53


@pytest.mark.parametrize("trace", [SAMPLED, NOT_SAMPLED])
@pytest.mark.parametrize(("count", "error"), [(2**53 + 1, ValueError), (2.5, TypeError)])
@pytest.mark.parametrize("name", ["fan_out", "broadcast"])
def test_how_many_there_may_be_does_not_depend_on_the_trace(
    name: str, count: Any, error: type[Exception], trace: Trace
) -> None:
    tracing = Tracing()
    with (
        tracing.received(wrap(b"", trace)),
        pytest.raises(error, match="recipients"),
    ):
        getattr(tracing, name)(b"", count)
