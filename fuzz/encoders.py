"""Encoders make a valid frame or refuse, whatever they are given, and both codecs do the same."""

from types import ModuleType

from fuzz import arguments
from fuzz.outcome import attempt
from tracewire.codec import reference
from tracewire.codec.counters import counters


def check(codec: ModuleType, data: bytes) -> None:
    before = counters()
    expected = _encode(reference, data)
    between = counters()
    made = _encode(codec, data)
    assert made == expected
    shed = {name: between[name] - before[name] for name in between}
    assert shed == {name: count - between[name] for name, count in counters().items()}
    if isinstance(made, bytes):
        assert codec.encode(codec.decode(made)) == made
        reference.decode(made)


def _encode(codec: ModuleType, data: bytes) -> object:
    """The frame, a Refusal, or the type of the error of arguments of a wrong type."""
    source = arguments.Source(data)
    try:
        return attempt(CALLS[source.below(len(CALLS))], codec, source)
    except (TypeError, BufferError) as error:
        return type(error)


def _request(codec: ModuleType, source: arguments.Source) -> object:
    return codec.encode_request(
        arguments.number(source),
        arguments.text(source),
        arguments.buffer(source),
        arguments.trace(source, codec),
        arguments.extensions(source, codec),
    )


def _response(codec: ModuleType, source: arguments.Source) -> object:
    return codec.encode_response(
        arguments.number(source),
        arguments.buffer(source),
        arguments.number(source),
        arguments.extensions(source, codec),
    )


def _notification(codec: ModuleType, source: arguments.Source) -> object:
    return codec.encode_notification(
        arguments.text(source),
        arguments.buffer(source),
        arguments.trace(source, codec),
        arguments.extensions(source, codec),
    )


def _wrap(codec: ModuleType, source: arguments.Source) -> object:
    message, trace = arguments.buffer(source), arguments.trace(source, codec)
    return codec.wrap(message, trace, arguments.extensions(source, codec))


def _frame(codec: ModuleType, source: arguments.Source) -> object:
    target = arguments.text(source) if source.one_in(2) else arguments.number(source)
    frame = codec.Frame(
        arguments.number(source),
        arguments.number(source),
        target,
        arguments.buffer(source),
        trace=arguments.trace(source, codec),
        extensions=arguments.extensions(source, codec),
        raw_extensions=arguments.raw_extensions(source),
    )
    return codec.encode(frame)


def _restamped(codec: ModuleType, source: arguments.Source) -> object:
    frame = codec.encode_request(
        7, "guild.join", b"body", None, arguments.extensions(source, codec)
    )
    return codec.restamp(frame, arguments.trace(source, codec))


CALLS = (_request, _request, _response, _notification, _wrap, _frame, _frame, _restamped)
