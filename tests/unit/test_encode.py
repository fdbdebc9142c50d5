"""The encoders of single frames: what they write, and what they refuse."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import BINARY_TRACE, frame_bytes, refused
from tracewire.codec.constants import Status
from tracewire.codec.trace import NOT_SAMPLED


class Text(str):
    pass


class Number(int):
    pass


@pytest.fixture(params=["encode_request", "encode_notification", "wrap", "Frame"])
def with_trace(request: pytest.FixtureRequest, codec: ModuleType) -> Callable[..., Any]:
    """Each way to write a frame that takes a trace, as one function of trace and extensions."""
    ways: dict[str, Callable[..., bytes]] = {
        "encode_request": lambda **context: codec.encode_request(1, "m", **context),
        "encode_notification": lambda **context: codec.encode_notification("m", **context),
        "wrap": lambda **context: codec.wrap(b"message", **context),
        "Frame": lambda **context: codec.encode(codec.Frame(0, 1, "m", **context)),
    }
    return ways[request.param]


def test_a_request_is_what_it_was_given(codec: ModuleType) -> None:
    assert codec.encode_request(1, "guild.join") == frame_bytes(0, 1, "guild.join")
    written = codec.encode_request(2, "m", b"body", NOT_SAMPLED, {7: 5})
    assert written == frame_bytes(0, 2, "m", b"body", {1: False, 7: 5})


def test_a_response_is_what_it_was_given(codec: ModuleType) -> None:
    assert codec.encode_response(1) == frame_bytes(1, 1, 0)
    assert codec.encode_response(2, b"body", 5, {7: 5}) == frame_bytes(1, 2, 5, b"body", {7: 5})


def test_a_notification_is_what_it_was_given(codec: ModuleType) -> None:
    assert codec.encode_notification("m") == frame_bytes(2, 0, "m")
    written = codec.encode_notification("m", b"body", NOT_SAMPLED, {7: 5})
    assert written == frame_bytes(2, 0, "m", b"body", {1: False, 7: 5})


def test_a_notification_without_a_method_is_an_envelope(codec: ModuleType) -> None:
    assert codec.encode_notification("", b"message") == codec.wrap(b"message")


def test_every_argument_may_be_given_by_its_name(codec: ModuleType) -> None:
    context = {"extensions": {7: 5}, "trace": NOT_SAMPLED, "payload": b"body"}
    assert codec.encode_request(method="m", id=1, **context) == codec.encode_request(
        1, "m", b"body", NOT_SAMPLED, {7: 5}
    )
    assert codec.encode_notification(method="m", **context) == codec.encode_notification(
        "m", b"body", NOT_SAMPLED, {7: 5}
    )
    assert codec.encode_response(
        status=5, payload=b"body", id=1, extensions={7: 5}
    ) == codec.encode_response(1, b"body", 5, {7: 5})


def test_a_status_may_be_a_member_of_status(codec: ModuleType) -> None:
    written = codec.encode_response(1, status=Status.UNAVAILABLE)
    assert written == codec.encode_response(1, status=14)


def test_subclasses_of_the_types_are_written_like_them(codec: ModuleType) -> None:
    written = codec.encode_request(Number(1), Text("m"), extensions={Number(7): Number(5)})
    assert written == codec.encode_request(1, "m", extensions={7: 5})
    assert type(written) is bytes


def test_encode_gives_back_the_bytes_of_a_frame(codec: ModuleType) -> None:
    data = frame_bytes(0, 1, "m", b"body", {1: BINARY_TRACE, 3: "a=1", 21: {2: [], 1: {}}})
    assert codec.encode(codec.decode(data)) == data
    assert codec.encode(frame=codec.decode(bytearray(data))) == data


@pytest.mark.parametrize("wrong", [None, b"", b"\xd9\xd4\xf7\x84", 0, "frame"], ids=repr)
def test_encode_takes_frames_only(codec: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.encode(wrong)


def test_encode_refuses_a_bare_message(codec: ModuleType) -> None:
    bare = codec.unwrap(b"hello")
    with pytest.raises(TypeError, match="bare message"):
        codec.encode(bare)


@pytest.mark.parametrize(
    ("rule", "function", "args"),
    [
        ("F-8", "encode_request", (-1, "m")),
        ("F-8", "encode_request", (4294967296, "m")),
        ("F-8", "encode_response", (4294967296,)),
        ("F-9", "encode_request", (0, "m")),
        ("F-9", "encode_response", (0,)),
        ("F-11", "encode_request", (1, "")),
        ("F-11", "encode_request", (1, "a" * 256)),
        ("F-12", "encode_notification", ("a" * 256,)),
        ("F-13", "encode_response", (1, b"", -1)),
        ("F-13", "encode_response", (1, b"", 4294967296)),
        ("F-16", "encode_request", (1, "\udc80")),
        ("F-16", "encode_notification", ("\udc80",)),
    ],
)
def test_arguments_that_make_no_valid_frame_name_the_rule(
    codec: ModuleType, rule: str, function: str, args: tuple[object, ...]
) -> None:
    with refused(rule):
        getattr(codec, function)(*args)


#: The arguments of each encoder that are always needed or checked, and the type of each.
ARGUMENTS: dict[str, dict[str, type]] = {
    "encode_request": {"id": int, "method": str, "payload": bytes},
    "encode_response": {"id": int, "payload": bytes, "status": int},
    "encode_notification": {"method": str, "payload": bytes},
    "wrap": {"message": bytes},
}
SAMPLES: dict[type, object] = {int: 1, str: "m", bytes: b"body"}


@pytest.mark.parametrize(
    ("function", "name", "wrong"),
    [
        (function, name, wrong)
        for function, types in ARGUMENTS.items()
        for name, type_ in types.items()
        for wrong in (None, 1.0, ["m"], *SAMPLES.values())
        if type(wrong) is not type_
    ],
)
def test_a_wrong_type_is_a_type_error(
    codec: ModuleType, function: str, name: str, wrong: object
) -> None:
    arguments = {each: SAMPLES[type_] for each, type_ in ARGUMENTS[function].items()}
    with pytest.raises(TypeError, match=type(wrong).__name__):
        getattr(codec, function)(**{**arguments, name: wrong})


@pytest.mark.parametrize("wrong", [False, True, 0, 1, "", b"", (1, 1, 1), object], ids=repr)
def test_a_trace_is_a_context_not_sampled_or_none(
    with_trace: Callable[..., bytes], wrong: object
) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        with_trace(trace=wrong)


@pytest.mark.parametrize("wrong", [[], [(7, 5)], (), "x", b"", 5, {7}], ids=repr)
def test_extensions_are_a_mapping_or_none(with_trace: Callable[..., bytes], wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        with_trace(extensions=wrong)


def test_a_response_takes_no_trace(codec: ModuleType) -> None:
    with pytest.raises(TypeError, match="trace"):
        codec.encode_response(1, trace=NOT_SAMPLED)


def test_an_undecided_trace_is_no_key(codec: ModuleType, with_trace: Callable[..., bytes]) -> None:
    frame = codec.decode(with_trace(trace=None))
    assert (frame.trace, dict(frame.raw_extensions)) == (None, {})
    assert with_trace(trace=None) == with_trace()


def test_a_trace_decided_not_sampled_is_false(
    codec: ModuleType, with_trace: Callable[..., bytes]
) -> None:
    written = with_trace(trace=NOT_SAMPLED)
    assert written.endswith(bytes.fromhex("a101f4"))
    assert codec.decode(written).trace is NOT_SAMPLED


@pytest.mark.parametrize("flags", [0, 1, 2, 3, 0xFF])
def test_a_trace_context_is_its_29_bytes(
    codec: ModuleType, with_trace: Callable[..., bytes], sampled: Any, flags: int
) -> None:
    trace = codec.TraceContext(sampled.trace_id, sampled.span_id, flags)
    written = with_trace(trace=trace)
    assert written.endswith(bytes.fromhex("a101581d") + BINARY_TRACE[:-1] + bytes([flags]))
    assert codec.decode(written).trace == trace


def test_a_state_stands_beside_its_trace(
    codec: ModuleType, with_trace: Callable[..., bytes], sampled: Any
) -> None:
    trace = codec.TraceContext(sampled.trace_id, sampled.span_id, 1, "a=1,b=2")
    written = with_trace(trace=trace)
    assert written.endswith(b"\xa2\x01\x58\x1d" + BINARY_TRACE + b"\x03\x67a=1,b=2")
    assert codec.decode(written).trace == trace


@pytest.mark.parametrize(
    ("trace_id", "span_id"), [(1, 1), ((1 << 128) - 1, (1 << 64) - 1), (1 << 127, 1 << 63)]
)
def test_ids_keep_all_their_bits(codec: ModuleType, trace_id: int, span_id: int) -> None:
    trace = codec.TraceContext(trace_id, span_id, 0)
    read = codec.decode(codec.encode_request(1, "m", trace=trace)).trace
    assert (read.trace_id, read.span_id) == (trace_id, span_id)
