"""What a pickled TraceContext and Frame are loaded by: public functions, so that one half's pickles
are loaded by whichever half serves."""


def trace_context(trace_id: int, span_id: int, flags: int, state: str) -> object:
    """A TraceContext of these fields."""
    from tracewire import codec

    return codec.TraceContext(trace_id, span_id, flags, state)


def frame(data: bytes) -> object:
    """A Frame of these bytes."""
    from tracewire import codec

    return codec.decode(data)


def bare_message(message: bytes) -> object:
    """A Frame that is a bare message."""
    from tracewire import codec

    return codec.unwrap(message, mode="bare")
