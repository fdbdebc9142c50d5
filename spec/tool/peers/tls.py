"""Options for tls:// addresses, and the contexts that they make."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

if TYPE_CHECKING:
    from ssl import Purpose, SSLContext

Command = Callable[..., Any]

_FILE: Final = click.Path(exists=True, dir_okay=False)


class Files(NamedTuple):
    """PEM files. ``ca``: whose certificates are accepted. ``cert`` and ``key``: one's own."""

    ca: str | None
    cert: str | None
    key: str | None


def tls_options(ca: str, cert: str) -> Callable[[Command], Command]:
    """Adds --tls-ca and --tls-cert with such a help, and --tls-key: the fields of Files."""
    helps = {
        "ca": ca,
        "cert": cert,
        "key": "The key of --tls-cert, if it lies in a file of its own.",
    }

    def add(command: Command) -> Command:
        for name in reversed(helps):
            flag = f"--tls-{name}"
            option = click.option(flag, name, type=_FILE, metavar="FILE", help=helps[name])
            command = option(command)
        return command

    return add


def client_context(url: str, files: Files) -> "SSLContext | None":
    """Checks the server's certificate. None where the address takes no context."""
    import ssl

    return _context(ssl.Purpose.SERVER_AUTH, files) if _is_tls(url, files) else None


def server_context(url: str, files: Files) -> "SSLContext | None":
    """Demands a client's certificate where ``ca`` is given. None as for clients."""
    import ssl

    if not _is_tls(url, files):
        return None
    if files.cert is None:
        raise click.UsageError("a tls:// address needs --tls-cert.")
    context = _context(ssl.Purpose.CLIENT_AUTH, files)
    if files.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _is_tls(url: str, files: Files) -> bool:
    is_tls = url.lower().startswith("tls://")
    if any(files) and not is_tls:
        raise click.UsageError("--tls-ca, --tls-cert and --tls-key are for tls:// addresses.")
    if files.key is not None and files.cert is None:
        raise click.UsageError("--tls-key needs --tls-cert.")
    return is_tls


def _context(purpose: "Purpose", files: Files) -> "SSLContext":
    import ssl

    try:
        context = ssl.create_default_context(purpose, cafile=files.ca)
        if files.cert is not None:
            context.load_cert_chain(files.cert, files.key)
    except OSError as error:  # SSLError is one
        said = f"the files for TLS cannot be used: {error}."
        if files.cert is not None and files.key is None:
            said += " Does --tls-cert hold its key? If not, name it by --tls-key."
        raise click.UsageError(said) from None
    return context
