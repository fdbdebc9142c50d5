"""Input of every kind that holds bytes: what is taken, what is copied, what is refused."""

import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import frame_bytes, refused
from tracewire.codec.trace import NOT_SAMPLED

#: An envelope of 16 bytes, and as a record of 20, so that views of wider items fit both.
DATA = frame_bytes(2, 0, "", b"abcde", {21: 1})
PREFIX = len(DATA).to_bytes(4, "big")


class Octets(bytes):
    pass


class Array(bytearray):
    pass


FORMS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "subclass of bytes": Octets,
    "bytearray": bytearray,
    "subclass of bytearray": Array,
    "view of bytes": memoryview,
    "view of bytearray": lambda data: memoryview(bytearray(data)),
    "view of a part": lambda data: memoryview(b"<" + data + b">")[1:-1],
    "view of signed bytes": lambda data: memoryview(data).cast("b"),
    "view of chars": lambda data: memoryview(data).cast("c"),
    "view of wide items": lambda data: memoryview(data).cast("I"),
    "view of two dimensions": lambda data: memoryview(data).cast("B", (4, len(data) // 4)),
}
ARRAYS: dict[str, Callable[[bytes], Any]] = {
    "array": lambda data: array.array("B", data),
    "array of wide items": lambda data: array.array("H", data),
}
#: Each way to read data, made comparable.
READERS: dict[str, Callable[[Any, Any], Any]] = {
    "decode": lambda codec, data: codec.encode(codec.decode(data)),
    "peek_trace": lambda codec, data: codec.peek_trace(data),
    "is_frame": lambda codec, data: codec.is_frame(data),
    "restamp": lambda codec, data: codec.restamp(data, NOT_SAMPLED),
    "strip": lambda codec, data: codec.strip(data),
    "unwrap": lambda codec, data: codec.unwrap(data),
    "unwrap framed": lambda codec, data: codec.unwrap(data, mode="framed"),
    "unwrap bare": lambda codec, data: codec.unwrap(data, mode="bare").payload,
    "feed": lambda codec, data: codec.StreamDecoder().feed(data),
}
#: Each way to write data.
WRITERS: dict[str, Callable[[Any, Any], Any]] = {
    "encode_request": lambda codec, data: codec.encode_request(1, "m", data),
    "encode_response": lambda codec, data: codec.encode_response(1, data),
    "encode_notification": lambda codec, data: codec.encode_notification("m", data),
    "wrap": lambda codec, data: codec.wrap(data),
    "Frame": lambda codec, data: codec.Frame(0, 1, "m", data),
    "to_stream": lambda codec, data: codec.to_stream(data),
}
VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "value": lambda codec, data: codec.encode_request(1, "m", extensions={21: data}),
    "nested value": lambda codec, data: codec.encode_request(1, "m", extensions={21: [{1: data}]}),
}


OPERATIONS = {**READERS, **WRITERS, **VALUES}


def strided(data: bytes) -> memoryview:
    return memoryview(bytes(byte for pair in zip(data, data, strict=True) for byte in pair))[::2]


def sample(operation: str) -> bytes:
    return PREFIX + DATA if operation == "feed" else DATA


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_form_of_the_same_bytes_is_the_same(
    codec: ModuleType, operation: str, form: str
) -> None:
    apply = OPERATIONS[operation]
    expected = apply(codec, sample(operation))
    outcome = apply(codec, FORMS[form](sample(operation)))
    assert (outcome, type(outcome)) == (expected, type(expected))


@pytest.mark.parametrize("form", ARRAYS)
@pytest.mark.parametrize("operation", [*READERS, *WRITERS])
def test_an_array_is_taken_as_its_bytes(codec: ModuleType, operation: str, form: str) -> None:
    apply = OPERATIONS[operation]
    assert apply(codec, ARRAYS[form](sample(operation))) == apply(codec, sample(operation))


@pytest.mark.parametrize("form", FORMS)
def test_bytes_come_out_of_every_form(codec: ModuleType, form: str) -> None:
    frame = codec.decode(FORMS[form](DATA))
    outcomes = [frame.payload, codec.encode(frame), codec.unwrap(FORMS[form](DATA)).payload]
    outcomes += [codec.unwrap(FORMS[form](DATA), mode="bare").payload]
    outcomes += [codec.strip(FORMS[form](DATA)), codec.restamp(FORMS[form](DATA), None)]
    assert outcomes == [b"abcde", DATA, b"abcde", DATA, frame_bytes(2, 0, "", b"abcde"), DATA]


@pytest.mark.parametrize(
    "empty",
    [b"", bytearray(), memoryview(b""), memoryview(bytearray()), memoryview(b"")[::2], Octets()],
    ids=lambda empty: type(empty).__name__,
)
def test_nothing_is_too_short_for_a_frame(codec: ModuleType, empty: Any) -> None:
    for function in (codec.decode, codec.strip, lambda data: codec.restamp(data, None)):
        with refused("F-1", 0):
            function(empty)
    assert codec.is_frame(empty) is False
    assert codec.peek_trace(empty) is None
    assert codec.unwrap(empty).payload == b""
    assert codec.encode_request(1, "m", empty) == frame_bytes()


@pytest.mark.parametrize("view", [strided, lambda data: memoryview(data[::-1])[::-1]])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_view_with_gaps_is_a_buffer_error(
    codec: ModuleType, operation: str, view: Callable[[bytes], memoryview]
) -> None:
    scattered = view(sample(operation))
    assert bytes(scattered) == sample(operation)
    with pytest.raises(BufferError, match="contiguous"):
        OPERATIONS[operation](codec, scattered)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_view_that_was_released_is_a_value_error(codec: ModuleType, operation: str) -> None:
    view = memoryview(sample(operation))
    view.release()
    with pytest.raises(ValueError, match="released memoryview"):
        OPERATIONS[operation](codec, view)


@pytest.mark.parametrize("wrong", [None, "text", 5, 0, 1.5, [1, 2], (1,), {}, object], ids=repr)
@pytest.mark.parametrize("operation", [*READERS, *WRITERS])
def test_what_holds_no_bytes_is_a_type_error(
    codec: ModuleType, operation: str, wrong: object
) -> None:
    with pytest.raises(
        TypeError, match=f"^expected bytes, .*memoryview, not {type(wrong).__name__}\\b"
    ):
        OPERATIONS[operation](codec, wrong)


@pytest.mark.parametrize("operation", [*READERS, *WRITERS])
def test_text_is_told_to_be_encoded(codec: ModuleType, operation: str) -> None:
    with pytest.raises(TypeError, match="not str; encode it first$") as caught:
        OPERATIONS[operation](codec, "text")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


MUTABLE: dict[str, Callable[[bytearray], Any]] = {
    "bytearray": lambda data: data,
    "view": memoryview,
    "read-only view": lambda data: memoryview(data).toreadonly(),
}


@pytest.mark.parametrize("form", MUTABLE)
@pytest.mark.parametrize("mode", ["decode", "unwrap", "bare"])
def test_a_frame_stays_as_it_was_when_its_input_changes(
    codec: ModuleType, form: str, mode: str
) -> None:
    read = {
        "decode": codec.decode,
        "unwrap": codec.unwrap,
        "bare": lambda data: codec.unwrap(data, mode="bare"),
    }[mode]
    data = bytearray(DATA)
    frame, expected = read(MUTABLE[form](data)), read(DATA)
    data[:] = bytes(len(data))
    assert frame == expected
    assert (frame.payload, frame.extensions) == (expected.payload, expected.extensions)


@pytest.mark.parametrize("form", MUTABLE)
def test_a_frame_made_from_fields_stays_as_it_was(codec: ModuleType, form: str) -> None:
    data = bytearray(b"payload")
    frame = codec.Frame(0, 1, "m", MUTABLE[form](data), extensions={21: MUTABLE[form](data)})
    data[:] = bytes(len(data))
    assert (frame.payload, frame.extensions[21]) == (b"payload", b"payload")


@pytest.mark.parametrize("form", MUTABLE)
def test_a_stream_keeps_what_it_was_fed(codec: ModuleType, form: str) -> None:
    decoder = codec.StreamDecoder()
    data = bytearray(PREFIX + DATA + PREFIX + DATA[:-1])
    items = decoder.feed(MUTABLE[form](data))
    data[:] = bytes(len(data))
    items += decoder.feed(DATA[-1:])
    assert items == [codec.decode(DATA)] * 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_buffer_is_held_afterwards(codec: ModuleType, operation: str) -> None:
    data = bytearray(sample(operation))
    outcome = OPERATIONS[operation](codec, data)
    data.clear()  # BufferError while somebody holds it
    assert outcome == OPERATIONS[operation](codec, sample(operation))


def test_no_buffer_is_held_after_an_error(codec: ModuleType) -> None:
    data = bytearray(DATA[:-1])
    with refused("F-1", len(DATA) - 1):
        codec.decode(data)
    data.clear()
    assert data == b""
