"""Every vector of the specification, on both halves."""

import io
from types import ModuleType
from typing import Any

import cbor2
import msgspec
import pytest

from tests.unit.checks import growth
from tests.unit.vector_files import AREAS, Json, data, load, name, value
from tracewire.codec.constants import MAX_FRAME, Status
from tracewire.codec.errors import FrameError
from tracewire.codec.value import RawItem
from tracewire.protocol.connection.messages import UNREADABLE, read_goaway, read_hello
from tracewire.protocol.errors import read_error
from tracewire.spec.tool.frames.capture import read_capture

BYTE_BY_BYTE = 100_000
INPUTS = {vector["id"]: (area, vector) for area in AREAS for vector in load(area)}


def each_vector_of(area: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", load(area), ids=lambda vector: vector["id"])


def fault(error: FrameError, at: int | None = None) -> Json:
    told = {"rule": error.rule, "offset": error.offset, "kind": error.kind, "id": error.id}
    return told if at is None else {**told, "at": at}


def context(codec: ModuleType, written: Json) -> Any:
    ids = int(written["trace_id"], 16), int(written["parent_id"], 16)
    return codec.TraceContext(*ids, written["flags"], name(written["state"]))


def trace(codec: ModuleType, written: Json) -> Any:
    if isinstance(written, str):
        return {"undecided": None, "not sampled": codec.NOT_SAMPLED}[written]
    return context(codec, written)


def items(frame: Any) -> Json:
    return {key: item.data for key, item in frame.raw_extensions.items()}


def expected_items(written: Json) -> Json:
    return {name(entry["key"]): data(entry["item"]) for entry in written}


def entries(codec: ModuleType, written: Json) -> Json:
    """Extensions whose values are tagged."""
    return {
        name(entry["key"]): value(entry["value"], lambda fields: context(codec, fields))
        for entry in written
    }


# What a half makes of a vector's input, and what the vector expects, in one form.


def read_frames(codec: ModuleType, vector: Json) -> Json:
    try:
        frame = codec.decode(data(vector["hex"]))
    except FrameError as error:
        return fault(error)
    return [frame.kind, frame.id, frame.target, frame.payload, items(frame)]


def expected_frames(codec: ModuleType, expect: Json) -> Json:
    if "error" in expect:
        return expect["error"]
    frame = expect["frame"]
    fields = [frame["kind"], frame["id"], name(frame["target"]), data(frame["payload"])]
    return [*fields, expected_items(frame["extensions"])]


def read_values(codec: ModuleType, vector: Json) -> Json:
    frame = codec.decode(data(vector["hex"]))
    with growth() as grown:
        meaning = frame.trace, {key: plain(item) for key, item in frame.extensions.items()}
    return [*meaning, grown]


def plain(item: Any) -> Any:
    return list(item) if isinstance(item, tuple) else item


def expected_values(codec: ModuleType, expect: Json) -> Json:
    unusable = {f"unusable_{key}": 1 for key in expect["unusable"]}
    return [trace(codec, expect["trace"]), entries(codec, expect["extensions"]), unusable]


def read_encode(codec: ModuleType, vector: Json) -> Json:
    given = vector["arguments"]
    plain_values = entries(codec, given["extensions"])
    raw = {name(entry["key"]): RawItem(data(entry["item"])) for entry in given["raw"]}
    fields = given["kind"], given["id"], name(given["target"]), data(given["payload"])
    with growth() as grown:
        try:
            frame = codec.Frame(*fields, trace(codec, given["trace"]), plain_values, raw)
        except FrameError as error:
            assert error.offset is None
            return error.rule
        written = codec.encode(frame)
    return [written, grown]


def expected_written(codec: ModuleType, expect: Json) -> Json:
    if "error" in expect:
        return expect["error"] if "offset" in expect["error"] else expect["error"]["rule"]
    return [data(expect["hex"]), {f"shed_{key}": count for key, count in expect["shed"].items()}]


def read_by_kind(codec: ModuleType, vector: Json) -> Json:
    """As read_encode, by the encoder that the kind has for itself."""
    given = vector["arguments"]
    extensions = entries(codec, given["extensions"])
    target, payload, stamp = (
        name(given["target"]),
        data(given["payload"]),
        trace(codec, given["trace"]),
    )
    with growth() as grown:
        try:
            match given["kind"]:
                case 0:
                    written = codec.encode_request(given["id"], target, payload, stamp, extensions)
                case 1:
                    written = codec.encode_response(given["id"], payload, target, extensions)
                case _:
                    written = codec.encode_notification(target, payload, stamp, extensions)
        except FrameError as error:
            return error.rule
    return [written, grown]


def read_streams(codec: ModuleType, vector: Json) -> Json:
    chunks = [data(chunk) for chunk in vector["chunks"]]
    max_frame = vector.get("max_frame", MAX_FRAME)
    if vector["transport"] == "message":
        return [[read_message(codec, chunk) for chunk in chunks], None]
    if vector["transport"] == "file":
        return [read_file(b"".join(chunks), max_frame), None]
    return read_stream(codec, chunks, max_frame)


def read_stream(codec: ModuleType, chunks: list[bytes], max_frame: int) -> Json:
    decoder = codec.StreamDecoder(max_frame)
    arrived = [item for chunk in chunks for item in decoder.feed(chunk)]
    end = decoder.eof()
    told = [fault(item) if isinstance(item, FrameError) else codec.encode(item) for item in arrived]
    return [told, None if end is None else fault(end)]


def read_message(codec: ModuleType, message: bytes) -> Json:
    """A frame from a message transport whose receiver understands no even key. S-6, S-7"""
    try:
        frame = codec.decode(message)
    except FrameError as error:
        return fault(error)
    even = any(isinstance(key, int) and key % 2 == 0 for key in frame.raw_extensions)
    if frame.kind > 2 or even:
        return fault(FrameError("S-7", kind=frame.kind, id=frame.id))
    return message


def read_file(content: bytes, max_frame: int) -> Json:
    _, records = read_capture(io.BytesIO(content), "seq", max_frame)
    return [
        record.data if record.error is None else fault(record.error, record.at)
        for record in records
    ]


def expected_streams(codec: ModuleType, expect: Json) -> Json:
    told = [item["error"] if "error" in item else data(item["frame"]) for item in expect["items"]]
    return [told, expect["eof"]]


def read_messages(codec: ModuleType, vector: Json) -> Json:
    message = data(vector["hex"])
    assert codec.is_frame(message) == vector["begins_like_frame"]
    if vector["operation"] == "send bare":
        return not codec.is_frame(message)
    try:
        frame = codec.unwrap(message, mode=vector["mode"], understood=vector["understood"])
    except FrameError as error:
        return fault(error)
    return [frame.kind is None, frame.payload, items(frame)]


def expected_messages(codec: ModuleType, expect: Json) -> Json:
    if "error" in expect:
        return expect["error"]
    if "sent_as_it_is" in expect:
        return expect["sent_as_it_is"]
    if "bare" in expect:
        return [True, data(expect["bare"]), {}]
    envelope = expect["envelope"]
    return [False, data(envelope["payload"]), expected_items(envelope["extensions"])]


def read_relays(codec: ModuleType, vector: Json) -> Json:
    frame = data(vector["hex"])
    with growth() as grown:
        try:
            if vector["operation"] == "strip":
                written = codec.strip(frame)
            else:
                written = codec.restamp(frame, trace(codec, vector["trace"]))
        except FrameError as error:
            return fault(error)
    return [written, grown]


def read_bodies(codec: ModuleType, vector: Json) -> Json:
    payload = data(vector["hex"])
    match vector["of"]:
        case "hello":
            hello = read_hello(payload)
            return None if hello is None else listed(hello)
        case "goaway":
            goaway = read_goaway(payload)
            return None if goaway == UNREADABLE else listed(goaway)
    error = read_error(Status.INTERNAL, payload)
    told = {"message": error.message, "details": error.details, "executed": error.executed}
    return None if told == UNKNOWN else told


def listed(fields: msgspec.Struct) -> Json:
    """The fields as JSON has them."""
    return msgspec.json.decode(msgspec.json.encode(fields))


#: What an error says that cannot be read, and one that says nothing; likewise a goaway.
UNKNOWN = {"message": "", "details": None, "executed": None}
ANY = listed(UNREADABLE)


def expected_bodies(codec: ModuleType, expect: Json) -> Json:
    if expect in ("unreadable", UNKNOWN, ANY):
        return None
    if expect.get("details") is not None:
        return {**expect, "details": value(expect["details"], None)}
    return expect


READ = {
    "frames": (read_frames, expected_frames),
    "values": (read_values, expected_values),
    "encode": (read_encode, expected_written),
    "streams": (read_streams, expected_streams),
    "messages": (read_messages, expected_messages),
    "relays": (read_relays, expected_written),
    "bodies": (read_bodies, expected_bodies),
}


def check(codec: ModuleType, area: str, vector: Json) -> None:
    read, expected = READ[area]
    assert read(codec, vector) == expected(codec, vector["expect"])


@each_vector_of("frames")
def test_a_frame_is_read_as_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "frames", vector)


@each_vector_of("values")
def test_values_mean_what_their_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "values", vector)


@each_vector_of("encode")
def test_an_encoder_writes_what_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "encode", vector)


def has_encoder(vector: Json) -> bool:
    """Whether encode_request, encode_response or encode_notification can be given all of it."""
    given = vector["arguments"]
    of_kind = {
        0: not isinstance(given["target"], int),
        1: isinstance(given["target"], int) and given["trace"] == "undecided",
        2: not isinstance(given["target"], int) and given["id"] == 0,
    }
    return of_kind.get(given["kind"], False) and not given["raw"]


WITH_ENCODER = list(filter(has_encoder, load("encode")))


@pytest.mark.parametrize("vector", WITH_ENCODER, ids=lambda vector: vector["id"])
def test_the_encoder_of_a_kind_writes_what_its_vector_says(codec: ModuleType, vector: Json) -> None:
    assert read_by_kind(codec, vector) == expected_written(codec, vector["expect"])


def test_every_encoder_of_a_kind_has_vectors() -> None:
    assert {vector["arguments"]["kind"] for vector in WITH_ENCODER} == {0, 1, 2}


@each_vector_of("values")
def test_peek_says_what_the_vector_s_trace_is(codec: ModuleType, vector: Json) -> None:
    expect = vector["expect"]["trace"]
    stated = {"undecided": None, "not sampled": False}
    sampled = stated[expect] if isinstance(expect, str) else bool(expect["flags"] & 1)
    assert codec.peek_trace(data(vector["hex"])) is sampled
    read = codec.decode(data(vector["hex"])).trace
    assert (None if read is None else read.sampled) is sampled


@each_vector_of("streams")
def test_a_stream_is_read_as_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "streams", vector)


@each_vector_of("messages")
def test_a_message_is_taken_for_what_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "messages", vector)


@each_vector_of("relays")
def test_a_relay_writes_what_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "relays", vector)


@each_vector_of("bodies")
def test_a_body_is_read_as_its_vector_says(codec: ModuleType, vector: Json) -> None:
    check(codec, "bodies", vector)


@each_vector_of("wrong")
def test_a_wrong_outcome_is_not_ours(codec: ModuleType, vector: Json) -> None:
    area, original = INPUTS[vector["instead_of"]]
    read, expected = READ[area]
    assert read(codec, original) != expected(codec, vector["expect"])


@each_vector_of("streams")
def test_a_stream_says_the_same_byte_by_byte(codec: ModuleType, vector: Json) -> None:
    if vector["transport"] != "stream":
        return check(codec, "streams", vector)
    content = b"".join(map(data, vector["chunks"]))
    edge = min(len(content), BYTE_BY_BYTE)  # of a longer stream the rest comes at once
    pieces = [content[at : at + 1] for at in range(edge)] + [content[edge:]]
    max_frame = vector.get("max_frame", MAX_FRAME)
    assert read_stream(codec, pieces, max_frame) == expected_streams(codec, vector["expect"])


SOUND = [
    vector
    for vector in load("streams")
    if vector["transport"] == "stream" and "breaks" not in vector
    if all("frame" in item for item in vector["expect"]["items"])
]


@pytest.mark.parametrize("vector", SOUND, ids=lambda vector: vector["id"])
def test_frames_become_the_stream_they_came_from(codec: ModuleType, vector: Json) -> None:
    frames = [data(item["frame"]) for item in vector["expect"]["items"]]
    assert b"".join(map(codec.to_stream, frames)) == b"".join(map(data, vector["chunks"]))


VALID = [vector for vector in load("frames") if "frame" in vector["expect"]]


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["id"])
def test_a_frame_made_anew_from_its_fields_is_the_same_bytes(
    codec: ModuleType, vector: Json
) -> None:
    frame = codec.decode(data(vector["hex"]))
    fields = frame.kind, frame.id, frame.target, frame.payload
    rebuilt = codec.Frame(*fields, raw_extensions=dict(frame.raw_extensions))
    assert codec.encode(rebuilt) == data(vector["hex"])


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["id"])
def test_a_cbor_library_reads_the_same_fields(vector: Json) -> None:
    frame = data(vector["hex"])
    read = cbor2.loads(frame[3:])  # within a tag cbor2 makes tuples of arrays
    expect = vector["expect"]["frame"]
    fields = [expect["kind"], expect["id"], expect["target"], data(expect["payload"])]
    assert cbor2.loads(frame).tag == 54519
    assert read[:4] == fields
    entries = read[4] if len(read) == 5 else {}
    expected = {name(e["key"]): cbor2.loads(data(e["item"])) for e in expect["extensions"]}
    assert entries == expected
