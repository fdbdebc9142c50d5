"""A fan-out costs about as much as handing out one image, and far less than a span for each."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from statistics import median

import pytest
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from tests.bench.conftest import Figure
from tests.bench.measure import Comparison
from tracewire.protocol import Tracing

RECIPIENTS = 1_000_000
ROUNDS = 11
MESSAGE = bytes(64)

Recipients = list[deque[bytes]]


@pytest.fixture(scope="module")
def recipients() -> Recipients:
    return [deque(maxlen=1) for _ in range(RECIPIENTS)]


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(sampler=ALWAYS_ON)


@pytest.fixture(autouse=True)
def in_a_sampled_span(provider: TracerProvider) -> Iterator[None]:
    span = provider.get_tracer("bench").start_span("publish")
    token = attach(set_span_in_context(span, Context()))
    yield
    detach(token)


def fan_out(recipients: Recipients) -> None:
    tracing = Tracing(random=Random(1))
    images = tracing.fan_out(MESSAGE, len(recipients))
    for recipient, image in zip(recipients, images, strict=True):
        recipient.append(image)


def hand_out(recipients: Recipients) -> None:
    image = Tracing().wrap(MESSAGE)
    for recipient in recipients:
        recipient.append(image)


def compared(ours: Callable[[], None], theirs: Callable[[], None]) -> Comparison:
    """Medians of rounds in which both take turns; A/A are two of ours in a round."""
    rounds = [[_took(each) for each in (ours, theirs, ours)] for _ in range(ROUNDS)]
    our, their, again = (median(each) for each in zip(*rounds, strict=True))
    return Comparison(our / their, again / our, our, their)


def _took(work: Callable[[], None]) -> float:
    began = time.thread_time_ns()
    work()
    return time.thread_time_ns() - began


def test_a_million_recipients_cost_at_most_twice_the_handing_out(
    recipients: Recipients, figure: Figure
) -> None:
    found = compared(lambda: fan_out(recipients), lambda: hand_out(recipients))
    figure("fan-out to 1,000,000 / hand out one image", found, 2)
    assert found.ratio <= 2


def test_it_is_twenty_times_faster_than_a_span_for_each(
    recipients: Recipients, provider: TracerProvider, figure: Figure
) -> None:
    tracer, tracing = provider.get_tracer("bench"), Tracing()
    some = recipients[:20_000]

    def span_for_each() -> None:
        for recipient in some:
            with tracer.start_as_current_span("send"):
                recipient.append(tracing.wrap(MESSAGE))

    found = compared(lambda: fan_out(some), span_for_each)
    figure("fan-out to 20,000 / a span and a frame for each", found, 1 / 20)
    assert found.ratio <= 1 / 20
