"""The command line tool: `tracewire`, also `python -m tracewire`."""

import io
import os
import signal
import sys
from typing import Final, NoReturn

import tracewire
from tracewire.codec import IMPLEMENTATION

try:
    import click
    import rich  # noqa: F401  (asked for here, so that no command fails half way)
except ModuleNotFoundError as missing:
    if missing.name not in ("click", "rich"):
        raise
    print("tracewire: the tool needs more: pip install 'tracewire[tool]'", file=sys.stderr)
    raise SystemExit(2) from None

from .bench import bench
from .explain import explain
from .rules import rules
from .validate import validate

# As a shell reports a process that such a signal ended.
INTERRUPTED: Final = 128 + signal.SIGINT
PIPE_CLOSED: Final = 128 + signal.SIGPIPE


class Tool(click.Group):
    """A group that does not read a closed pipe as a failed check, which click would."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_output()
            raise click.exceptions.Exit(PIPE_CLOSED) from None


@click.group("tracewire", cls=Tool, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tracewire.__version__, message=f"tracewire %(version)s ({IMPLEMENTATION})")
def group() -> None:
    """Tools for Tracewire message frames.

    \b
    tracewire COMMAND --help says more of each command, with examples.
    Exit status: 0 good, 1 a check failed, 2 wrong usage or unreadable input.
    """


for command in (validate, explain, rules, bench):
    group.add_command(command)


def main(prog_name: str = "tracewire") -> NoReturn:
    """Runs the tool on the arguments of this process and exits with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow encoding stops no output
    try:
        sys.exit(_run(prog_name))
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            sys.exit(PIPE_CLOSED)
        print(f"tracewire: cannot write the output: {error.strerror}", file=sys.stderr)
        sys.exit(2)


def _run(prog_name: str) -> int:
    """The exit status. Raises OSError where output cannot be written."""
    if sys.stdout is None:
        raise OSError(0, "it is closed")
    try:
        status: int = group.main(prog_name=prog_name, standalone_mode=False) or 0
        sys.stdout.flush()
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return status


def _discard_output() -> None:
    """Gives the interpreter somewhere to flush what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
