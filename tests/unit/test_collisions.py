"""Each row of the specification's collision table: a proof where a bare format never begins like a
frame, the colliding bytes where it does."""

import pickletools
import zlib
from collections.abc import Iterator

import cbor2
import msgspec
import pytest

from spec.generators.collisions import ROWS
from tracewire.codec import is_frame

MAGICS = (bytes.fromhex("d9d4f784"), bytes.fromhex("d9d4f785"))


def rows_that(collide: bool) -> set[str]:
    return {name for name, row in ROWS.items() if (row.collides != "never") == collide}


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def varints_that_begin(start: bytes, longest: int) -> Iterator[int]:
    """The numbers below 7 × longest bits whose shortest varint begins so."""
    low = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(start))
    for high in range(1, 1 << 7 * (longest - len(start))):
        yield low | high << 7 * len(start)


def test_every_row_has_a_test_of_its_name() -> None:
    tests = {name for name in globals() if name.startswith("test_row_")}
    assert tests == {f"test_row_{name}" for name in ROWS}


@pytest.mark.parametrize("magic", MAGICS)
def test_row_utf8(magic: bytes) -> None:
    with pytest.raises(UnicodeDecodeError) as raised:
        magic.decode("utf-8")
    assert raised.value.start == 0


@pytest.mark.parametrize("magic", MAGICS)
def test_row_utf16_be(magic: bytes) -> None:
    with pytest.raises(UnicodeDecodeError) as raised:
        magic.decode("utf-16-be")
    assert raised.value.start == 0


@pytest.mark.parametrize("second", ["\u84f7", "\u85f7"])
def test_row_utf16_le(second: str) -> None:
    text = "\ud4d9" + second
    assert is_frame(text.encode("utf-16-le"))
    assert not is_frame(text.encode("utf-16"))  # with its byte order mark


@pytest.mark.parametrize("order", ["utf-32-be", "utf-32-le"])
@pytest.mark.parametrize("magic", MAGICS)
def test_row_utf32(magic: bytes, order: str) -> None:
    with pytest.raises(UnicodeDecodeError) as raised:
        magic.decode(order)
    assert raised.value.start == 0


@pytest.mark.parametrize("text", ["\u00d9\u00d4\u00f7\u201e", "\u00d9\u00d4\u00f7\u2026"])
def test_row_one_byte_text(text: str) -> None:
    encoded = text.encode("windows-1252")
    assert is_frame(encoded)
    assert encoded.decode("iso-8859-1")[:3] == text[:3]


@pytest.mark.parametrize("magic", MAGICS)
def test_row_etf(magic: bytes) -> None:
    version = 131  # the first byte of every external term
    assert magic[0] != version


def test_row_pickle() -> None:
    opcodes = {opcode.code.encode("latin-1") for opcode in pickletools.opcodes}
    assert not opcodes & {magic[:1] for magic in MAGICS}


@pytest.mark.parametrize("magic", MAGICS)
def test_row_messagepack(magic: bytes) -> None:
    text_of_212_bytes = magic + bytes(210)
    with pytest.raises(UnicodeDecodeError):
        msgspec.msgpack.decode(text_of_212_bytes)
    assert text_of_212_bytes[1] == len(text_of_212_bytes) - 2
    assert is_frame(text_of_212_bytes)


@pytest.mark.parametrize("elements", [4, 5])
def test_row_cbor(elements: int) -> None:
    assert is_frame(cbor2.dumps(cbor2.CBORTag(54519, [0] * elements)))
    assert not is_frame(cbor2.dumps(cbor2.CBORTag(54518, [0] * elements)))
    assert not is_frame(cbor2.dumps([0] * elements))


def test_row_protobuf() -> None:
    most = (1 << 29) - 1
    keys = [key for magic in MAGICS for key in varints_that_begin(magic, 5) if key >> 3 <= most]
    assert all(is_frame(varint(key)) for key in keys)
    assert {key & 7 for key in keys} == {1}  # a field of 64 bits
    fields = sorted(key >> 3 for key in keys)
    assert len(fields) == 30
    assert f"{fields[0]:,}" in ROWS["protobuf"].reason


@pytest.mark.parametrize("magic", MAGICS)
def test_row_thrift_binary(magic: bytes) -> None:
    strict_version, largest_type = 0x80, 16
    assert magic[0] != strict_version
    assert int.from_bytes(magic, "big", signed=True) < 0  # as the length of an old message's name
    assert magic[0] > largest_type


@pytest.mark.parametrize("magic", MAGICS)
def test_row_thrift_compact(magic: bytes) -> None:
    field_13_list, thirteen_i16, message = 13 << 4 | 9, 13 << 4 | 4, 0x82
    assert magic[0] != message
    zigzag = next(varints_that_begin(magic[2:], 3))
    assert zigzag < 1 << 16
    struct = bytes([field_13_list, thirteen_i16]) + varint(zigzag) + bytes(12) + b"\0"
    assert is_frame(struct)


@pytest.mark.parametrize("magic", MAGICS)
def test_row_bson(magic: bytes) -> None:
    assert int.from_bytes(magic, "little", signed=True) < 0


@pytest.mark.parametrize("magic", MAGICS)
def test_row_avro(magic: bytes) -> None:
    number = next(varints_that_begin(magic, 5))
    assert is_frame(varint(number))
    assert magic[:2] != b"\xc3\x01"
    assert magic[:3] != b"Obj"


@pytest.mark.parametrize("magic", MAGICS)
def test_row_flatbuffers(magic: bytes) -> None:
    assert int.from_bytes(magic, "little") >= 1 << 31


@pytest.mark.parametrize("magic", MAGICS)
def test_row_capnproto(magic: bytes) -> None:
    assert int.from_bytes(magic, "little") >= 1 << 31
    packed_tag = magic[0]
    assert packed_tag >> 3 & 1  # byte 3 of the segment count is not zero: 2^24 at least


def test_row_compressed() -> None:
    starts = [bytes.fromhex(start) for start in ("1f8b", "28b52ffd", "04224d18")]
    assert not any(magic.startswith(start) for magic in MAGICS for start in starts)
    for magic in MAGICS:
        assert magic[0] & 0x0F != 8  # zlib's first byte says deflate
        with pytest.raises(zlib.error, match="invalid stored block lengths"):
            zlib.decompress(magic + bytes(1), wbits=-15)


def test_row_arbitrary() -> None:
    beginnings = 1 << 32
    assert len(MAGICS) / beginnings == 2 / 2**32
    assert all(is_frame(magic + b"chosen by an outsider") for magic in MAGICS)


def test_rows_say_never_or_when() -> None:
    assert rows_that(collide=True) | rows_that(collide=False) == set(ROWS)
    assert rows_that(collide=True) == {
        "utf16_le",
        "one_byte_text",
        "messagepack",
        "cbor",
        "protobuf",
        "thrift_compact",
        "avro",
        "arbitrary",
    }
