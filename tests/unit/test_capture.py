"""Frames out of files: forms of input, sizes, ends and faults."""

from io import BytesIO
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.checks import frame_bytes
from tests.unit.tool import decoded
from tests.unit.vector_files import Json, load
from tests.unit.vector_files import data as written
from tracewire.codec import to_stream
from tracewire.codec.constants import MAGIC, MAX_FRAME
from tracewire.spec.tool.frames.capture import (
    CHUNK,
    WINDOW,
    Record,
    Window,
    detect,
    read_capture,
    unhex,
)
from tracewire.spec.tool.inputs import Readable, Unreadable

FRAME = frame_bytes()

payload_sizes = st.one_of(
    st.integers(0, 100),
    st.integers(WINDOW - 40, WINDOW + 40),
    st.integers(CHUNK - 40, CHUNK + 40),
    st.just(3 * CHUNK),
)
#: Payloads that look like more frames, so that no guess about a frame's end is always right.
fillings = st.sampled_from([b"\0", MAGIC, FRAME])
frames = st.builds(
    lambda size, filling, id: frame_bytes(id=id, payload=(filling * size)[:size]),
    payload_sizes,
    fillings,
    st.integers(1, 2**32 - 1),
)


class Trickle:
    """A file that gives few bytes at a time and keeps what was asked of it."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._file = BytesIO(data)
        self._piece = piece
        self.largest_request = 0

    def read(self, size: int, /) -> bytes:
        self.largest_request = max(self.largest_request, size)
        return self._file.read(min(size, self._piece))


def read(data: bytes | Readable, form: str, max_frame: int = MAX_FRAME) -> list[Record]:
    file = BytesIO(data) if isinstance(data, bytes) else data
    return list(read_capture(file, form, max_frame)[1])


def verdict(record: Record) -> tuple[int, str, int | None] | None:
    """Where in the input a record is, which rule it breaks, and where in the record."""
    error = record.error
    return None if error is None else (record.at, error.rule, error.offset)


@given(st.lists(frames, max_size=8))
def test_a_sequence_gives_each_frame_and_its_place(all_frames: list[bytes]) -> None:
    places = accumulate(map(len, all_frames), initial=0)
    expected = [Record(at, data, None) for at, data in zip(places, all_frames, strict=False)]
    assert read(b"".join(all_frames), "seq") == expected


@given(st.lists(frames, max_size=8))
def test_a_stream_gives_each_frame_and_its_place(all_frames: list[bytes]) -> None:
    places = accumulate((len(frame) + 4 for frame in all_frames), initial=4)
    expected = [Record(at, data, None) for at, data in zip(places, all_frames, strict=False)]
    assert read(b"".join(map(to_stream, all_frames)), "stream") == expected


@given(st.lists(frames, max_size=4), frames, st.data())
def test_a_cut_sequence_names_its_end_and_gives_all_frames_before_it(
    before: list[bytes], last: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(last) - 1))
    capture = b"".join(before)
    *whole, broken = read(capture + last[:cut], "seq")
    assert [record.data for record in whole] == before
    assert all(record.error is None for record in whole)
    assert verdict(broken) == (len(capture), "F-1", cut)


@given(st.lists(frames, max_size=4), frames, st.data())
def test_a_cut_stream_names_its_end_and_gives_all_frames_before_it(
    before: list[bytes], last: bytes, data: st.DataObject
) -> None:
    capture = b"".join(map(to_stream, before))
    cut = data.draw(st.integers(1, len(last) + 3))
    *whole, broken = read(capture + to_stream(last)[:cut], "stream")
    assert [record.data for record in whole] == before
    assert verdict(broken) == (len(capture) + min(cut, 4), "S-3", max(0, cut - 4))


@given(st.lists(frames, max_size=3), st.binary(min_size=1, max_size=64), st.lists(frames))
def test_a_sequence_ends_at_its_first_invalid_frame(
    before: list[bytes], garbage: bytes, after: list[bytes]
) -> None:
    capture = b"".join(before)
    rest = b"\xff" + garbage + b"".join(after)
    *whole, broken = read(capture + rest, "seq")
    assert [record.data for record in whole] == before
    assert verdict(broken) == (len(capture), "F-5", 0)


@given(st.lists(st.one_of(frames, st.binary(max_size=64)), max_size=8))
def test_a_stream_goes_on_after_an_invalid_record(contents: list[bytes]) -> None:
    records = read(b"".join(map(to_stream, contents)), "stream")
    assert [record.data for record in records] == contents
    found = [record.error and (record.error.rule, record.error.offset) for record in records]
    assert found == [decoded(content) for content in contents]


@given(st.one_of(frames, st.binary(min_size=1, max_size=64)), st.binary(max_size=4))
def test_raw_and_hexadecimal_input_are_judged_as_decode_judges(data: bytes, tail: bytes) -> None:
    whole = data + tail
    for form, content in (("raw", whole), ("hex", whole.hex().encode())):
        (record,) = read(content, form)
        assert (record.at, record.data) == (0, whole)
        assert (record.error and (record.error.rule, record.error.offset)) == decoded(whole)


@pytest.mark.parametrize("form", ["raw", "seq", "stream", "hex"])
def test_a_frame_may_be_as_long_as_the_maximum_and_no_longer(form: str) -> None:
    frame = frame_bytes(payload=bytes(1000))
    content = {"stream": to_stream(frame), "hex": frame.hex().encode()}.get(form, frame)
    assert [record.error for record in read(content, form, len(frame))] == [None]
    (over,) = read(content, form, len(frame) - 1)
    assert verdict(over) == (4 if form == "stream" else 0, "S-2", 0)


def test_a_frame_of_the_maximum_may_be_followed_by_another() -> None:
    assert [record.error for record in read(FRAME * 3, "seq", len(FRAME))] == [None] * 3


def test_a_cut_frame_below_the_maximum_is_incomplete_and_not_too_long() -> None:
    assert verdict(*read(FRAME[:-1], "seq", len(FRAME) - 1)) == (0, "F-1", len(FRAME) - 1)


def test_nothing_is_read_after_a_record_that_is_too_long() -> None:
    capture = to_stream(FRAME) + to_stream(FRAME + b"\0") + to_stream(FRAME)
    records = read(capture, "stream", len(FRAME))
    assert [record.error and record.error.rule for record in records] == [None, "S-2"]


@pytest.mark.parametrize("form", ["raw", "seq", "stream", "auto"])
def test_no_more_is_asked_of_a_file_than_a_chunk_whatever_length_is_announced(form: str) -> None:
    announced = MAGIC + bytes.fromhex("8400016161") + b"\x5a\xff\xff\xff\xff"
    file = Trickle(b"\xff\xff\xff\xff" + announced if form == "stream" else announced, 3)
    (cut,) = read(file, form, 2**32 - 1)
    assert cut.error is not None
    assert cut.error.rule == ("S-3" if form == "stream" else "F-1")
    assert file.largest_request <= CHUNK


@pytest.mark.parametrize("form", ["seq", "stream"])
@given(sizes=st.lists(st.integers(0, 70_000), min_size=1, max_size=40), piece=st.integers(1, 9999))
def test_what_is_looked_at_grows_with_the_input_alone(
    form: str, sizes: list[int], piece: int
) -> None:
    looked_at = 0

    class Counted(Window):
        def peek(self, size: int) -> bytes:
            nonlocal looked_at
            data = super().peek(size)
            looked_at += len(data)
            return data

    contents = [frame_bytes(payload=bytes(size)) for size in sizes]
    capture = b"".join(contents if form == "seq" else map(to_stream, contents))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracewire.spec.tool.frames.capture.Window", Counted)
        assert len(read(Trickle(capture, piece), form)) == len(contents)
    assert looked_at <= 8 * len(capture) + WINDOW * len(contents)


@pytest.mark.parametrize(
    ("start", "form"),
    [
        (FRAME, "seq"),
        (MAGIC[:1], "seq"),
        (MAGIC[:2], "seq"),
        (MAGIC + b"anything", "seq"),
        (MAGIC + b"\x84" + MAGIC, "seq"),
        (to_stream(FRAME), "stream"),
        (to_stream(FRAME)[:5], "stream"),
        (b"\xff\xff\xff\xff" + MAGIC, "stream"),
        (b"\0\0\0\x0c", "seq"),
        (b"\0\0\0\0\0\0\0\x09" + FRAME, "seq"),
        (b"d9d4f784", "hex"),
        (b"D9 D4 F7 84", "hex"),
        (b" \n# a comment: zz\n0xd9", "hex"),
        (b"00", "hex"),
        (b"# only a comment\n", "hex"),
        (b" \n", "hex"),
        (b'{"op":1}', "seq"),
        (b"d9d4zz", "seq"),
    ],
)
def test_auto_decides_by_the_first_bytes(start: bytes, form: str) -> None:
    assert detect(Window(BytesIO(start))) == form


def test_auto_refuses_to_call_an_empty_input_valid() -> None:
    with pytest.raises(Unreadable, match="empty"):
        read(b"", "auto")


@pytest.mark.parametrize("form", ["seq", "stream"])
def test_an_empty_input_is_a_capture_without_frames(form: str) -> None:
    assert read(b"", form) == []


@pytest.mark.parametrize("form", ["raw", "hex"])
def test_an_empty_input_is_no_frame(form: str) -> None:
    with pytest.raises(Unreadable, match="the input is empty"):
        read(b"", form)


@pytest.mark.parametrize(
    "text",
    [
        b"d9d4f784",
        b"D9D4F784",
        b"0xd9d4f784",
        b"0xD9 0Xd4 0xf7 0x84",
        b" d9 d4\tf7\r\n84\n",
        b"d9d4 # the tag # twice\nf784",
        b"# zz\nd9d4f784 # \xff\xe2\x80\xae",
        b"d\n9 d 4 f 7 8 4",
        b"d9:d4:F7:84",
    ],
)
def test_hexadecimal_text_may_hold_white_space_prefixes_and_comments(text: bytes) -> None:
    assert unhex(text) == bytes.fromhex("d9d4f784")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"xyz", "line 1, column 1"),
        (b"d9d4zz", "line 1, column 5"),
        (b"0xd9 # zz\n d4,f7", "line 2, column 4"),
        (b"00000010: d9d4", "line 1, column 9"),
        (b"d:9d4", "line 1, column 2"),
        (b"0xd9\n# c\n\xff", "line 3, column 1"),
        (b"d9d", r"odd number of hexadecimal digits \(3\)"),
    ],
)
def test_what_is_not_hexadecimal_is_named_by_its_place(text: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        unhex(text)


def test_hexadecimal_text_without_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="make it binary"):
        read(b" " * 1601, "hex", 100)


def test_a_file_that_cannot_be_read_on_is_unreadable() -> None:
    class Broken:
        def read(self, size: int, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(Unreadable, match="Input/output error"):
        read(Broken(), "seq")


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(vector, id=vector["id"])
        for vector in load("streams")
        if vector["transport"] != "message"
    ],
)
def test_the_vectors_of_streams_and_files_are_read_as_they_say(vector: Json) -> None:
    form = {"file": "seq", "stream": "stream"}[vector["transport"]]
    capture = b"".join(map(written, vector["chunks"]))
    expected = vector["expect"]["items"] + [
        {"error": error} for error in [vector["expect"]["eof"]] if error
    ]
    records = read(capture, form, vector.get("max_frame", MAX_FRAME))
    assert len(records) == len(expected)
    for record, item in zip(records, expected, strict=True):
        if "frame" in item:
            assert (record.error, record.data) == (None, written(item["frame"]))
        else:
            error = item["error"]
            at = error.get("at", record.at)
            assert verdict(record) == (at, error["rule"], error["offset"])
