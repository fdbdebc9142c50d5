"""`tracewire echo`: a peer to try calls on."""

from typing import Final

import click

from .tls import Files, tls_options

EPILOG: Final = """\
\b
Examples:
  tracewire echo tcp://127.0.0.1:4711
  tracewire echo --quiet unix:///tmp/echo.sock
  tracewire echo --tls-cert server.pem --tls-ca ca.pem tls://127.0.0.1:0

\b
Methods:
  tracewire.echo   returns the body as it came
  tracewire.sleep  returns after so many seconds: 0.5
  tracewire.fail   fails with a status, 5, or more:
                   {"status": 5, "message": "no", "details": [1]}

\b
The first line names the address, with the port that a port of 0 became.
Ctrl-C and SIGTERM end it once open calls are answered; a second one, at once.
Exit status: 0 ended so, 2 wrong usage or an address that cannot be used.
"""


@click.command(epilog=EPILOG)
@click.argument("url")
@click.option("-q", "--quiet", is_flag=True, help="Print the address alone, not the calls.")
@tls_options(ca="Demand client certificates by these.", cert="For tls:// addresses.")
@click.pass_context
def echo(context: click.Context, /, url: str, quiet: bool, **files: str | None) -> None:
    """Serve the methods of the conformance suite, to try calls on."""
    from .serving import run  # only here: peers take as long to load as all the rest

    context.exit(run(url, quiet, Files(**files)))
