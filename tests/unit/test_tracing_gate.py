"""The gate: what surrounds a message, bare messages, suppression, strangers, what is read once."""

import asyncio
import gc
import os
import threading
from contextvars import copy_context
from random import Random
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, get_current, set_value
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import INVALID_SPAN, get_current_span

from tests.unit.telemetry import (
    SAMPLED,
    UNSAMPLED,
    Telemetry,
    attached,
    begun,
    ids,
    remote,
    under,
)
from tracewire.codec import NOT_SAMPLED, Status, TraceContext, decode, encode_request, unwrap, wrap
from tracewire.codec.constants import BAGGAGE, CREATION, FANOUT
from tracewire.protocol import RpcError, Tracing, current_weight
from tracewire.protocol.constants import Trust
from tracewire.protocol.tracing.policy import Propagate
from tracewire.protocol.tracing.semconv import KEPT, NOWHERE, RECIPIENTS

OTHER = TraceContext(0xB, 2, 1)
LOCAL = baggage.set_baggage("user", "local", set_value("tenant", "a", remote(OTHER)))


# What surrounds a message.


@pytest.mark.parametrize("trace", [SAMPLED, UNSAMPLED, NOT_SAMPLED, None], ids=repr)
def test_span_and_baggage_are_the_messages_and_all_else_stays(trace: Any) -> None:
    with attached(LOCAL), Tracing().received(wrap(b"", trace)):
        assert get_current()["tenant"] == "a"
        assert baggage.get_all() == {}
        assert Tracing().inject()[0] == trace


def test_suppression_stays_below_a_message() -> None:
    telemetry = Telemetry()
    tracing = Tracing(tracer_provider=telemetry)
    with suppress_instrumentation(), tracing.received(wrap(b"", SAMPLED)):
        assert tracing.client("m") == (None, None)
        assert tracing.server(decode(encode_request(1, "m", b"", SAMPLED)), "parent")[1] is None
    assert telemetry.starts == 0


@pytest.mark.parametrize("mode", ["both", "bare"])
def test_a_bare_message_leaves_the_context_as_it_is(mode: Any) -> None:
    with attached(LOCAL):
        with Tracing(baggage=True).received(b"{}", mode=mode):
            assert get_current() is LOCAL
        assert get_current() is LOCAL


@pytest.mark.parametrize(("current", "refused"), [(LOCAL, False), (Context(), True)])
def test_a_strangers_bare_message_pays_for_a_root_where_no_span_is_current(
    current: Context, refused: bool
) -> None:
    tracing, sent = Tracing(trust="link", stranger_roots=1, clock=lambda: 0.0), []
    for _ in range(3):
        with attached(current), tracing.received(b"{}"):
            sent.append(tracing.inject()[0])
    assert sent == ([None, NOT_SAMPLED, NOT_SAMPLED] if refused else [OTHER] * 3)


def test_an_invalid_span_is_none_that_is_current() -> None:
    tracing = Tracing(trust="link", stranger_roots=0)
    with attached(under(INVALID_SPAN)), tracing.received(b"{}"):
        assert tracing.inject()[0] is NOT_SAMPLED


# What is sent under suppression.


@pytest.mark.parametrize("propagate", ["ids", "decision", "sampled-only", "off"])
@pytest.mark.parametrize("trace", [SAMPLED, None], ids=repr)
def test_under_suppression_the_current_context_is_sent_and_else_false(
    propagate: Propagate, trace: Any
) -> None:
    telemetry = Telemetry()
    tracing = Tracing(propagate, tracer_provider=telemetry)
    with attached(Context() if trace is None else remote(trace)), suppress_instrumentation():
        sent, _, operation = begun(tracing, "spans.put")
    assert operation is None
    assert sent == (None if propagate == "off" else trace or NOT_SAMPLED)
    assert telemetry.starts == 0


# Strangers.


@pytest.mark.parametrize("trust", ["link", "ignore"])
@pytest.mark.parametrize("trace", [SAMPLED, NOT_SAMPLED], ids=repr)
def test_a_message_without_a_method_passes_the_same_gate(trust: Trust, trace: Any) -> None:
    beside: dict[int | str, object] = {
        FANOUT: (1_000, 10),
        BAGGAGE: {"user": "admin"},
        CREATION: OTHER,
    }
    frame = unwrap(wrap(b"", trace, beside))
    with attached(Tracing(baggage=True).message(frame, trust)):
        assert get_current() == {}
        assert current_weight() == 1


@pytest.mark.parametrize(
    ("propagate", "provider"), [("off", Telemetry()), ("ids", None)], ids=["off", "unknown"]
)
def test_where_no_span_of_ours_is_started_a_request_pays_for_what_may_start(
    propagate: Propagate, provider: Any
) -> None:
    tracing = Tracing(propagate, tracer_provider=provider, stranger_roots=2, clock=lambda: 0.0)
    frame = decode(encode_request(1, "m", b"", SAMPLED))
    found = [tracing.server(frame, "link")[0] for _ in range(4)]
    assert [ids(context) is None for context in found] == [True, True, False, False]


# What came as false.


def test_a_stranger_who_is_refused_pays_for_no_root() -> None:
    """Nothing is handled, so nothing may start one."""
    tracing = Tracing("off", trust="link", stranger_roots=1, clock=lambda: 0.0)
    request = decode(encode_request(1, "missing", b""))
    for _ in range(3):
        tracing.refused(request, "link", NOWHERE, RpcError(Status.UNIMPLEMENTED))
    assert not tracing.extract(request)
    assert tracing.extract(request)  # not sampled


def test_each_false_has_a_trace_of_its_own_that_goes_on_as_false() -> None:
    stray, heeding = Telemetry(sampler=ALWAYS_ON), Telemetry()
    for _ in range(20):
        with Tracing().received(wrap(b"", NOT_SAMPLED)):
            stray.tracer.start_span("SELECT").end()
            assert Tracing().inject()[0] is NOT_SAMPLED
            with heeding.tracer.start_as_current_span("child"):
                assert Tracing().inject()[0] is NOT_SAMPLED
    assert len({span.context.trace_id for span in stray.spans}) == 20


def test_threads_that_ask_at_once_get_one_pair_of_ids() -> None:
    context = Tracing().extract(unwrap(wrap(b"", NOT_SAMPLED)))
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(get_current_span(context).get_span_context())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in found}) == 1


def test_where_the_context_did_not_travel_false_goes_on_as_ids_with_a_clear_flag() -> None:
    context = Tracing().extract(unwrap(wrap(b"", NOT_SAMPLED)))
    span = get_current_span(context).get_span_context()
    alone = TraceContext(span.trace_id, span.span_id, int(span.trace_flags))
    with attached(remote(alone)):
        assert Tracing().inject()[0] == alone


def test_forked_workers_draw_for_themselves() -> None:
    tracing = Tracing()
    asking = [wrap(b"", SAMPLED, {FANOUT: (1, 1, 4)}) for _ in range(64)]

    def kept(message: bytes) -> int:
        with tracing.received(message):
            return get_current_span().get_span_context().trace_flags & 1

    draws = []
    for _ in range(4):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(writing, bytes(map(kept, asking)))
            finally:
                os._exit(0)
        os.close(writing)
        draws.append(os.read(reading, 100))
        os.close(reading)
        os.waitpid(child, 0)
    assert len(set(draws)) == 4


# received, shared.


def current() -> int:
    return get_current_span().get_span_context().trace_id


def test_tasks_share_a_message_and_each_leaves_as_it_came() -> None:
    message = Tracing().received(wrap(b"", SAMPLED))
    seen = []

    async def handle(turns: int) -> None:
        attach(remote(TraceContext(turns, 1, 1)))
        with message:
            for _ in range(turns):
                await asyncio.sleep(0)
            seen.append(current())
        assert current() == turns

    async def main() -> None:
        await asyncio.gather(handle(3), handle(2), handle(1))
        assert current() == 0

    asyncio.run(main())
    assert seen == [SAMPLED.trace_id] * 3


def test_a_message_may_be_entered_twice() -> None:
    with Tracing().received(wrap(b"", OTHER)):
        message = Tracing().received(wrap(b"", SAMPLED))
        with message, message:
            assert current() == SAMPLED.trace_id
        assert current() == OTHER.trace_id
    assert current() == 0


def test_a_message_is_drawn_for_once() -> None:
    tracing = Tracing(fanout_rate=lambda recipients: 0.5)
    for _ in range(20):
        message, sent = tracing.received(wrap(b"", SAMPLED, {FANOUT: (1, 1, 4)})), set()
        linked = bool(message.links)
        for _ in range(20):
            with message:
                sent.add(tracing.inject()[0])
        assert sent in ({SAMPLED}, {NOT_SAMPLED})
        assert linked == (sent == {SAMPLED})


def test_a_generator_that_its_loop_closes_leaves_nothing_and_says_nothing(caplog: Any) -> None:
    async def messages() -> Any:
        with Tracing().received(wrap(b"", SAMPLED)) as message:
            yield message

    async def consume() -> None:
        async for _ in messages():
            break

    async def main() -> None:
        await asyncio.create_task(consume())
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        assert current() == 0

    asyncio.run(main())
    assert caplog.records == []


def test_a_block_that_is_left_in_another_execution_context_changes_nothing_there(
    caplog: Any,
) -> None:
    message = Tracing().received(wrap(b"", SAMPLED))
    copy_context().run(message.__enter__)
    with attached(remote(OTHER)):
        message.__exit__()
        assert current() == OTHER.trace_id
    assert caplog.records == []


# Links of a batch.


def test_links_of_a_batch_keep_flags_state_and_numbers() -> None:
    tracing = Tracing()
    fanned = wrap(b"", TraceContext(1, 1, 3, "a=1"), {FANOUT: (100, 10)})
    created = wrap(b"", SAMPLED, {CREATION: TraceContext(2, 2, 1)})
    links = [link for each in (fanned, created) for link in tracing.received(each).links]
    assert [(each.context.trace_id, each.context.trace_state.to_header()) for each in links] == [
        (1, "a=1"),
        (2, ""),
    ]
    assert [dict(each.attributes or {}) for each in links] == [
        {"tracewire.fanout.recipients": 100, "tracewire.fanout.kept": 10},
        {},
    ]


class AtOnce(Random):
    """Draws for two threads when both have asked: the one is chosen, the other is not."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def random(self) -> float:
        return self._both.wait(timeout=10) * 0.9


def test_threads_that_enter_at_once_get_what_was_drawn_for_one() -> None:
    tracing = Tracing(fanout_rate=lambda receivers: 0.5, random=AtOnce())
    message = tracing.received(wrap(b"", SAMPLED, {FANOUT: (1, 1, 10)}))
    seen = []

    def enter() -> None:
        with message:
            seen.append(get_current_span().get_span_context().trace_id)

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_blocks_that_interleave_in_contexts_of_one_thread_leave_nothing() -> None:
    """As other libraries of tasks than asyncio run them."""
    message = Tracing().received(wrap(b"", SAMPLED))
    contexts = copy_context(), copy_context()
    for each in contexts:
        each.run(message.__enter__)
    for each in contexts:
        each.run(message.__exit__)
    assert [each.run(get_current_span) for each in contexts] == [INVALID_SPAN] * 2


def test_the_link_of_who_was_drawn_from_a_broadcast_has_the_numbers() -> None:
    tracing = Tracing(fanout_rate=lambda receivers: 1 if receivers == 1 else 0.5, random=Random(1))
    data = wrap(b"", SAMPLED, {FANOUT: (3, 1, 10)})
    links = [link for _ in range(20) for link in tracing.received(data).links]
    assert 0 < len(links) < 20
    assert {(link.attributes or {}).get(RECIPIENTS) for link in links} == {30}
    assert {(link.attributes or {}).get(KEPT) for link in links} == {5}
