"""What travels beside the trace: OpenTelemetry's baggage, and what foreign propagators inject.

Baggage has key 5. What a propagator that is not W3C's injects rides as a text map under one text
key, without the headers of trace context, which has keys of its own. A carrier rides with sampled
contexts only: what has to travel always is baggage or metadata.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from logging import getLogger
from typing import TYPE_CHECKING, Final, TypeGuard

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span

from tracewire.codec import Frame, FrameError, RawItem, TraceContext, decode, wrap
from tracewire.codec.constants import (
    BAGGAGE,
    CREATION,
    MAX_BAGGAGE_BYTES,
    MAX_BAGGAGE_ENTRIES,
    MAX_EXTENSION_BYTES,
    MAX_EXTENSION_ENTRIES,
    MAX_TIMEOUT,
    MAX_TRACESTATE_BYTES,
    TIMEOUT,
)
from tracewire.codec.writing import Extensions

from ..constants import RESERVED_PREFIX
from ..fence import FENCE
from .context import SPAN_KEY, Values, baggage_key
from .counters import COST

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

CARRIER: Final = f"{RESERVED_PREFIX}carrier"
#: The attribute of OpenTelemetry's composite that holds what it is made of.
_PARTS: Final = "_propagators"
#: What trace, tracestate, creation and baggage take at most: their content, and heads.
_CONTEXT_BYTES: Final = MAX_TRACESTATE_BYTES + MAX_BAGGAGE_BYTES + 2 * 3 * MAX_BAGGAGE_ENTRIES + 128
_CONTEXT_ENTRIES: Final = 4
#: Headers for which the frame has keys.
_TRACE_FIELDS: Final = frozenset({"traceparent", "tracestate"})

_logger: Final = getLogger("tracewire.tracing")


def with_baggage(context: Context, extensions: Extensions | None) -> Extensions | None:
    """The extensions with the baggage of a Context, if there is any."""
    from opentelemetry import baggage

    entries = {_plain(name): _text(value) for name, value in baggage.get_all(context).items()}
    return {**(extensions or {}), BAGGAGE: entries} if entries else extensions


def _plain(text: str) -> str:
    """Text without what a class of the application's own does otherwise."""
    return str.__str__(text) if isinstance(text, str) else text


def _text(value: object) -> str | None:
    """None where no text can be made of it, which encoders leave out and count. E-3"""
    try:
        return _plain(str(value))
    except BaseException as error:
        FENCE.contain(_logger, "a value of the baggage could not be made text", error)
        return None


def read_baggage(frame: Frame) -> dict[str, str] | None:
    """What came with a message. A dict of its own, for the API takes no other mapping."""
    entries = frame.extensions.get(BAGGAGE)
    return dict(entries) if isinstance(entries, Mapping) else None


class ForeignPropagators:
    """The application's propagators for which the frame has no keys.

    ``given``: None for the application's global one, which may change. ``baggage``: whether
    OpenTelemetry's baggage is sent and read, in whatever form a propagator has for it.
    """

    __slots__ = ("_baggage", "_given", "_known")

    def __init__(self, given: "TextMapPropagator | None", baggage: bool) -> None:
        self._given, self._baggage = given, baggage
        #: The propagator that was seen last, and what is foreign of it.
        self._known: tuple[TextMapPropagator | None, tuple[TextMapPropagator, ...]] = (None, ())

    @property
    def current(self) -> "tuple[TextMapPropagator, ...]":
        propagator = self._given
        if propagator is None:
            try:
                propagator = _global_textmap()()
            except BaseException as error:  # one that OTEL_PROPAGATORS names is not installed
                FENCE.contain(_logger, "the application's propagators could not be loaded", error)
                return ()
        seen, foreign = self._known
        if propagator is not seen:
            foreign = tuple(_foreign_in(propagator))
            self._known = propagator, foreign
        return foreign

    def inject(
        self, context: Context, span: Span, trace: TraceContext, extensions: Extensions | None
    ) -> Extensions | None:
        """The extensions with the carrier, without it where it does not fit or cannot be made."""
        carrier: dict[str, str] = {}
        context = Context({**context, SPAN_KEY: span})
        if not self._baggage:
            context = _without_baggage(context)
        for propagator in self.current:
            made: dict[str, str] = {}
            try:
                with _current(context):
                    propagator.inject(made, context)
                carrier |= _headers(made)
            except BaseException as error:
                COST.carriers_shed += 1
                FENCE.contain(_logger, _failed(propagator, "inject"), error)
        if not carrier:
            return extensions
        extended: Extensions = {**(extensions or {}), CARRIER: carrier}
        if _fits(trace, extensions, extended):
            return extended
        COST.carriers_shed += 1
        return extensions

    def extract(self, frame: Frame, values: Values) -> Values:
        """A message's values with what is extracted beside them from its carrier.

        Keys 1 and 3 decide which span is current: those values stay.
        """
        read = frame.extensions.get(CARRIER)
        if read is None:
            return values
        carrier = _headers(read if isinstance(read, Mapping) else {})
        context = Context(values)
        for propagator in self.current:
            try:
                with _current(context):
                    context = Context(propagator.extract(carrier, context))
            except BaseException as error:
                COST.carriers_unusable += 1
                FENCE.contain(_logger, _failed(propagator, "extract"), error)
        if not self._baggage:
            context = _without_baggage(context)
        return {**context, **values, **_baggage_in(context)}


@cache
def _global_textmap() -> "Callable[[], TextMapPropagator]":
    """Asked for late: to load it loads the application's propagators."""
    from opentelemetry.propagate import get_global_textmap

    return get_global_textmap


def _foreign_in(propagator: "TextMapPropagator") -> "Iterator[TextMapPropagator]":
    """By type: what a propagator says of its fields is a hint."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if type(propagator) is CompositePropagator and hasattr(propagator, _PARTS):
        for part in getattr(propagator, _PARTS):
            yield from _foreign_in(part)
    elif type(propagator) not in (TraceContextTextMapPropagator, W3CBaggagePropagator):
        yield propagator


@contextmanager
def _current(context: Context) -> Iterator[None]:
    """Some propagators ask for the current Context, and not for the one that they are given."""
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def _headers(carrier: Mapping[object, object] | Mapping[str, str]) -> dict[str, str]:
    return {
        _plain(name): _plain(text)
        for name, text in carrier.items()
        if _is_text(name) and _is_text(text) and name not in _TRACE_FIELDS
    }


def _is_text(value: object) -> TypeGuard[str]:
    """Whether a frame can hold it: one header that is no UTF-8 does not cost the others."""
    if not isinstance(value, str):
        return False
    try:
        str.encode(value)
    except UnicodeEncodeError:
        return False
    return True


def _baggage_in(context: Context) -> Values:
    key = baggage_key()
    return {key: context[key]} if key in context else {}


def _without_baggage(context: Context) -> Context:
    ours = baggage_key()
    return Context({key: value for key, value in context.items() if key != ours})


def _failed(propagator: "TextMapPropagator", what: str) -> str:
    return f"{type(propagator).__qualname__} could not {what} its context, which was left out"


def _fits(trace: TraceContext, without: Extensions | None, extended: Extensions) -> bool:
    """Whether a carrier costs nothing else its place, a timeout that peers add included."""
    timeout: dict[int | str, object] = {TIMEOUT: MAX_TIMEOUT}
    try:
        if _fits_surely({**timeout, **extended}):
            return True
        kept = dict(decode(wrap(b"", trace, {**timeout, **extended})).raw_extensions)
        del kept[CARRIER]
        return kept == decode(wrap(b"", trace, {**timeout, **(without or {})})).raw_extensions
    except FrameError:
        return False  # it cannot be encoded


def _fits_surely(extended: Extensions) -> bool:
    """Whether there is room for the longest context as well.

    It is asked first, since an encoding on trial counts what it sheds.
    """
    if any(isinstance(extended.get(key), RawItem) for key in (BAGGAGE, CREATION)):
        return False  # those may be longer
    others = {key: value for key, value in extended.items() if key not in (BAGGAGE, CREATION)}
    if len(others) + _CONTEXT_ENTRIES > MAX_EXTENSION_ENTRIES:
        return False
    return len(wrap(b"", None, others)) + _CONTEXT_BYTES <= MAX_EXTENSION_BYTES
