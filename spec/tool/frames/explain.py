"""`tracewire explain`: the bytes of one frame, and what each of them says."""

import os
from typing import Final

import click
from rich.text import Text

from tracewire.codec import decode
from tracewire.spec.tool.inputs import Unreadable, open_input
from tracewire.spec.tool.options import WholeRange, max_frame_option
from tracewire.spec.tool.safe import counted, escape, shortened
from tracewire.spec.tool.screen import columns, complain, show

from .annotate import Field, annotate
from .capture import EMPTY, Record, form_option, from_digits, is_hexadecimal, read_capture
from .describe import describe_trace
from .unusable import notes

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
    type=WholeRange(1),
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
        if is_file:
            record = _find(name, number, form, max_frame)
        else:
            record = _from_argument(name, number, max_frame)
    except Unreadable as error:
        complain(name, error)
        context.exit(2)
    if record.at:
        print(f"frame {number} at byte {record.at:,}")
    fields, fault = annotate(record.data, record.more)
    _show_fields(fields)
    fault = record.error or fault
    print(f"invalid: {escape(str(fault))}" if fault else _verdict(record.data))
    context.exit(1 if fault else 0)


def _find(name: str, number: int, form: str, max_frame: int) -> Record:
    last = 0
    with open_input(name) as file:
        form, records = read_capture(file, form, max_frame)
        for last, record in enumerate(records, 1):
            if last == number:
                return record
    raise Unreadable(f"there is no frame {number}: {last} read as {form}" if last else EMPTY)


def _from_argument(digits: str, number: int, max_frame: int) -> Record:
    text = os.fsencode(digits)
    if not is_hexadecimal(text):
        raise Unreadable("no such file, and not hexadecimal digits")
    if number != 1:
        raise Unreadable("digits hold one frame; --frame is for files")
    return from_digits(text, max_frame)


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
    said = [f"note: {sentence}" for _, sentence in notes(frame)]
    return "\n".join([f"valid: {counted(len(data), 'byte')}, {describe_trace(frame)}", *said])
