"""`tracewire validate`: one verdict for each frame of its input."""

import os
from typing import Final

import click

from tracewire.codec import decode
from tracewire.spec.tool.inputs import Unreadable, open_input
from tracewire.spec.tool.options import max_frame_option
from tracewire.spec.tool.screen import complain

from .capture import EMPTY, Record, form_option, read_capture
from .progress import watched
from .unusable import notes
from .verdicts import JsonVerdicts, NoVerdicts, TextVerdicts, VerdictCounts, VerdictReport

EXTENDED: Final = 0x85  # the fourth byte of a frame with extensions

EPILOG: Final = """\
\b
Examples:
  tracewire validate message.bin
  tracewire validate --input stream --json capture.bin
  printf 'd9d4f7840001656775696c6440' | tracewire validate --input hex -

\b
Forms of input:
  raw      the whole input is one frame
  seq      frames back to back, up to the first invalid one (S-5)
  stream   each frame after its 4-byte length; goes on after invalid ones
  hex      one frame as hexadecimal text; spaces, colons, 0x, # comments aside
  auto     seq if the first bytes are D9 D4 F7, stream if they are so after
           four others, hex if all is hexadecimal text, else seq (so invalid)

\b
Output: invalid frames, notes (values that read as absent, even keys), and
  a summary. A line begins with FILE:BYTE, where in the input the fault lies.
Exit status: 0 all valid, 1 some invalid, 2 usage or unreadable input.
"""


@click.command(epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@form_option
@max_frame_option
@click.option("--json", "as_json", is_flag=True, help="An object on a line for every frame.")
@click.option("-v", "--verbose", is_flag=True, help="Print valid frames too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def validate(
    context: click.Context,
    files: tuple[str, ...],
    form: str,
    max_frame: int,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Check frames against the specification.

    FILE holds frames; - is standard input, which is also read where no FILE is given.
    """
    if as_json + verbose + quiet > 1:
        raise click.UsageError("--json, --verbose and --quiet exclude each other.")
    if not files and os.isatty(0):
        raise click.UsageError("name a FILE, or pipe frames in.")
    report: VerdictReport = (
        JsonVerdicts() if as_json else NoVerdicts() if quiet else TextVerdicts(verbose)
    )
    context.exit(max(_validate_file(name, form, max_frame, report) for name in files or ("-",)))


def _validate_file(name: str, form: str, max_frame: int, report: VerdictReport) -> int:
    """The exit status of one file, whose frames are reported as they are judged."""
    counts = VerdictCounts()
    try:
        with open_input(name) as file, watched(file, name) as readable:
            form, records = read_capture(readable, form, max_frame)
            for record in records:
                _judge(name, record, counts, report)
        if not counts.frames:
            raise Unreadable(EMPTY)
    except Unreadable as error:
        complain(name, error)
        return 2
    report.end(name, form, counts)
    return 1 if counts.invalid else 0


def _judge(name: str, record: Record, counts: VerdictCounts, report: VerdictReport) -> None:
    said: list[tuple[str, str]] = []
    counts.frames += 1
    if record.error is not None:
        counts.invalid += 1
        counts.last = record.error.rule
    elif record.data[3] == EXTENDED:
        said = notes(decode(record.data))
        counts.notes += len(said)
    report.frame(name, counts.frames, record, said)
