"""Three states: what each policy sends of them, and what is current at the receiver."""

import asyncio
import subprocess
import sys

import pytest
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import INVALID_SPAN, SpanContext, get_current_span

from tests.unit.telemetry import (
    SAMPLED,
    UNSAMPLED,
    Telemetry,
    attached,
    ids,
    remote,
    under,
)
from tracewire.codec import NOT_SAMPLED, FrameError, RawItem, TraceContext, unwrap, wrap
from tracewire.codec.constants import CREATION, FANOUT, TIMEOUT
from tracewire.codec.trace import NotSampled
from tracewire.protocol import tracing
from tracewire.protocol.tracing import Tracing
from tracewire.protocol.tracing.counters import self_cost
from tracewire.protocol.tracing.policy import Propagate

Trace = TraceContext | NotSampled | None
STATED = TraceContext(SAMPLED.trace_id, SAMPLED.span_id, 3, "a=1")


def received_context(trace: Trace, into: Tracing | None = None) -> Context:
    """What is current while a message with this trace is handled."""
    with (into or Tracing()).received(wrap(b"", trace)):
        return get_current()


# What is sent.


@pytest.mark.parametrize(
    ("propagate", "trace", "sent"),
    [
        ("ids", SAMPLED, SAMPLED),
        ("ids", UNSAMPLED, UNSAMPLED),
        ("ids", NOT_SAMPLED, NOT_SAMPLED),
        ("ids", None, None),
        ("decision", SAMPLED, SAMPLED),
        ("decision", UNSAMPLED, NOT_SAMPLED),
        ("decision", NOT_SAMPLED, NOT_SAMPLED),
        ("decision", None, None),
        ("sampled-only", SAMPLED, SAMPLED),
        ("sampled-only", UNSAMPLED, None),
        ("sampled-only", NOT_SAMPLED, None),
        ("sampled-only", None, None),
        ("off", SAMPLED, None),
        ("off", UNSAMPLED, None),
        ("off", NOT_SAMPLED, None),
        ("off", None, None),
    ],
)
@pytest.mark.parametrize("foreign", [False, True], ids=["received", "made elsewhere"])
def test_each_policy_sends_each_state_as_specified(
    propagate: Propagate, trace: Trace, sent: Trace, foreign: bool
) -> None:
    foreign = foreign and isinstance(trace, TraceContext)
    context = remote(trace) if foreign else received_context(trace)  # type: ignore[arg-type]
    with attached(context):
        assert Tracing(propagate).inject() == (sent, None)
        assert unwrap(Tracing(propagate).wrap(b"body")).trace == sent


@pytest.mark.parametrize("propagate", ["ids", "decision", "sampled-only", "off"])
def test_a_message_is_wrapped_whatever_the_policy(propagate: Propagate) -> None:
    assert unwrap(Tracing(propagate).wrap(b"body")).payload == b"body"


def test_an_invalid_span_is_undecided() -> None:
    with attached(under(INVALID_SPAN)):
        assert Tracing().inject() == (None, None)


def test_ids_flags_and_state_of_a_span_of_the_sdk_are_sent() -> None:
    trace = TraceContext(SAMPLED.trace_id, SAMPLED.span_id, 3, "a=1,b=2")
    with attached(received_context(trace)):
        span = Telemetry().tracer.start_span("handle")
        with attached(under(span)):
            sent, _ = Tracing().inject()
    assert isinstance(sent, TraceContext)
    own = span.get_span_context()
    assert sent == TraceContext(SAMPLED.trace_id, own.span_id, own.trace_flags, "a=1,b=2")
    assert sent.span_id != SAMPLED.span_id
    assert sent.sampled


def test_a_span_can_be_named_that_is_not_current() -> None:
    span = Telemetry().tracer.start_span("other")
    sent, _ = Tracing().inject(span=span)
    assert isinstance(sent, TraceContext)
    assert sent.span_id == span.get_span_context().span_id


def test_flags_beyond_a_byte_break_no_message() -> None:
    class Broken(SpanContext):
        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter((1, 1, False, 0x1FF, self.trace_state, True))

    class Span(type(INVALID_SPAN)):  # type: ignore[misc]
        def get_span_context(self) -> SpanContext:
            return Broken(1, 1, False)

    sent, _ = Tracing().inject(span=Span(SpanContext(1, 1, False)))
    assert sent == TraceContext(1, 1, 0xFF)


def test_extensions_come_back_as_they_were_given() -> None:
    given: dict[int | str, object] = {"tenant": "a"}
    assert Tracing().inject(given)[1] is given


# What is current at the receiver.


def test_the_callers_ids_are_current_and_remote() -> None:
    trace = TraceContext(SAMPLED.trace_id, SAMPLED.span_id, 3, "a=1")
    context = received_context(trace)
    assert ids(context) == trace
    assert get_current_span(context).get_span_context().is_remote
    assert not get_current_span(context).is_recording()


@pytest.mark.parametrize("trace", [NOT_SAMPLED, UNSAMPLED], ids=["false", "ids"])
def test_not_sampled_is_a_valid_remote_context_with_clear_flags(trace: Trace) -> None:
    span = get_current_span(received_context(trace)).get_span_context()
    assert span.is_valid
    assert span.is_remote
    assert span.trace_flags == 0


@pytest.mark.parametrize("trace", [NOT_SAMPLED, UNSAMPLED], ids=["false", "ids"])
def test_a_parent_based_sampler_starts_no_root_below_what_is_not_sampled(trace: Trace) -> None:
    telemetry = Telemetry()
    with Tracing().received(wrap(b"", trace)), telemetry.tracer.start_as_current_span("below"):
        assert telemetry.asked.roots == 0
    assert telemetry.spans == ()


def test_the_receivers_sampler_decides_what_is_undecided() -> None:
    telemetry = Telemetry()
    with Tracing().received(wrap(b"")), telemetry.tracer.start_as_current_span("root"):
        pass
    assert telemetry.asked.roots == 1
    assert [span.parent for span in telemetry.spans] == [None]


def test_an_undecided_message_does_not_join_the_trace_that_surrounds_its_handling() -> None:
    with attached(remote(SAMPLED)), Tracing().received(wrap(b"")):
        assert ids(get_current()) is None


def test_a_bare_message_is_undecided() -> None:
    with Tracing().received(b'{"join": 42}') as got:
        assert got.frame.payload == b'{"join": 42}'
        assert ids(get_current()) is None


def test_false_has_ids_that_are_drawn_for_each_message() -> None:
    assert ids(received_context(NOT_SAMPLED)) != ids(received_context(NOT_SAMPLED))


def test_false_is_recognised_below_a_span_that_was_dropped() -> None:
    telemetry = Telemetry()
    with (
        Tracing().received(wrap(b"", NOT_SAMPLED)),
        telemetry.tracer.start_as_current_span("dropped"),
    ):
        assert ids(get_current()) != ids(received_context(NOT_SAMPLED))
        assert Tracing().inject() == (NOT_SAMPLED, None)


def test_a_sampler_that_is_not_parent_based_is_counted_and_its_ids_are_sent() -> None:
    telemetry = Telemetry(sampler=ALWAYS_ON)
    before = self_cost()["sampler_ignores_parent"]
    with (
        Tracing().received(wrap(b"", NOT_SAMPLED)),
        telemetry.tracer.start_as_current_span("stray") as span,
    ):
        sent, _ = Tracing().inject()
    assert isinstance(sent, TraceContext)
    assert sent.span_id == span.get_span_context().span_id
    assert self_cost()["sampler_ignores_parent"] == before + 1


FORKING = """
import os
from opentelemetry.context import attach
from opentelemetry.trace import get_current_span
from tracewire.codec import NOT_SAMPLED, unwrap, wrap
from tracewire.protocol.tracing import extract, inject

def current():
    context = extract(unwrap(wrap(b"", NOT_SAMPLED)))
    return context, get_current_span(context).get_span_context().trace_id

_, ours = current()
if os.fork():
    os.wait()
else:
    context, theirs = current()
    attach(context)
    print(theirs != ours, repr(inject()[0]))
"""


def test_a_forked_process_draws_its_own_ids_and_still_knows_false() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True NOT_SAMPLED\n"


def test_unsampled_ids_are_made_once_and_only_when_asked_for() -> None:
    before = self_cost()["decoded"]
    context = received_context(UNSAMPLED)
    with attached(context):
        Tracing().inject()
    assert self_cost()["decoded"] == before
    first, second = (get_current_span(context).get_span_context() for _ in range(2))
    assert first is second
    assert self_cost()["decoded"] == before + 1


def test_a_fanout_without_a_usable_trace_reads_as_false() -> None:
    with Tracing().received(wrap(b"", None, {FANOUT: (10, 1)})):
        assert Tracing().inject() == (NOT_SAMPLED, None)


def test_a_fanout_whose_value_is_unusable_is_absent() -> None:
    with Tracing().received(wrap(b"", None, {FANOUT: RawItem(b"\x80")})):
        assert Tracing().inject() == (None, None)


def test_a_fanout_with_a_usable_trace_continues_it() -> None:
    with Tracing().received(wrap(b"", SAMPLED, {FANOUT: (10, 1)})):
        assert ids(get_current()) == SAMPLED


def test_the_context_that_created_a_message_is_a_link() -> None:
    creation = TraceContext(1, 2, 1, "")
    with Tracing().received(wrap(b"", SAMPLED, {CREATION: creation})) as got:
        (link,) = got.links
    assert (link.context.trace_id, link.context.span_id) == (1, 2)
    assert link.context.trace_flags == 1


def test_a_message_without_creation_was_created_by_its_own_context() -> None:
    with Tracing().received(wrap(b"", STATED, {FANOUT: (100, 10)})) as got:
        (link,) = got.links
    assert (link.context.trace_id, link.context.span_id) == (STATED.trace_id, STATED.span_id)
    assert (link.context.trace_flags, link.context.trace_state.to_header()) == (3, "a=1")
    assert link.attributes == {"tracewire.fanout.recipients": 100, "tracewire.fanout.kept": 10}


@pytest.mark.parametrize("trace", [NOT_SAMPLED, None], ids=repr)
def test_a_message_without_ids_has_no_links(trace: Trace) -> None:
    with Tracing().received(wrap(b"", trace)) as got:
        assert got.links == []


def test_propagate_off_still_continues_what_arrives() -> None:
    assert ids(received_context(SAMPLED, Tracing("off"))) == SAMPLED


# The block.


@pytest.mark.parametrize("microseconds", [0, 1])
def test_the_timeout_of_a_message_that_was_stored_is_ignored(microseconds: int) -> None:  # C-77
    message = wrap(b"late", SAMPLED, {TIMEOUT: microseconds})
    with Tracing().received(message) as received:
        assert received.body == b"late"
        assert get_current_span().get_span_context().trace_id == SAMPLED.trace_id


def test_the_context_before_is_current_again_after_the_block() -> None:
    with attached(remote(SAMPLED)):
        before = get_current()
        with Tracing().received(wrap(b"", NOT_SAMPLED)):
            assert get_current() is not before
        assert get_current() is before


def test_an_exception_leaves_the_block_and_the_context_before_returns() -> None:
    before = get_current()
    with pytest.raises(KeyError, match="guild"), Tracing().received(wrap(b"", SAMPLED)):
        raise KeyError("guild")
    assert get_current() is before


def test_blocks_nest() -> None:
    own = Tracing()
    with own.received(wrap(b"", SAMPLED)):
        with own.received(wrap(b"", NOT_SAMPLED)):
            assert own.inject()[0] is NOT_SAMPLED
        assert own.inject()[0] == SAMPLED


async def handle(message: bytes, first: asyncio.Barrier) -> Trace:
    with Tracing().received(message):
        await first.wait()
        return Tracing().inject()[0]


def test_tasks_that_interleave_keep_their_contexts() -> None:
    async def both() -> list[Trace]:
        barrier = asyncio.Barrier(2)
        return await asyncio.gather(*(handle(wrap(b"", t), barrier) for t in (SAMPLED, UNSAMPLED)))

    assert asyncio.run(both()) == [SAMPLED, UNSAMPLED]


def test_a_message_that_is_no_envelope_raises_and_attaches_nothing() -> None:
    before = get_current()
    with pytest.raises(FrameError, match="F-5"):
        Tracing().received(b"bare", mode="framed")
    assert get_current() is before


def test_even_keys_are_refused_unless_understood() -> None:
    message = wrap(b"body", None, {65_538: 1})
    with pytest.raises(FrameError, match="X-"):
        Tracing().received(message)
    with Tracing().received(message, understood={65_538}) as got:
        assert got.frame.payload == b"body"


# The module, and wrong arguments.


def test_the_functions_of_the_module_use_one_default() -> None:
    with tracing.received(wrap(b"", UNSAMPLED)) as got:
        assert tracing.inject() == (UNSAMPLED, None)
        assert unwrap(tracing.wrap(b"")).trace == UNSAMPLED
        assert ids(tracing.extract(got.frame)) == UNSAMPLED


@pytest.mark.parametrize("wrong", [{"propagate": "all"}, {"trust": "friend"}], ids=str)
def test_a_wrong_choice_names_those_there_are(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be one of \('(ids|parent)'"):
        Tracing(**wrong)  # type: ignore[arg-type]


def test_the_repr_of_a_remote_span_tells_what_came() -> None:
    assert repr(get_current_span(received_context(NOT_SAMPLED))) == "FalseSpan(NOT_SAMPLED)"


def test_a_root_that_was_dropped_is_sent_as_its_ids() -> None:
    span = Telemetry(root=ALWAYS_OFF).tracer.start_span("dropped")
    sent, _ = Tracing().inject(span=span)
    assert isinstance(sent, TraceContext)
    assert not sent.sampled
    assert sent.trace_id == span.get_span_context().trace_id
