"""Options that every command has which reads frames."""

from typing import Final

import click

from tracewire.codec.constants import MAX_FRAME, STREAM_PREFIX

from .capture import READERS

form_option: Final = click.option(
    "--input",
    "form",
    type=click.Choice(["auto", *READERS]),
    default="auto",
    show_default=True,
    help="What the input is.",
)
max_frame_option: Final = click.option(
    "--max-frame",
    type=click.IntRange(1, 256**STREAM_PREFIX - 1),
    default=MAX_FRAME,
    show_default=str(MAX_FRAME),
    metavar="BYTES",
    help="The longest frame that is accepted (S-2).",
)
