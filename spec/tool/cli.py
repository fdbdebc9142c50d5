"""How `tracewire` starts and ends. All else is loaded inside, where an interrupt may come."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from .output import INTERRUPTED, Outputs

if TYPE_CHECKING:
    import click

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
    outputs, failure = Outputs(), None
    try:
        outputs.check()
        status = _status(load, prog_name)
    except KeyboardInterrupt:
        outputs.hurry()
        status = INTERRUPTED
    except SystemExit as end:
        status = int(end.code or 0)
    except OSError as error:
        status, failure = 2, error
    sys.exit(outputs.finish(status, failure))


def _status(load: "Callable[[], click.Command]", prog_name: str) -> int:
    """The exit status. Raises OSError where output cannot be written."""
    command = load()
    import click

    from .safe import brief

    try:
        # Not by click's own main, which reads a closed pipe as a failed check.
        with command.make_context(prog_name, sys.argv[1:]) as context:
            command.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        # Anew, since it quotes arguments.
        click.UsageError(brief(error.format_message()), getattr(error, "ctx", None)).show()
        return error.exit_code
    return 0
