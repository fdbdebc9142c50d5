"""FrameError: what it tells the program, and what it tells the person."""

import copy
import pickle
import re
from types import ModuleType

import pytest

from tests.unit.checks import frame_bytes
from tracewire.codec.constants import Kind
from tracewire.codec.errors import SENTENCES, FrameError


def error_of(codec: ModuleType, encoded: str) -> FrameError:
    with pytest.raises(FrameError) as caught:
        codec.decode(bytes.fromhex(encoded))
    return caught.value


#: Frames that break a rule in each field, with what was read before it.
BROKEN = [
    ("F-1", 0, "tag", None, None, ""),
    ("F-1", 2, "tag", None, None, "d9d4"),
    ("F-5", 0, "tag", None, None, "d9d4f6"),
    ("F-1", 3, "array", None, None, "d9d4f7"),
    ("F-6", 3, "array", None, None, "d9d4f783"),
    ("F-1", 4, "kind", None, None, "d9d4f784"),
    ("F-7", 4, "kind", None, None, "d9d4f7841a00010000"),
    ("F-1", 5, "id", Kind.REQUEST, None, "d9d4f78400"),
    ("F-9", 5, "id", Kind.REQUEST, None, "d9d4f7840000"),
    ("F-10", 5, "id", Kind.NOTIFICATION, None, "d9d4f7840201"),
    ("F-8", 5, "id", 23, None, "d9d4f7841720"),
    ("F-8", 6, "id", 24, None, "d9d4f784181820"),
    ("F-11", 6, "target", Kind.REQUEST, 7, "d9d4f784000700"),
    ("F-16", 6, "target", Kind.REQUEST, 7, "d9d4f784000761ff"),
    ("F-14", 10, "target", Kind.PONG, 4294967295, "d9d4f784071affffffff01"),
    ("F-17", 8, "payload", Kind.REQUEST, 7, "d9d4f7840007616d60"),
    ("F-1", 10, "payload", Kind.REQUEST, 7, "d9d4f7840007616d42 00"),
    ("F-18", 9, None, Kind.REQUEST, 7, "d9d4f7840007616d40 00"),
    ("X-1", 9, "extensions", Kind.REQUEST, 7, "d9d4f7850007616d40 80"),
    ("X-2", 9, "extensions", Kind.REQUEST, 7, "d9d4f7850007616d40 a0"),
    ("X-4", 10, "extension key", Kind.REQUEST, 7, "d9d4f7850007616d40 a14101"),
    ("X-6", 10, "extension key", Kind.REQUEST, 7, "d9d4f7850007616d40 a160"),
    ("X-5", 10, "extension key", Kind.REQUEST, 7, "d9d4f7850007616d40 a100"),
    ("X-7", 12, "extension key", Kind.REQUEST, 7, "d9d4f7850007616d40 a201f401"),
    ("X-8", 12, "extension value", Kind.REQUEST, 7, "d9d4f7850007616d40 a10181f7"),
    ("X-10", 12, "extension value", Kind.REQUEST, 7, "d9d4f7850007616d40 a101a120"),
    ("F-18", 12, None, Kind.REQUEST, 7, "d9d4f7850007616d40 a101f4 00"),
]


@pytest.mark.parametrize(("rule", "offset", "field", "kind", "id", "encoded"), BROKEN)
def test_an_error_says_where_it_lies_and_what_was_read_before(
    codec: ModuleType,
    rule: str,
    offset: int,
    field: str | None,
    kind: int | None,
    id: int | None,
    encoded: str,
) -> None:
    error = error_of(codec, encoded)
    assert (error.rule, error.offset, error.field) == (rule, offset, field)
    assert (error.kind, error.id) == (kind, id)
    assert type(error.kind) is type(kind)


def test_a_map_that_is_too_long_is_reported_at_its_head(codec: ModuleType) -> None:
    data = frame_bytes(extensions={21: bytes(16_380)})
    error = error_of(codec, data.hex())
    assert (error.rule, error.offset, error.field) == ("X-3", 9, "extensions")
    assert (error.kind, error.id) == (Kind.REQUEST, 1)


def test_an_error_is_a_value_error(codec: ModuleType) -> None:
    assert isinstance(error_of(codec, "00"), ValueError)


def test_an_error_of_arguments_lies_nowhere(codec: ModuleType) -> None:
    with pytest.raises(FrameError) as caught:
        codec.encode_request(0, "m")
    error = caught.value
    assert (error.rule, error.offset, error.kind, error.id) == ("F-9", None, None, None)
    assert str(error) == (
        "F-9 in id: the id of a request, response, cancel, ping or pong must be at least 1"
    )


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ("d9d4f784000761", "F-1 at offset 7 in target: the input ends before the item does"),
        ("d9d4f7840007616d4000", "F-18 at offset 9: bytes follow the end of the item"),
        ("00", "F-5 at offset 0 in tag: this is no frame: a frame begins with D9 D4 F7"),
    ],
)
def test_the_message_names_rule_offset_field_and_reason(
    codec: ModuleType, encoded: str, message: str
) -> None:
    assert str(error_of(codec, encoded)) == message


@pytest.mark.parametrize("rule", SENTENCES)
def test_every_rule_has_a_message_of_one_line(rule: str) -> None:
    message = str(FrameError(rule, 3, "target", 0, 1, "more"))
    assert message == f"{rule} at offset 3 in target: {SENTENCES[rule]}: more"
    assert re.fullmatch(r"[ -~]+", message)


@pytest.mark.parametrize("key", ["k" * 100_000, "a\nb" * 30, "\x1b[31m" * 20])
def test_the_message_of_a_long_or_strange_key_is_short_and_printable(
    codec: ModuleType, key: str
) -> None:
    with pytest.raises(FrameError) as caught:
        codec.encode_request(1, "m", extensions={key: 1})
    assert caught.value.rule == "X-6"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def fields(error: FrameError) -> tuple[object, ...]:
    return error.rule, error.offset, error.field, error.kind, error.id, error.detail, str(error)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("encoded", ["", "d9d4f7840007616d60", "d9d4f784181820"])
def test_an_error_survives_pickling(codec: ModuleType, encoded: str, protocol: int) -> None:
    error = error_of(codec, encoded)
    assert fields(pickle.loads(pickle.dumps(error, protocol))) == fields(error)


def test_an_error_with_details_survives_copying(codec: ModuleType) -> None:
    with pytest.raises(FrameError) as caught:
        codec.strip(frame_bytes(extensions={2: 1, 4: 1}))
    for copied in (copy.copy(caught.value), copy.deepcopy(caught.value)):
        assert fields(copied) == fields(caught.value)


def test_the_repr_shows_the_fields(codec: ModuleType) -> None:
    error = error_of(codec, "d9d4f7840007616d60")
    assert repr(error) == "FrameError('F-17', 8, 'payload', 0, 7, None)"


@pytest.mark.parametrize("operation", ["decode", "strip"])
def test_an_error_comes_alone(codec: ModuleType, operation: str) -> None:
    with pytest.raises(FrameError) as caught:
        getattr(codec, operation)(bytes.fromhex("d9d4f784000761ff"))
    assert caught.value.rule == "F-16"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
