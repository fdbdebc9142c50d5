"""Trace context between spans and frames, beside OpenTelemetry's text map of the same."""

from collections.abc import Iterator

import pytest
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests.bench.conftest import Ratio
from tests.bench.measure import Timed
from tracewire.codec import NOT_SAMPLED, TraceContext, decode, encode_request
from tracewire.protocol.tracing import Tracing

TEXT = TraceContextTextMapPropagator()
SAMPLED = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
UNSAMPLED = TraceContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 0)
FRAMES = {
    "sampled": decode(encode_request(1, "m", bytes(38), SAMPLED)),
    "ids not sampled": decode(encode_request(1, "m", bytes(38), UNSAMPLED)),
    "false": decode(encode_request(1, "m", bytes(38), NOT_SAMPLED)),
}


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(ParentBased(ALWAYS_ON))


@pytest.fixture
def in_a_span(provider: TracerProvider) -> Iterator[None]:
    span = provider.get_tracer("bench").start_span("handle")
    token = attach(set_span_in_context(span, Context()))
    yield
    detach(token)


@pytest.mark.usefixtures("in_a_span")
def test_injecting_a_sampled_span(ratio: Ratio) -> None:
    ours = Timed("inject()", {"inject": Tracing().inject})
    theirs = Timed("inject({})", {"inject": TEXT.inject})
    limit = 0.45
    assert ratio("inject sampled / text map", ours, theirs, limit).ratio <= limit


@pytest.mark.parametrize(
    ("state", "limit"), [("sampled", 0.35), ("ids not sampled", 0.25), ("false", 0.25)]
)
def test_extracting(state: str, limit: float, ratio: Ratio) -> None:
    ours = Timed("extract(frame)", {"extract": Tracing().extract, "frame": FRAMES[state]})
    theirs = text_map("extract(carrier)")
    assert ratio(f"extract {state} / text map", ours, theirs, limit).ratio <= limit


def test_extracting_and_reading_the_ids_which_extracting_left_for_later(ratio: Ratio) -> None:
    read = "current(extract({})).get_span_context()"
    names = {"extract": Tracing().extract, "current": get_current_span, "frame": FRAMES["sampled"]}
    ours = Timed(read.format("frame"), names)
    theirs = text_map(read.format("carrier"))
    limit = 0.7
    assert ratio("extract sampled and read / text map", ours, theirs, limit).ratio <= limit


def text_map(statement: str) -> Timed:
    carrier = {"traceparent": SAMPLED.to_traceparent()}
    names = {"extract": TEXT.extract, "current": get_current_span, "carrier": carrier}
    return Timed(statement, names)


@pytest.mark.parametrize("state", ["ids not sampled", "false"])
def test_serving_and_calling_below_what_is_not_sampled(
    state: str, provider: TracerProvider, ratio: Ratio
) -> None:
    """Both sides of a hop, beside one text-map extract, which is what it must be small against."""
    statement = (
        "context, _ = server(frame, 'parent'); token = attach(context); "
        "client('m'); inject(); detach(token)"
    )
    tracing = Tracing(tracer_provider=provider)
    names = {"attach": attach, "detach": detach, "frame": FRAMES[state]}
    calls = {"server": tracing.server, "client": tracing.client, "inject": tracing.inject}
    ours = Timed(statement, {**names, **calls})
    limit = 0.6
    theirs = text_map("extract(carrier)")
    assert ratio(f"serve and call, {state} / text map", ours, theirs, limit).ratio <= limit
