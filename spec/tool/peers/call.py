"""`tracewire call`: one call of a method from a shell."""

from typing import Final

import click

from tracewire.spec.tool.inputs import Unreadable, open_input
from tracewire.spec.tool.options import SecondsRange, finite, metadata_option
from tracewire.spec.tool.screen import complain

from .tls import Files, tls_options

EPILOG: Final = """\
\b
Examples:
  tracewire call tcp://127.0.0.1:4711 guild.join 42
  tracewire call unix:///run/guild.sock guild.join '{"member": 42}'
  tracewire call --timeout 1 --metadata tenant=a tcp://[::1]:4711 guild.list
  tracewire call --raw tcp://127.0.0.1:4711 tracewire.echo - <body.json
  tracewire call tcp://127.0.0.1:4711 tracewire.echo -- -1

\b
The result is printed as JSON on one line. What JSON lacks becomes text:
bytes in base64, times in RFC 3339; NaN and infinities become null.
A result of another content format than CBOR is bytes.
Exit status: 0 good, 2 wrong usage or an address where nobody answers,
64 + the status of a call that failed: 69 for NOT_FOUND, which is 5.
"""


@click.command(epilog=EPILOG)
@click.argument("url")
@click.argument("method")
@click.argument("text", required=False, metavar="[JSON]")
@click.option(
    "--timeout",
    type=SecondsRange(min=0, min_open=True),
    callback=finite,
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="For the connection to be made, and for the call.",
)
@metadata_option
@click.option("--raw", is_flag=True, help="Print the bytes of the result as they came.")
@tls_options(
    ca="Trust these certificates, not the system's.", cert="For a server that demands one."
)
@click.pass_context
def call(
    context: click.Context,
    /,
    url: str,
    method: str,
    text: str | None,
    timeout: float,
    metadata: tuple[tuple[str, str], ...],
    raw: bool,
    **files: str | None,
) -> None:
    """Call a method of a peer and print what it returns.

    JSON is the body, - reads it from standard input; without it the body is empty.
    """
    from .calling import Calling, run  # only here: peers take as long to load as all the rest

    try:
        body = _read(text)
    except Unreadable as error:
        complain("-", error)
        context.exit(2)
    context.exit(run(Calling(url, method, body, timeout, dict(metadata), raw, Files(**files))))


def _read(text: str | None) -> bytes:
    """The body's JSON, nothing where there is none. Raises Unreadable."""
    if text != "-":
        return (text or "").encode(errors="surrogateescape")
    with open_input(text) as file:
        try:
            return file.read()
        except OSError as error:
            raise Unreadable(error.strerror) from None
