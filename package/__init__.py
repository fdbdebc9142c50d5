"""Tracewire: a message frame that carries trace context where a transport has no metadata."""

# ruff: noqa: F403, F405 - the names come from the codec, which declares them

__version__ = "0.1.0"

__all__ = [
    "IMPLEMENTATION",
    "NOT_SAMPLED",
    "Frame",
    "FrameError",
    "Kind",
    "RawItem",
    "Status",
    "StreamDecoder",
    "TraceContext",
    "counters",
    "decode",
    "encode",
    "encode_notification",
    "encode_request",
    "encode_response",
    "is_frame",
    "peek_trace",
    "restamp",
    "strip",
    "to_stream",
    "unwrap",
    "wrap",
]

TYPE_CHECKING = False  # type checkers know the name; importing typing would take most of the time
if TYPE_CHECKING:
    from tracewire.codec import *
else:

    def __getattr__(name):
        """Load a public name when it is first asked for (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tracewire import codec

        value = globals()[name] = getattr(codec, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
