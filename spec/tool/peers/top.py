"""`tracewire top`: which actions take a live peer's time, and its census."""

from typing import Final

import click

from tracewire.spec.tool.options import SecondsRange, WholeRange, finite, metadata_option

from .tls import Files, tls_options

EPILOG: Final = """\
\b
Examples:
  tracewire top unix:///run/guild.sock
  tracewire top --once --rows 5 unix:///run/guild.sock
  tracewire top --json --every 60 unix:///run/guild.sock >>timings.jsonl
  tracewire top --metadata token=abc tls://guild.example:4711

\b
Columns of the timings:
  now, last  share of the running minute and of the one before
  count      calls in these two minutes, and
  max        the slowest of them
  trace      of the slowest call that is in a sampled trace, and its time

\b
The peer must serve the method tracewire.top and trust its callers. Once
it has answered, one that goes away or is late is asked again.
Exit status: 0 good, or ended by Ctrl-C or SIGTERM; 2 wrong usage or an
address where nobody answers; 64 + the status of a call that failed: 71 is
PERMISSION_DENIED, 76 UNIMPLEMENTED: it does not serve the method.
"""


@click.command(epilog=EPILOG)
@click.argument("url")
@click.option("--once", is_flag=True, help="Print one reading and end.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print an object on a line for each action and minute."
)
@click.option(
    "--rows",
    type=WholeRange(1, 500),
    default=20,
    show_default=True,
    metavar="N",
    help="The most actions and destinations to show.",
)
@click.option(
    "--every",
    type=SecondsRange(min=0.1),
    callback=finite,
    default=2,
    show_default=True,
    metavar="SECONDS",
    help="The time between two readings.",
)
@metadata_option
@tls_options(
    ca="Trust these certificates, not the system's.", cert="For a server that demands one."
)
@click.pass_context
def top(
    context: click.Context,
    /,
    url: str,
    once: bool,
    as_json: bool,
    rows: int,
    every: float,
    metadata: tuple[tuple[str, str], ...],
    **files: str | None,
) -> None:
    """Show which actions take a live peer's time, and its census."""
    from .polling import Polling, run  # only here: peers take as long to load as all the rest

    seconds = None if once else every
    context.exit(run(Polling(url, rows, seconds, as_json, dict(metadata), Files(**files))))
