"""`tracewire explain`: the bytes of one frame, and what each of them says."""

import os
from itertools import islice
from typing import Final

import click
from rich.text import Text

from tracewire.codec import decode

from .annotate import Field, annotate
from .capture import Record, Unreadable, open_input, read_capture, unhex
from .meaning import of_trace
from .options import form_option, max_frame_option
from .safe import counted, escape, shortened
from .screen import columns, complain, show
from .unusable import note, unusable_keys

BYTES_SHOWN: Final = 8  # of a field
DEEPEST: Final = 8  # steps of indentation

EPILOG: Final = """\
\b
Examples:
  tracewire explain d9d4f785000763612e6240a101f4
  tracewire explain message.bin
  tracewire explain --input stream --frame 3 capture.bin

\b
An existing file wins over hexadecimal digits; - is standard input.
What the forms of --input are: tracewire validate --help.
Exit status: 0 valid, 1 invalid, 2 usage or unreadable input.
"""


@click.command(epilog=EPILOG)
@click.argument("source", nargs=-1, required=True, metavar="HEX|FILE")
@click.option(
    "--frame",
    "number",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which frame of a FILE.",
)
@form_option
@max_frame_option
@click.pass_context
def explain(
    context: click.Context, source: tuple[str, ...], number: int, form: str, max_frame: int
) -> None:
    """Name every field of a frame.

    An invalid frame is explained up to its fault.
    """
    name = " ".join(source)
    is_file = name == "-" or os.path.exists(name)
    try:
        record = _find(name, number, form, max_frame) if is_file else _from_digits(name, number)
    except Unreadable as error:
        complain(name, error)
        context.exit(2)
    if record.at:
        print(f"frame {number} at byte {record.at:,}")
    fields, fault = annotate(record.data)
    _show_fields(fields)
    fault = record.error or fault
    print(f"invalid: {escape(str(fault))}" if fault else _verdict(record.data))
    context.exit(1 if fault else 0)


def _find(name: str, number: int, form: str, max_frame: int) -> Record:
    with open_input(name) as file:
        form, records = read_capture(file, form, max_frame)
        for record in islice(records, number - 1, number):
            return record
    raise Unreadable(f"there is no frame {number} (read as {form})")


def _from_digits(digits: str, number: int) -> Record:
    try:
        data = unhex(os.fsencode(digits))
    except Unreadable as error:
        raise Unreadable(f"no such file, and {error}") from None
    if number != 1:
        raise Unreadable("digits hold one frame; --frame is for files")
    return Record(0, data, None)


def _show_fields(fields: list[Field]) -> None:
    table = columns("offset", "bytes", "field", "meaning")
    table.columns[0].justify = "right"
    for field in fields:
        indent = "  " * min(field.depth, DEEPEST)
        cells = (str(field.offset), shortened(field.data, BYTES_SHOWN), indent + field.name)
        # Text, not str: remote text may hold what rich reads as markup.
        table.add_row(*map(Text, cells), Text(field.meaning))
    if fields:
        show(table)


def _verdict(data: bytes) -> str:
    frame = decode(data)
    notes = [f"note: {note(key)}" for key in unusable_keys(frame)]
    even = [key for key in frame.raw_extensions if isinstance(key, int) and key % 2 == 0]
    if even:
        notes.append(f"note: X-11: even keys must be understood: {', '.join(map(str, even))}")
    return "\n".join([f"valid: {counted(len(data), 'byte')}, {of_trace(frame)}", *notes])
