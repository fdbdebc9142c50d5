"""Options that commands share, and the numbers that options take."""

from math import isfinite
from typing import Final

import click

from tracewire.codec.constants import MAX_FRAME, STREAM_PREFIX


class WholeRange(click.IntRange):
    """A whole number within limits."""

    name = "whole number, such as 25"


class SecondsRange(click.FloatRange):
    """A time within limits."""

    name = "number of seconds, such as 2.5"


class PercentRange(click.FloatRange):
    """A number within limits."""

    name = "number, such as 5"


class KeyValue(click.ParamType[tuple[str, str]]):
    """KEY=VALUE, as a tuple of both."""

    name = "KEY=VALUE"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, str]:
        key, separator, rest = value.partition("=")
        if not separator:
            self.fail(f"{value!r} has no =: write KEY=VALUE.", param, context)
        return key, rest


def finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """The value of an option that takes a number. Raises BadParameter for NaN and infinities."""
    if value is not None and not isfinite(value):
        raise click.BadParameter(f"{value} is no finite number, such as 5.")
    return value


max_frame_option: Final = click.option(
    "--max-frame",
    type=WholeRange(1, 256**STREAM_PREFIX - 1),
    default=MAX_FRAME,
    show_default=True,
    metavar="BYTES",
    help="The longest frame that is accepted (S-2).",
)

metadata_option: Final = click.option(
    "--metadata", type=KeyValue(), multiple=True, metavar="KEY=VALUE", help="Text to send along."
)
