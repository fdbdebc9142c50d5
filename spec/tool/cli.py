"""How `tracewire` starts and ends. All else is loaded inside, where an interrupt may come."""

import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    import click

# As a shell reports a process that such a signal ended.
INTERRUPTED: Final = 128 + signal.SIGINT
PIPE_CLOSED: Final = 128 + signal.SIGPIPE

MISSING: Final = 'the tool needs more: in a clone of the repository, pip install ".[tool]"'


def main(prog_name: str = "tracewire") -> NoReturn:
    """Runs the tool on the arguments of this process and exits with its status."""
    run(_load, prog_name)


def _load() -> "click.Command":
    try:
        from .commands import group
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        print(f"tracewire: {MISSING}", file=sys.stderr)
        raise SystemExit(2) from None
    return group


def run(load: "Callable[[], click.Command]", prog_name: str) -> NoReturn:
    """Runs the command that ``load`` gives, as `main` does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow encoding stops no output
    try:
        sys.exit(_status(load, prog_name))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        _discard(1)
        status = PIPE_CLOSED if isinstance(error, BrokenPipeError) else 2
        with suppress(OSError):
            if status == 2:
                reason = f"tracewire: cannot write the output: {error.strerror}"
                print(reason, file=sys.stderr, flush=True)
            sys.exit(status)
        _discard(2)
        sys.exit(status)


def _status(load: "Callable[[], click.Command]", prog_name: str) -> int:
    """The exit status. Raises OSError where output cannot be written."""
    if sys.stdout is None:
        raise OSError(0, "it is closed")
    command = load()
    import click

    from .safe import brief

    status = 0
    try:
        # Not by click's own main, which reads a closed pipe as a failed check.
        with command.make_context(prog_name, sys.argv[1:]) as context:
            command.invoke(context)
    except click.exceptions.Exit as end:
        status = end.exit_code
    except click.ClickException as error:
        # Anew, since it quotes arguments.
        click.UsageError(brief(error.format_message()), getattr(error, "ctx", None)).show()
        status = error.exit_code
    sys.stdout.flush()
    return status


def _discard(descriptor: int) -> None:
    """Gives the interpreter somewhere to flush what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
