"""Writes the collision table of section 5.4: ``python -m spec.generators.collisions``.

Each row is shown by the test of its name in tests/unit/test_collisions.py.
"""

from typing import NamedTuple

from .markers import write


class BareFormat(NamedTuple):
    """A bare format, and why none of its messages begins like a frame, or which ones do."""

    format: str
    collides: str
    reason: str


ROWS = {
    "utf8": BareFormat(
        "UTF-8 text: JSON, XML, YAML", "never", "`D9` wants one byte `80` to `BF` next"
    ),
    "utf16_be": BareFormat(
        "UTF-16, big-endian",
        "never",
        "`D9D4` is a high surrogate, and `F784` or `F785` no low one",
    ),
    "utf16_le": BareFormat(
        "UTF-16, little-endian",
        "without a byte order mark",
        "text that begins with U+D4D9 and then U+84F7 or U+85F7",
    ),
    "utf32": BareFormat("UTF-32", "never", "in neither byte order is it a character"),
    "one_byte_text": BareFormat(
        "text of one byte a character",
        "by its first four characters",
        "ISO 8859-1 and Windows-1252 text that begins with `ÙÔ÷` and then the byte `84` or `85`",
    ),
    "etf": BareFormat("Erlang external term format", "never", "begins with `83`"),
    "pickle": BareFormat("pickle, every protocol", "never", "`D9` is no opcode"),
    "messagepack": BareFormat(
        "MessagePack",
        "only with text that is not UTF-8",
        "text of 212 bytes whose first, `F7`, begins no character",
    ),
    "cbor": BareFormat(
        "CBOR", "with tag 54519 alone", "a document that is itself an array of 4 or 5 in this tag"
    ),
    "protobuf": BareFormat(
        "Protocol Buffers",
        "with 30 field numbers",
        "a first field of 64 bits whose number is at least 34,848,075 (the tests list all)",
    ),
    "thrift_binary": BareFormat(
        "Thrift binary",
        "never",
        "a message begins with `80` or a length below 2^31, a struct with a type of at most 16",
    ),
    "thrift_compact": BareFormat(
        "Thrift compact",
        "in a bare struct",
        "a first field 13 that is a list of 13 numbers of 16 bits; messages begin with `82`",
    ),
    "bson": BareFormat("BSON", "never", "the length, little-endian, would be negative"),
    "avro": BareFormat(
        "Avro",
        "in bare datums",
        "a first number whose bytes are these; single objects begin with `C3 01`, files with `Obj`",
    ),
    "flatbuffers": BareFormat(
        "FlatBuffers", "never", "the root would lie beyond 2^31 bytes, the largest buffer"
    ),
    "capnproto": BareFormat(
        "Cap'n Proto",
        "never",
        "there would be over 2^31 segments, and in packed form over 2^24",
    ),
    "compressed": BareFormat(
        "gzip, zstd, LZ4 frame, zlib, raw deflate",
        "never",
        "begin with `1F 8B`, `28 B5 2F FD`, `04 22 4D 18`, `x8`; no stored block has these lengths",
    ),
    "arbitrary": BareFormat(
        "ciphertext, raw UUIDs, user bytes",
        "2 in 2^32 at random, always by intent",
        "mode *both* is not for these: M-6",
    ),
}


def table() -> str:
    """The table in Markdown."""
    lines = ["| bare format | begins like a frame | since |", "|---|---|---|"]
    lines += [f"| {row.format} | {row.collides} | {row.reason} |" for row in ROWS.values()]
    return "\n".join(lines)


def main() -> None:
    write("collision table", table())


if __name__ == "__main__":
    main()
